"""`cadenza watch` against a real stack: lines for programs, a table for a person, an end in every way."""

from __future__ import annotations

import json
import os
import pty
import signal
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


@pytest.mark.parametrize("channel", [_BOOK, "market:ticker:PAPER"])
def test_a_person_sees_a_table_that_refreshes(trader: Any, channel: str) -> None:
    mine, theirs = pty.openpty()
    process = trader.start(
        "watch",
        channel,
        environ={"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        text=False,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    while seen.count(b"ASK") < 3:  # drawn, and drawn anew
        seen += os.read(mine, 65536)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            rest = os.read(mine, 65536)
        except OSError:  # Linux's word for the other end of a terminal being closed
            break
        if not rest:
            break
        seen += rest
    os.close(mine)
    assert process.wait(timeout=30) == 130
    assert b"\x1b[?25h" in seen  # the cursor is there again
    assert b"BTC/USDT" in seen


def test_no_color_makes_the_table_plain_lines(trader: Any) -> None:
    mine, theirs = pty.openpty()
    process = trader.start(
        *("watch", _BOOK, "--count", "2"),
        environ={"TERM": "xterm-256color", "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        text=False,
    )
    os.close(theirs)
    seen = b""
    while seen.count(b"\n") < 2:
        seen += os.read(mine, 65536)
    assert process.wait(timeout=30) == 0
    os.close(mine)
    assert b"\x1b" not in seen
    assert seen.count(b"BTC/USDT  bid ") == 2


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("market:orderBook:PAPER:BTC/USDT", f"Did you mean {_BOOK}?"),
        ("market:ticker:paper", "Did you mean market:ticker:PAPER"),
        ("nonsense", "cadenza channels"),
        ("market:orderbook:PAPER:NO/PE", "code 102"),
        ("market:orderbook:BINANCE:BTC/USDT", "code 102"),
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
