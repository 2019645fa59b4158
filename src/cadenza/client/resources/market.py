"""``api.market``: venues, instruments, order books, tickers, bars and trades.

Above: the user. Below: ``ports``. An instrument is named ``{VENUE}:{BASE}/{QUOTE}``, for example ``PAPER:BTC/USDT``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from cadenza.client.hubs import EventHub
from cadenza.client.mailboxes import DEFAULT_QUEUE_SIZE, EventMailbox, StateMailbox
from cadenza.client.resources.ports import Api
from cadenza.client.subscriptions import BookWatch, GapHandler, Watch
from cadenza.errors import ValidationError
from cadenza.schema import channels, methods
from cadenza.schema.instruments import Instrument, ListInstrumentsParams
from cadenza.schema.market import (
    GetOrderBookParams,
    Kline,
    ListKlinesParams,
    ListOrderBooksParams,
    ListTickersParams,
    MarketTrade,
    OrderBook,
    Ticker,
)
from cadenza.schema.scalars import InstrumentStatus, KlineInterval, SecurityType, Venue
from cadenza.schema.system import NoParams

T = TypeVar("T")


class MarketResource:
    """Everything about the market. All of it needs a signed-in user.

    Attributes:
        venues: Where one can trade.
        instruments: What one can trade.
        order_books: Who would trade at which price.
        tickers: The last and the best prices.
        klines: Bars.
        trades: What was traded.
    """

    def __init__(self, api: Api) -> None:
        self.venues = Venues(api)
        self.instruments = Instruments(api)
        self.order_books = OrderBooks(api)
        self.tickers = Tickers(api)
        self.klines = Klines(api)
        self.trades = Trades(api)


class Venues:
    """``api.market.venues``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(self, *, deadline_seconds: float | None = None) -> list[Venue]:
        """All venues (``query.venue.list``)."""
        return await self._api.call(methods.QUERY_VENUE_LIST, NoParams(), deadline_seconds=deadline_seconds)


class Instruments:
    """``api.market.instruments``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(
        self,
        *,
        venue: Venue | None = None,
        symbols: Iterable[str] | None = None,
        security_type: SecurityType | None = None,
        status: InstrumentStatus | None = None,
        limit: int | None = None,
        offset: int | None = None,
        deadline_seconds: float | None = None,
    ) -> list[Instrument]:
        """Instruments, all or those that fit (``query.instrument.list``).

        Args:
            venue: Only of this venue.
            symbols: Only these, ``BTC/USDT``.
            security_type: Only with this kind of base.
            status: Only in this state.
            limit: So many at most.
            offset: From this place of the whole list on.
            deadline_seconds: How long to wait for the answer; the client's own deadline if not given.
        """
        params = ListInstrumentsParams(
            venue=venue,
            symbols=_tuple(symbols),
            security_type=security_type,
            instrument_status=status,
            limit=limit,
            offset=offset,
        )
        return await self._api.call(methods.QUERY_INSTRUMENT_LIST, params, deadline_seconds=deadline_seconds)


class OrderBooks:
    """``api.market.order_books``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, instrument_id: str, *, depth: int = 10, deadline_seconds: float | None = None) -> OrderBook:
        """One book as it is now, ``depth`` levels a side (``query.orderbook.get``)."""
        params = GetOrderBookParams(instrument_id=instrument_id, depth=depth)
        return await self._api.call(methods.QUERY_ORDERBOOK_GET, params, deadline_seconds=deadline_seconds)

    async def list(
        self,
        *,
        instrument_ids: Iterable[str] | None = None,
        venue: Venue | None = None,
        symbols: Iterable[str] | None = None,
        depth: int = 10,
        deadline_seconds: float | None = None,
    ) -> list[OrderBook]:
        """Several books as they are now, by id or by venue and symbols (``query.orderbook.list``)."""
        params = ListOrderBooksParams(
            instrument_ids=_tuple(instrument_ids), venue=venue, symbols=_tuple(symbols), depth=depth
        )
        return await self._api.call(methods.QUERY_ORDERBOOK_LIST, params, deadline_seconds=deadline_seconds)

    def watch(self, instrument_id: str, *, depth: int | None = None, on_gap: GapHandler | None = None) -> BookWatch:
        """Follow a book: each item is the newest whole book, never a part of one.

        A reader slower than the book skips books, never changes: what it reads next is the newest. After a hole the
        book stands still until it is whole again.

        Args:
            instrument_id: Which.
            depth: Levels a side; all if not given.
            on_gap: Told when the gateway could not give again what was missed. The book is whole all the same.

        Raises:
            ValidationError: There is no such channel.
        """
        venue, symbol = _parts(instrument_id)
        return self._api.watch_book(channels.orderbook_channel(venue, symbol), depth=depth, on_gap=on_gap)


