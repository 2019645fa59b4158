"""Live tables: the newest ticker of each symbol, the last trades, the last bars.

Above: ``cli.live``. Below: ``cli.grid``. What does not fit the height is left out at the foot; it is the oldest.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal, InvalidOperation
from typing import Final

from cadenza.cli.colours import Style
from cadenza.cli.grid import Column, grid
from cadenza.cli.moments import clock_day, clock_time
from cadenza.cli.screen import Line, Room, Span
from cadenza.schema.market import Candle, Kline, MarketTrade, Ticker

__all__ = ["BarPicture", "TickerPicture", "TradePicture"]

#: More than any screen has lines.
_MOST_ROWS: Final = 300
#: The title, the headings, and a blank line after each.
_OTHER_LINES: Final = 4
_UP, _DOWN, _SAME = Style.GOOD, Style.DOWN, Style.PLAIN


class TickerPicture:
    """The newest ticker of each symbol, in the order in which they came first."""

    _COLUMNS: Final = (
        Column(heading="SYMBOL", right=False),
        Column(heading="LAST"),
        Column(heading="SIZE", rank=4),
        Column(heading="CHANGE", rank=3),
        Column(heading="BID", rank=1),
        Column(heading="BID SIZE", rank=5),
        Column(heading="ASK", rank=1),
        Column(heading="ASK SIZE", rank=5),
        Column(heading="TIME", rank=2),
    )

    def __init__(self) -> None:
        self._tickers: dict[str, Ticker] = {}
        self._ways: dict[str, Style] = {}

    def show(self, item: object, _: str, /) -> None:
        """Take the newest of its symbol."""
        if isinstance(item, Ticker):
            before = self._tickers.get(item.symbol)
            way = _SAME if before is None else _way(before.last_price, item.last_price)
            if way is not _SAME or before is None:
                self._ways[item.symbol] = way
            self._tickers[item.symbol] = item

    def lines(self, room: Room, /) -> list[Line]:
        """Draw them."""
        if not self._tickers:
            return [[("waiting for tickers", Style.MUTED)]]
        fitting = max(1, room.height - _OTHER_LINES)
        tickers = list(self._tickers.values())
        arrows = ("▲", "▼") if room.has_blocks else ("+", "-")
        rows = [self._row(ticker, arrows) for ticker in tickers[:fitting]]
        more = f"  {len(tickers) - fitting} more do not fit" if len(tickers) > fitting else ""
        title = _title(tickers[0].venue, f"tickers{_aged(room)}{more}")
        return [title, [], *grid(self._COLUMNS, rows, room.width), []]

    def _row(self, ticker: Ticker, arrows: tuple[str, str]) -> list[Span]:
        way = self._ways[ticker.symbol]
        arrow = {_UP: f" {arrows[0]}", _DOWN: f" {arrows[1]}"}.get(way, "  ")
        change = ticker.price_change_percent
        return [
            (ticker.symbol, Style.STRONG),
            ((ticker.last_price or "-") + arrow, way),
            (ticker.last_quantity or "-", Style.PLAIN),
            (f"{change} %" if change else "-", _way("0", change)),
            (ticker.bid_price or "-", Style.GOOD),
            (ticker.bid_quantity or "-", Style.PLAIN),
            (ticker.ask_price or "-", Style.DOWN),
            (ticker.ask_quantity or "-", Style.PLAIN),
            (clock_time(ticker.timestamp), Style.MUTED),
        ]


class TradePicture:
    """The last trades, the newest on top; the side is the taker's."""

    _COLUMNS: Final = (
        Column(heading="TIME", rank=1, right=False),
        Column(heading="SIDE", rank=2, right=False),
        Column(heading="SIZE"),
        Column(heading="PRICE"),
    )

    def __init__(self) -> None:
        self._trades: deque[MarketTrade] = deque(maxlen=_MOST_ROWS)

    def show(self, item: object, _: str, /) -> None:
        """Take one more."""
        if isinstance(item, MarketTrade):
            self._trades.appendleft(item)

    def lines(self, room: Room, /) -> list[Line]:
        """Draw them."""
        if not self._trades:
            return [[("waiting for a trade", Style.MUTED)]]
        fitting = max(1, room.height - _OTHER_LINES)
        rows = [self._row(trade) for _, trade in zip(range(fitting), self._trades, strict=False)]
        newest = self._trades[0]
        title = _title(f"{newest.venue}:{newest.symbol}", f"trades{_aged(room)}")
        return [title, [], *grid(self._COLUMNS, rows, room.width), []]

    def _row(self, trade: MarketTrade) -> list[Span]:
        side = Style.GOOD if trade.side == "BUY" else Style.DOWN
        return [
            (clock_time(trade.timestamp), Style.MUTED),
            (str(trade.side), side),
            (trade.quantity, Style.PLAIN),
            (trade.price, side),
        ]


class BarPicture:
    """The last bars, the newest on top, or last where they scroll by; one that is still forming says so."""

    _COLUMNS: Final = (
        Column(heading="TIME", right=False),
        Column(heading="OPEN", rank=1),
        Column(heading="HIGH", rank=2),
        Column(heading="LOW", rank=2),
        Column(heading="CLOSE"),
        Column(heading="VOLUME", rank=3),
        Column(heading="", rank=4, right=False),
    )

    def __init__(self) -> None:
        self._newest: Kline | None = None
        self._bars: dict[int, Candle] = {}

    def show(self, item: object, _: str, /) -> None:
        """Take its bars; one that is there already has changed."""
        if isinstance(item, Kline):
            self._newest = item
            self._bars.update((candle[0], candle) for candle in item.candles)
            for opened in sorted(self._bars)[:-_MOST_ROWS]:
                del self._bars[opened]

    def lines(self, room: Room, /) -> list[Line]:
        """Draw them."""
        newest = self._newest
        if newest is None or not self._bars:
            return [[("waiting for a bar", Style.MUTED)]]
        fitting = max(1, room.height - _OTHER_LINES)
        shown = sorted(self._bars, reverse=True)[:fitting]
        moment = _day_and_time if clock_day(shown[0]) != clock_day(shown[-1]) else _time
        rows = [
            self._row(moment(at), self._bars[at], forming=at == shown[0] and not newest.is_closed)
            for at in (reversed(shown) if room.stands_still else shown)
        ]
        title = _title(f"{newest.venue}:{newest.symbol}", f"bars of {newest.interval}{_aged(room)}")
        return [title, [], *grid(self._COLUMNS, rows, room.width), []]

    def _row(self, moment: str, candle: Candle, *, forming: bool) -> list[Span]:
        _, opened, high, low, closed, volume = candle
        way = _way(opened, closed)
        return [
            (moment, Style.MUTED),
            (opened, Style.PLAIN),
            (high, Style.PLAIN),
            (low, Style.PLAIN),
            (closed, way),
            (volume or "-", Style.PLAIN),
            ("forming" if forming else "", Style.MUTED),
        ]


def _time(milliseconds: int) -> str:
    return clock_time(milliseconds).partition(".")[0]


def _day_and_time(milliseconds: int) -> str:
    return f"{clock_day(milliseconds)} {_time(milliseconds)}"


def _aged(room: Room) -> str:
    return f"  age {room.age}" if room.age else ""


def _title(what: str, more: str) -> Line:
    return [(what, Style.STRONG), (f"  {more}", Style.MUTED)]


def _way(before: str | None, after: str | None) -> Style:
    """Up, down, or neither: also where one of them is no number."""
    try:
        first, second = Decimal(before or ""), Decimal(after or "")
    except InvalidOperation:
        return _SAME
    return _UP if second > first else _DOWN if second < first else _SAME
