"""How what comes on a channel is shown: JSON lines, plain lines, or a table that refreshes.

Above: ``cli.watching``. Below: ``cli.output``; Rich for the tables, imported when there is one to draw.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from cadenza.cli.moments import clock_time
from cadenza.cli.output import json_text, person_looks, printable, say
from cadenza.schema import channels
from cadenza.schema.channels import ParsedChannel
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

__all__ = ["Item", "View", "line_of", "view_for"]

Item = OrderBook | Ticker | Kline | MarketTrade

_REFRESHES_PER_SECOND = 8


class View(Protocol):
    """Shows items."""

    def show(self, item: Item, /) -> None:
        """Show one more."""


def view_for(parsed: ParsedChannel, *, as_json: bool, lines: bool) -> AbstractContextManager[View]:
    """Choose the view for a channel and for who looks."""
    if as_json:
        return contextlib.nullcontext(_Lines(json_text))
    if lines or not person_looks() or parsed.pattern in (channels.KLINE, channels.TRADE):
        return contextlib.nullcontext(_Lines(line_of))
    return _live(_BookTable() if parsed.pattern is channels.ORDERBOOK else _TickerTable())


class _Lines:
    def __init__(self, line: Callable[[Item], str]) -> None:
        self._line = line

    def show(self, item: Item) -> None:
        say(self._line(item))


def line_of(item: Item) -> str:
    """Say an item on one line: time, instrument, what is new."""
    head = f"{clock_time(item.timestamp)}  {item.symbol}"
    match item:
        case OrderBook():
            return f"{head}  bid {_best(item.bids)}  ask {_best(item.asks)}"
        case Ticker():
            last = f"last {_or_dash(item.last_price)} x {_or_dash(item.last_quantity)}"
            return f"{head}  {last}  bid {_or_dash(item.bid_price)}  ask {_or_dash(item.ask_price)}"
        case MarketTrade():
            return f"{head}  {item.side:<4}  {item.quantity} @ {item.price}"
        case Kline():
            return f"{head}  {item.interval}  {_bar(item)}"


def _best(rows: tuple[tuple[str, ...], ...]) -> str:
    return f"{rows[0][0]} x {rows[0][1]}" if rows else "-"


def _bar(kline: Kline) -> str:
    if not kline.candles:
        return "-"
    _, opened, high, low, closed, volume = kline.candles[-1]
    state = "closed" if kline.is_closed else "forming"
    return f"open {opened}  high {high}  low {low}  close {closed}  volume {_or_dash(volume)}  {state}"


def _or_dash(text: str | None) -> str:
    return text or "-"


class _BookTable:
    """The newest book: bids to the left, asks to the right, best on top."""

    def __init__(self) -> None:
        self._book: OrderBook | None = None

    def show(self, item: Item) -> None:
        if isinstance(item, OrderBook):
            self._book = item

    def __rich__(self) -> Table | str:
        if self._book is None:
            return "waiting for the book"
        book = self._book
        table = _table(
            f"{book.venue}:{book.symbol}  {clock_time(book.timestamp)}", "BID SIZE", "BID", "ASK", "ASK SIZE"
        )
        for row in range(max(len(book.bids), len(book.asks))):
            bid = book.bids[row] if row < len(book.bids) else ("", "")
            ask = book.asks[row] if row < len(book.asks) else ("", "")
            table.add_row(_text(bid[1]), _text(bid[0], "green"), _text(ask[0], "red"), _text(ask[1]))
        return table


class _TickerTable:
    """The newest ticker of each symbol, in the order in which they came first."""

    def __init__(self) -> None:
        self._tickers: dict[str, Ticker] = {}

    def show(self, item: Item) -> None:
        if isinstance(item, Ticker):
            self._tickers[item.symbol] = item

    def __rich__(self) -> Table | str:
        if not self._tickers:
            return "waiting for tickers"
        table = _table("", "SYMBOL", "LAST", "SIZE", "BID", "ASK", "TIME")
        for ticker in self._tickers.values():
            table.add_row(
                _text(ticker.symbol),
                _text(_or_dash(ticker.last_price)),
                _text(_or_dash(ticker.last_quantity)),
                _text(_or_dash(ticker.bid_price), "green"),
                _text(_or_dash(ticker.ask_price), "red"),
                _text(clock_time(ticker.timestamp)),
            )
        return table


def _table(title: str, *headings: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=_text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "SYMBOL" else "right")
    return table


def _text(text: str, style: str = "") -> Text:
    """A cell as text: a value is never read as Rich's markup."""
    from rich.text import Text

    return Text(printable(text), style=style)


@contextlib.contextmanager
def _live(table: _BookTable | _TickerTable) -> Iterator[View]:
    from rich.live import Live

    # Rich draws at its own pace, whatever the channel's: a fast book costs the terminal nothing.
    with Live(table, refresh_per_second=_REFRESHES_PER_SECOND, transient=False):
        yield table