class Tickers:
    """``api.market.tickers``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(
        self,
        *,
        instrument_ids: Iterable[str] | None = None,
        venue: Venue | None = None,
        symbols: Iterable[str] | None = None,
        deadline_seconds: float | None = None,
    ) -> list[Ticker]:
        """Tickers as they are now, by id or by venue and symbols; all if nothing is given (``query.ticker.list``)."""
        params = ListTickersParams(instrument_ids=_tuple(instrument_ids), venue=venue, symbols=_tuple(symbols))
        return await self._api.call(methods.QUERY_TICKER_LIST, params, deadline_seconds=deadline_seconds)

    def watch(self, instrument_id: str, *, on_gap: GapHandler | None = None) -> Watch[Ticker]:
        """Follow one ticker: each item is the newest. A slow reader skips older ones."""
        venue, symbol = _parts(instrument_id)
        return self._watch(channels.ticker_channel(venue, symbol), on_gap)

    def watch_venue(self, venue: Venue, *, on_gap: GapHandler | None = None) -> Watch[Ticker]:
        """Follow all tickers of a venue: of each symbol, the newest. A slow reader skips older ones."""
        return self._watch(channels.ticker_channel(venue), on_gap)

    def _watch(self, channel: str, on_gap: GapHandler | None) -> Watch[Ticker]:
        return self._api.watch(
            channel,
            make_hub=lambda *, report, restart: EventHub(channel, Ticker, report=report, restart=restart),
            make_mailbox=lambda hub: StateMailbox(hub.channel, key=lambda ticker: ticker.symbol),
            on_gap=on_gap,
            heals=True,
        )


class Klines:
    """``api.market.klines``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(
        self,
        *,
        interval: KlineInterval | None = None,
        instrument_ids: Iterable[str] | None = None,
        venue: Venue | None = None,
        symbols: Iterable[str] | None = None,
        deadline_seconds: float | None = None,
    ) -> list[Kline]:
        """Bars, by id or by venue and symbols (``query.kline.list``)."""
        params = ListKlinesParams(
            instrument_ids=_tuple(instrument_ids), venue=venue, symbols=_tuple(symbols), interval=interval
        )
        return await self._api.call(methods.QUERY_KLINE_LIST, params, deadline_seconds=deadline_seconds)

    def watch(
        self,
        instrument_id: str,
        interval: KlineInterval,
        *,
        queue_size: int = DEFAULT_QUEUE_SIZE,
        on_gap: GapHandler | None = None,
    ) -> Watch[Kline]:
        """Follow bars, each publication in order. Raises ``GapError`` where one is missing, or tells ``on_gap``.

        Args:
            instrument_id: Which.
            interval: How long a bar is.
            queue_size: How many wait for a slow reader before the oldest is dropped.
            on_gap: Told of a gap instead of the loop.
        """
        venue, symbol = _parts(instrument_id)
        return _events(self._api, channels.kline_channel(venue, symbol, interval), Kline, queue_size, on_gap)


class Trades:
    """``api.market.trades``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def watch(
        self, instrument_id: str, *, queue_size: int = DEFAULT_QUEUE_SIZE, on_gap: GapHandler | None = None
    ) -> Watch[MarketTrade]:
        """Follow trades, each one in order. Raises ``GapError`` where one is missing, or tells ``on_gap``.

        Args:
            instrument_id: Which.
            queue_size: How many wait for a slow reader before the oldest is dropped.
            on_gap: Told of a gap instead of the loop.
        """
        venue, symbol = _parts(instrument_id)
        return _events(self._api, channels.trade_channel(venue, symbol), MarketTrade, queue_size, on_gap)


def _events(api: Api, channel: str, payload: type[T], queue_size: int, on_gap: GapHandler | None) -> Watch[T]:
    if queue_size < 1:
        raise ValidationError("A queue holds at least one item.", field="queue_size")
    return api.watch(
        channel,
        make_hub=lambda *, report, restart: EventHub(channel, payload, report=report, restart=restart),
        make_mailbox=lambda hub: EventMailbox(hub.channel, queue_size),
        on_gap=on_gap,
        heals=False,
    )


def _parts(instrument_id: str) -> tuple[str, str]:
    venue, colon, symbol = instrument_id.partition(":")
    if not colon:
        raise ValidationError(f"{instrument_id!r} is not of the form VENUE:BASE/QUOTE.", field="instrumentId")
    return venue, symbol


def _tuple(values: Iterable[str] | None) -> tuple[str, ...] | None:
    if isinstance(values, str):  # a text is an iterable of texts, and never meant as one here
        raise ValidationError("Give a list of texts, not one text.", field="symbols")
    return None if values is None else tuple(values)
