"""Market data: order books, tickers, bars, public trades.

Above: ``methods``, ``channels``. Below: scalars. Times are integer milliseconds, prices and quantities decimal text.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cadenza.schema.scalars import (
    DecimalText,
    InstrumentId,
    KlineInterval,
    LooseDecimalText,
    Message,
    OrderBookType,
    OrderSide,
    SymbolPair,
    UnixMilliseconds,
    UpdateType,
    Venue,
)

#: One row of a book, as ``columns`` names it: ``(price, quantity)`` for L2. All texts, counts too.
BookRow = Annotated[tuple[str, ...], msgspec.Meta(min_length=2, max_length=4)]
#: ``(openTime ms, open, high, low, close, volume)``; ``volume`` is null where the venue has none.
Candle = tuple[
    UnixMilliseconds,
    LooseDecimalText,
    LooseDecimalText,
    LooseDecimalText,
    LooseDecimalText,
    LooseDecimalText | None,
]
L2_COLUMNS = ("price", "quantity")


class OrderBook(Message, frozen=True, kw_only=True):
    """A book (``SNAPSHOT``, replaces all) or a change of one (``DIFF``, per level; quantity zero removes it).

    Bids descend, asks ascend. The contract has no sequence number: publications carry it in the tag ``seq``.
    """

    update_type: UpdateType
    instrument_id: InstrumentId | None = None
    venue: Venue
    symbol: SymbolPair
    order_book_type: OrderBookType
    columns: tuple[str, ...]
    bids: tuple[BookRow, ...]
    asks: tuple[BookRow, ...]
    timestamp: UnixMilliseconds


class OrderBookSnapshot(Message, frozen=True, kw_only=True):
    """What the subscribe reply of a book channel carries (ours): the venue's book at ``seq`` = ``<run>:<n>``."""

    seq: str
    book: OrderBook


class Ticker(Message, frozen=True, kw_only=True):
    """The last trade and the best prices of one instrument, as decimal text; ``timestamp`` in milliseconds."""

    instrument_id: InstrumentId | None = None
    venue: Venue
    symbol: SymbolPair
    last_price: DecimalText | None = None
    last_quantity: DecimalText | None = None
    bid_price: DecimalText | None = None
    bid_quantity: DecimalText | None = None
    ask_price: DecimalText | None = None
    ask_quantity: DecimalText | None = None
    price_change_percent: DecimalText | None = None
    timestamp: UnixMilliseconds


class Kline(Message, frozen=True, kw_only=True):
    """Bars of one interval, oldest first. ``is_closed`` speaks of the last one; ``timestamp`` in milliseconds."""

    instrument_id: InstrumentId | None = None
    venue: Venue
    symbol: SymbolPair
    interval: KlineInterval
    candles: tuple[Candle, ...]
    is_closed: bool
    timestamp: UnixMilliseconds


class MarketTrade(Message, frozen=True, kw_only=True):
    """A public trade (ours; the contract leaves ``market:trade`` open).

    ``side`` is the taker's, ``quantity`` in the base asset, ``timestamp`` in milliseconds.
    """

    venue: Venue
    symbol: SymbolPair
    instrument_id: InstrumentId
    trade_id: str
    price: DecimalText
    quantity: DecimalText
    side: OrderSide
    timestamp: UnixMilliseconds


class GetOrderBookParams(Message, frozen=True, kw_only=True):
    """Which book, and how many levels of each side."""

    instrument_id: InstrumentId | None = None
    depth: int = 10


class ListOrderBooksParams(Message, frozen=True, kw_only=True):
    """By instrument ids, or by venue and symbols; nothing given means all. ``venue`` is plain text in the contract."""

    instrument_ids: tuple[InstrumentId, ...] | None = None
    venue: str | None = None
    symbols: tuple[SymbolPair, ...] | None = None
    depth: int = 10


class ListTickersParams(Message, frozen=True, kw_only=True):
    """By instrument ids, or by venue and symbols; nothing given means all."""

    instrument_ids: tuple[InstrumentId, ...] | None = None
    venue: Venue | None = None
    symbols: tuple[SymbolPair, ...] | None = None


class ListKlinesParams(Message, frozen=True, kw_only=True):
    """By instrument ids, or by venue and symbols. The contract gives neither range nor limit."""

    instrument_ids: tuple[InstrumentId, ...] | None = None
    venue: Venue | None = None
    symbols: tuple[SymbolPair, ...] | None = None
    interval: KlineInterval | None = None


class SaveOrderBooksParams(Message, frozen=True, kw_only=True):
    """Books to keep as they are (role ``service``)."""

    order_books: tuple[OrderBook, ...]


class SaveTickersParams(Message, frozen=True, kw_only=True):
    """Tickers to keep as they are (role ``service``)."""

    tickers: tuple[Ticker, ...]


class SaveKlinesParams(Message, frozen=True, kw_only=True):
    """Bars to keep as they are (role ``service``)."""

    klines: tuple[Kline, ...]
