"""`cadenza watch` against a real stack: lines for programs, a table for a person, an end in every way."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import pty
import re
import signal
import termios
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cadenza.schema.channels import CHANNELS, parse_channel
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker

_BOOK = "market:orderbook:PAPER:BTC/USDT"


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        (_BOOK, OrderBook),
        ("market:ticker:PAPER:BTC/USDT", Ticker),
        ("market:ticker:PAPER", Ticker),
        ("market:kline:PAPER:BTC/USDT:1m", Kline),
        ("market:trade:PAPER:BTC/USDT", MarketTrade),
    ],
)
def test_each_line_of_json_is_the_channels_own_message(trader: Any, channel: str, kind: type) -> None:
    ran = trader("watch", channel, "--count", "3", "--for", "60", "--json")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    parsed = parse_channel(channel)
    assert parsed is not None
    items = [parsed.pattern.decode(line.encode()) for line in ran.out.splitlines()]
    assert len(items) == 3
    assert all(isinstance(item, kind) for item in items)


def test_a_book_is_whole_to_its_depth_and_its_sides_do_not_cross(trader: Any) -> None:
    ran = trader("watch", _BOOK, "--count", "2", "--depth", "4", "--json")
    for line in ran.out.splitlines():
        book = json.loads(line)
        assert book["updateType"] == "SNAPSHOT"
        assert len(book["bids"]) == len(book["asks"]) == 4
        assert float(book["bids"][0][0]) < float(book["asks"][0][0])


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (_BOOK, ("BTC/USDT", "bid", "ask")),
        ("market:ticker:PAPER:BTC/USDT", ("BTC/USDT", "last", "bid")),
        ("market:kline:PAPER:BTC/USDT:1m", ("1m", "open", "close", "volume")),
        ("market:trade:PAPER:BTC/USDT", ("BTC/USDT", " @ ")),
    ],
)
def test_a_pipe_gets_one_plain_line_each(trader: Any, channel: str, words: tuple[str, ...]) -> None:
    ran = trader("watch", channel, "--count", "2", "--for", "60")
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 2
    assert "\x1b" not in ran.out
    for line in ran.out.splitlines():
        assert all(word in line for word in words)


def test_the_time_ends_it_without_a_count(trader: Any) -> None:
    ran = trader("watch", "market:ticker:PAPER", "--for", "0.2", "--json")
    assert ran.code == 0, ran.err


def test_too_few_in_time_is_a_failure_that_may_pass(trader: Any) -> None:
    ran = trader("watch", "market:ticker:PAPER", "--for", "0.2", "--count", "100000")
    assert ran.code == 5
    assert "of 100000 came within 0.2 s" in ran.err
    assert "--for" in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_ctrl_c_ends_it_with_130_and_no_word(trader: Any, number: signal.Signals) -> None:
    process = trader.start("watch", _BOOK, "--json")
    assert process.stdout.readline().startswith("{")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == ""


class _Seat:
    """Somebody at a terminal of 100 columns, before ``cadenza watch``."""

    def __init__(self, trader: Any, *argv: str, **environ: str) -> None:
        self.terminal, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (30, 100))
        self.process = trader.start(
            *("watch", *argv),
            environ={"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            text=False,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode  # a read may end within a character

    def until(self, enough: Callable[[str], bool]) -> None:
        while not enough(self.seen):
            self.seen += self._decode(os.read(self.terminal, 65536))

    def drawn(self, number: int) -> None:
        """Wait until so many pictures have been drawn."""
        self.until(lambda seen: seen.count(_FRAME) >= number)

    def ended(self, number: signal.Signals | None = None) -> int:
        """Signal it, see the rest, and return its exit code."""
        if number is not None:
            self.process.send_signal(number)
        # Linux tells an error where the other end of a terminal is closed.
        with contextlib.suppress(OSError):
            while rest := os.read(self.terminal, 65536):
                self.seen += self._decode(rest)
        os.close(self.terminal)
        code: int = self.process.wait(timeout=30)
        return code

    @property
    def left(self) -> str:
        """What stands on the terminal once it is given back."""
        return self.seen.rpartition(_GIVEN_BACK)[2]


@pytest.fixture
def sit_down(trader: Any) -> Iterator[Callable[..., _Seat]]:
    """``sit_down(*argv, **environ)``; whoever still sits there in the end is sent away."""
    seats: list[_Seat] = []

    def sit(*argv: str, **environ: str) -> _Seat:
        seats.append(_Seat(trader, *argv, **environ))
        return seats[-1]

    yield sit
    for seat in seats:
        if seat.process.poll() is None:
            seat.process.kill()
            seat.process.wait(timeout=30)


_FRAME, _TAKEN, _GIVEN_BACK = "\x1b[?2026l", "\x1b[?1049h", "\x1b[?1049l\x1b[?25h"


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (_BOOK, ("PAPER:BTC/USDT", "order book", "BID", "ASK", "█", "spread", "age", "sequence", "● connected")),
        ("market:ticker:PAPER", ("SYMBOL", "BTC/USDT", "ETH/USDT", "LAST", "● connected")),
        ("market:trade:PAPER:BTC/USDT", ("trades", "SIDE", "PRICE", "● connected")),
        ("market:kline:PAPER:BTC/USDT:1m", ("bars of 1m", "OPEN", "CLOSE", "● connected")),
    ],
)
def test_a_person_sees_a_picture_that_refreshes_and_stays_after_ctrl_c(
    sit_down: Callable[..., _Seat], channel: str, words: tuple[str, ...]
) -> None:
    seat = sit_down(channel)
    seat.until(lambda seen: all(word in seen.rpartition(_TAKEN)[2] for word in words))
    seat.drawn(seat.seen.count(_FRAME) + 1)
    assert "\x1b[32m" in seat.seen
    assert seat.ended(signal.SIGINT) == 130
    assert seat.seen.count(_TAKEN) == seat.seen.count(_GIVEN_BACK) == 1
    assert all(word in seat.left for word in words if word != "● connected")
    assert "Ctrl-C" not in seat.left


def test_bars_begin_with_those_there_are(sit_down: Callable[..., _Seat]) -> None:
    seat = sit_down("market:kline:PAPER:BTC/USDT:1m")
    bar = re.compile(r"\d\d:\d\d:00")
    seat.until(lambda seen: any(len(bar.findall(frame)) > 20 for frame in seen.split(_FRAME)[:-1]))
    assert seat.ended(signal.SIGINT) == 130


def test_no_color_takes_the_colours_and_leaves_the_picture(sit_down: Callable[..., _Seat]) -> None:
    seat = sit_down(_BOOK, "--count", "2", NO_COLOR="1")
    assert seat.ended() == 0
    assert "order book" in seat.left
    assert re.search(r"\x1b\[[\d;]*m", seat.seen) is None


@pytest.mark.parametrize(("options", "term"), [((), "dumb"), (("--lines",), "xterm"), (("--json",), "xterm")])
def test_a_dumb_terminal_and_whoever_asks_for_lines_get_lines(
    sit_down: Callable[..., _Seat], options: tuple[str, ...], term: str
) -> None:
    seat = sit_down(_BOOK, "--count", "2", *options, TERM=term)
    assert seat.ended() == 0
    assert "\x1b" not in seat.seen
    assert len(seat.seen.splitlines()) == 2


def test_a_terminal_that_becomes_narrow_gets_a_narrow_picture(sit_down: Callable[..., _Seat]) -> None:
    seat = sit_down(_BOOK)
    seat.until(lambda seen: "TOTAL" in seen)
    termios.tcsetwinsize(seat.terminal, (10, 40))
    seat.process.send_signal(signal.SIGWINCH)
    before = len(seat.seen)
    seat.until(lambda seen: any("BID" in one and "TOTAL" not in one for one in seen[before:].split(_FRAME)[1:-1]))
    assert seat.ended(signal.SIGINT) == 130
    assert len(seat.left.splitlines()) <= 10


def test_a_signal_to_end_gives_the_terminal_back(sit_down: Callable[..., _Seat]) -> None:
    seat = sit_down(_BOOK)
    seat.drawn(1)
    assert seat.ended(signal.SIGTERM) == -signal.SIGTERM
    assert seat.seen.count(_GIVEN_BACK) == 1


def test_while_it_stands_still_the_terminal_is_the_shells(sit_down: Callable[..., _Seat]) -> None:
    seat = sit_down(_BOOK)
    seat.drawn(1)
    seat.process.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(seat.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    seat.until(lambda seen: _GIVEN_BACK in seen)
    seat.process.send_signal(signal.SIGCONT)
    seat.until(lambda seen: seen.count(_TAKEN) == 2)
    assert seat.ended(signal.SIGINT) == 130
    assert seat.seen.count(_GIVEN_BACK) == 2


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("market:orderBook:PAPER:BTC/USDT", f"Did you mean {_BOOK}?"),
        ("market:ticker:paper", "Did you mean market:ticker:PAPER"),
        ("nonsense", "cadenza channels"),
        ("market:orderbook:PAPER:NO/PE", "code 102"),
        ("market:orderbook:BINANCE:BTC/USDT", "code 102"),
        ("market:instrument:PAPER", "cannot be watched yet"),
        ("x" * 300, "cadenza channels"),
    ],
)
def test_a_channel_that_is_not_there_ends_with_2(trader: Any, channel: str, said: str) -> None:
    ran = trader("watch", channel)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_only_a_book_has_a_depth(trader: Any) -> None:
    ran = trader("watch", "market:ticker:PAPER", "--depth", "3")
    assert ran.code == 2
    assert "--depth" in ran.err


@pytest.mark.parametrize("option", [("--count", "0"), ("--for", "-1"), ("--for", "nan"), ("--depth", "0")])
def test_a_bad_option_ends_with_2_and_is_named(trader: Any, option: tuple[str, str]) -> None:
    ran = trader("watch", _BOOK, *option)
    assert ran.code == 2
    assert option[0] in ran.err


def test_watching_needs_a_session(somebody: Any) -> None:
    assert somebody("watch", _BOOK).code == 3


def test_every_market_channel_of_the_contract_can_be_watched() -> None:
    watched = {"market:orderbook", "market:ticker", "market:kline", "market:trade"}
    assert watched <= {":".join(channel.pattern.split(":")[:2]) for channel in CHANNELS}
