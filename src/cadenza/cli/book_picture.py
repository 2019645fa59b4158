"""A live order book: bids to the left, asks to the right, the best on top, how deep it goes as bars to either side.

Above: ``cli.live``. Below: ``cli.screen``. Cumulated sizes and bars are left out where the terminal is too narrow.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from cadenza.cli.colours import Style
from cadenza.cli.moments import clock_time
from cadenza.cli.output import cells
from cadenza.cli.screen import Line, Room, Span
from cadenza.schema.market import OrderBook

__all__ = ["BookPicture"]

_LONGEST_BAR = 24
_SHORTEST_BAR = 4
_BASIS_POINTS = 10_000
#: Lines beside the levels: the title, the headings, the spread, and the blank lines between.
_OTHER_LINES = 5


@dataclass(frozen=True, kw_only=True)
class _Level:
    price: str
    size: str
    total: str
    depth: Decimal


class BookPicture:
    """The newest book."""

    def __init__(self) -> None:
        self._book: OrderBook | None = None
        self._sequence = ""

    def show(self, item: object, sequence: str, /) -> None:
        """Take the newest."""
        if isinstance(item, OrderBook):
            self._book, self._sequence = item, sequence

    def lines(self, room: Room, /) -> list[Line]:
        """Draw it."""
        book = self._book
        if book is None:
            return [[("waiting for the book", Style.MUTED)]]
        levels = max(1, min(room.height - _OTHER_LINES, max(len(book.bids), len(book.asks))))
        bids, asks = _levels(book, book.bids[:levels]), _levels(book, book.asks[:levels])
        shape = _Shape(bids, asks, room)
        padded = itertools.zip_longest(bids, asks)
        return [
            [
                (f"{book.venue}:{book.symbol}", Style.STRONG),
                (f"  order book  {clock_time(book.timestamp)}", Style.MUTED),
            ],
            [],
            shape.headings(),
            *(shape.row(bid, ask) for bid, ask in padded),
            [],
            self._foot(bids, asks, room.age),
        ]

    def _foot(self, bids: Sequence[_Level], asks: Sequence[_Level], age: str) -> Line:
        shown = [("spread", _spread(bids, asks)), ("age", age), ("sequence", self._sequence)]
        return [
            span for name, value in shown if value for span in ((f"{name} ", Style.MUTED), (f"{value}   ", Style.PLAIN))
        ]


class _Shape:
    """How wide each column is, which are shown, and how much a bar's block stands for."""

    def __init__(self, bids: Sequence[_Level], asks: Sequence[_Level], room: Room) -> None:
        both = [*bids, *asks]
        self._price, self._size, self._total = (
            max([len(heading), *(cells(getattr(level, name)) for level in both)])
            for heading, name in (("BID", "price"), ("SIZE", "size"), ("TOTAL", "total"))
        )
        half = (room.width - 3) // 2  # the line between has a blank to either side
        with_sizes = self._price + 2 + self._size
        with_totals = with_sizes + 2 + self._total
        self._has_sizes, self._has_totals = half >= with_sizes, half >= with_totals
        left = half - with_totals - 2
        self._bar = min(left, _LONGEST_BAR) if left >= _SHORTEST_BAR else 0
        self._deepest = max((level.depth for level in both), default=Decimal(0))
        self._full, self._left_half, self._right_half, self._middle = "█▐▌│" if room.has_blocks else "#  |"

    def headings(self) -> Line:
        bid = self._bid_side("", "TOTAL", "SIZE", "BID")
        ask = self._ask_side("ASK", "SIZE", "TOTAL", "")
        return [("".join(bid), Style.STRONG), (f" {self._middle} ", Style.MUTED), ("".join(ask), Style.STRONG)]

    def row(self, bid: _Level | None, ask: _Level | None) -> Line:
        bar, total, size, price = self._bid_side(*self._cells(bid, self._left_half))
        ask_price, ask_size, ask_total, ask_bar = self._ask_side(*reversed(self._cells(ask, self._right_half)))
        spans: list[Span] = [(bar, Style.GOOD_AREA), (total, Style.MUTED), (size, Style.PLAIN), (price, Style.GOOD)]
        spans.append((f" {self._middle} ", Style.MUTED))
        return [
            *spans,
            (ask_price, Style.DOWN),
            (ask_size, Style.PLAIN),
            (ask_total, Style.MUTED),
            (ask_bar, Style.DOWN_AREA),
        ]

    def _bid_side(self, bar: str, total: str, size: str, price: str) -> tuple[str, str, str, str]:
        return (
            f"{bar:>{self._bar}}  " if self._bar else "",
            f"{total:>{self._total}}  " if self._has_totals else "",
            f"{size:>{self._size}}  " if self._has_sizes else "",
            f"{price:>{self._price}}",
        )

    def _ask_side(self, price: str, size: str, total: str, bar: str) -> tuple[str, str, str, str]:
        return (
            f"{price:>{self._price}}",
            f"  {size:>{self._size}}" if self._has_sizes else "",
            f"  {total:>{self._total}}" if self._has_totals else "",
            f"  {bar}" if self._bar else "",
        )

    def _cells(self, level: _Level | None, half: str) -> tuple[str, str, str, str]:
        if level is None:
            return "", "", "", ""
        halves = int(2 * self._bar * level.depth / self._deepest) if self._deepest else 0
        full, part = self._full * (halves // 2), half.strip() * (halves % 2)
        bar = part + full if half == self._left_half else full + part
        return bar, level.total, level.size, level.price


def _levels(book: OrderBook, rows: Sequence[Sequence[str]]) -> list[_Level]:
    try:
        price, quantity = book.columns.index("price"), book.columns.index("quantity")
    except ValueError:  # a book of a kind that is not known yet
        price, quantity = 0, 1
    depths = itertools.accumulate(_number(row[quantity]) for row in rows)
    return [
        _Level(price=row[price], size=row[quantity], total=f"{depth:f}", depth=depth)
        for row, depth in zip(rows, depths, strict=True)
    ]


def _spread(bids: Sequence[_Level], asks: Sequence[_Level]) -> str:
    if not bids or not asks:
        return ""
    bid, ask = _number(bids[0].price), _number(asks[0].price)
    middle = (bid + ask) / 2
    return f"{ask - bid:f} ({(ask - bid) / middle * _BASIS_POINTS:.2f} bp)" if middle else f"{ask - bid:f}"


def _number(text: str) -> Decimal:
    """A decimal; zero for what is none, which is shown as it came all the same."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)
