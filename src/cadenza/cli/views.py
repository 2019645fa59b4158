"""How what comes on a channel is shown: JSON lines, plain lines, or a live picture on the whole terminal.

Above: ``cli.watching``. Below: ``cli.output``, ``cli.live`` and the pictures.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cadenza.cli.book_picture import BookPicture
from cadenza.cli.colours import Style
from cadenza.cli.live import LiveView, Picture
from cadenza.cli.moments import clock_time
from cadenza.cli.output import json_text, note, person_looks, say
from cadenza.cli.screen import Screen
from cadenza.cli.session import ConnectionNotes, Teller
from cadenza.cli.table_pictures import BarPicture, TickerPicture, TradePicture
from cadenza.client import Gap
from cadenza.client.timing import Timing
from cadenza.schema import channels
from cadenza.schema.channels import ChannelPattern, ParsedChannel
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker

__all__ = ["Item", "View", "line_of", "view_for"]

Item = OrderBook | Ticker | Kline | MarketTrade

_PICTURES: dict[ChannelPattern, Callable[[], Picture]] = {
    channels.ORDERBOOK: BookPicture,
    channels.TICKER: TickerPicture,
    channels.VENUE_TICKER: TickerPicture,
    channels.TRADE: TradePicture,
    channels.KLINE: BarPicture,
}


class View(Protocol):
    """Shows items, and what there is to be said beside them.

    Attributes:
        wants_history: Whether it is the better for what was before.
    """

    wants_history: bool

    @property
    def teller(self) -> Teller:
        """Who tells how the connection fares."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Be there for items until the end of the block."""
        ...

    def show(self, item: Item, /, *, sequence: str = "") -> None:
        """Show one more; ``sequence`` is of a book."""

    def missed(self, gap: Gap, /) -> None:
        """Say that something is missing here."""


def view_for(parsed: ParsedChannel, *, as_json: bool, lines: bool) -> View:
    """Choose the view for a channel and for who looks."""
    if as_json or lines or not person_looks():
        return _Lines(as_json=as_json)
    return LiveView(_PICTURES[parsed.pattern](), Screen(sys.stdout), Timing())


class _Lines:
    """One line each on stdout; what is to be said beside them, on stderr."""

    wants_history = False

    def __init__(self, *, as_json: bool) -> None:
        self.teller = ConnectionNotes(as_json=as_json)
        self._as_json = as_json

    def running(self) -> AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()

    def show(self, item: Item, *, sequence: str = "") -> None:  # noqa: ARG002  # a line of JSON is the contract's message
        say(json_text(item) if self._as_json else line_of(item))

    def missed(self, gap: Gap) -> None:
        if self._as_json:
            note(json_text({"event": "gap", "channel": gap.channel, "cause": gap.cause.value, "lost": gap.lost}))
        else:
            some = "some publications" if gap.lost is None else f"{gap.lost} publication(s)"
            note(f"cadenza: {some} missing here: {gap.cause.value}.", Style.WARNING)


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
