"""What happens on a venue, and which publications it becomes: domain event -> channels, bytes, tags.

Above: ``feed`` publishes them. Below: schema. Market channels carry the bare model; each event is encoded once, however
many channels it goes to. Every change of a book carries ``seq``, ``<run>:<n>``, so that a reader can tell a hole.
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from cadenza.schema.channels import kline_channel, orderbook_channel, ticker_channel, trade_channel
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker

__all__ = ["BarChanged", "BookChanged", "MarketEvent", "Publication", "TickerChanged", "Traded", "publications_of"]

#: The tag that numbers a book's publications (``design/decisions.md``, "A whole book").
SEQ_TAG = "seq"

_encode = msgspec.json.Encoder().encode
# Formatting a name checks it part by part, which costs as much as encoding the payload; there are few names.
_cached = lru_cache(maxsize=10_000)
_kline_channel, _orderbook_channel = _cached(kline_channel), _cached(orderbook_channel)
_ticker_channel, _trade_channel = _cached(ticker_channel), _cached(trade_channel)


class BookChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Levels of a book changed: ``book`` is a DIFF of absolute quantities that leads from ``seq - 1`` to ``seq``."""

    seq: str
    book: OrderBook


class TickerChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Last trade or best prices changed."""

    ticker: Ticker


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """A trade happened."""

    trade: MarketTrade


class BarChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A bar grew, or closed."""

    kline: Kline


MarketEvent = BookChanged | TickerChanged | Traded | BarChanged


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes for one channel."""

    channel: str
    data: bytes
    tags: Mapping[str, str] | None = None


def publications_of(event: MarketEvent) -> tuple[Publication, ...]:
    """Encode an event for every channel it belongs to."""
    if isinstance(event, BookChanged):
        book = event.book
        channel = _orderbook_channel(book.venue, book.symbol)
        return (Publication(channel=channel, data=_encode(book), tags={SEQ_TAG: event.seq}),)
    if isinstance(event, TickerChanged):
        ticker = event.ticker
        data = _encode(ticker)
        return (
            Publication(channel=_ticker_channel(ticker.venue, ticker.symbol), data=data),
            Publication(channel=_ticker_channel(ticker.venue), data=data),
        )
    if isinstance(event, Traded):
        trade = event.trade
        return (Publication(channel=_trade_channel(trade.venue, trade.symbol), data=_encode(trade)),)
    kline = event.kline
    return (Publication(channel=_kline_channel(kline.venue, kline.symbol, kline.interval), data=_encode(kline)),)
