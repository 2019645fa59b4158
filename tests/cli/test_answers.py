"""What `cadenza call` shows a person: pictures and tables; a program gets the JSON it always got."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import termios
from typing import Any

import msgspec
import pytest

from cadenza.cli.answers import lines_of
from cadenza.cli.screen import joined
from cadenza.schema.market import Kline, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, OrderBookType, UpdateType, Venue

_AT: dict[str, Any] = {"venue": Venue.PAPER, "symbol": "BTC/USDT", "timestamp": 1_795_442_066_362}
_BOOK = OrderBook(
    **_AT,
    update_type=UpdateType.SNAPSHOT,
    order_book_type=OrderBookType.L2,
    columns=("price", "quantity"),
    bids=(("9", "1"),),
    asks=(("10", "2"),),
)
_ORDERS = [
    {"orderId": "a1", "venue": "PAPER", "quantity": "0.5", "filled": None, "isOpen": True, "legs": [{"n": 1}]},
    {"orderId": "b22", "venue": "PAPER", "quantity": "12", "filled": None, "isOpen": False, "legs": []},
]


def _shown(data: object, *, width: int = 100) -> tuple[list[str], list[str]]:
    lines, left_out = lines_of(data, msgspec.to_builtins(data), width=width, has_blocks=True)
    return [joined(line).rstrip() for line in lines], left_out


def test_a_list_is_a_table_of_what_is_told_in_it() -> None:
    assert _shown(_ORDERS) == (
        [
            "orderId  venue  quantity  isOpen",
            "a1       PAPER       0.5  yes",
            "b22      PAPER        12  no",
        ],
        ["legs"],
    )


def test_where_it_is_narrow_a_column_that_never_differs_goes_first_and_is_named() -> None:
    lines, left_out = _shown(_ORDERS, width=26)
    assert lines[0].split() == ["orderId", "quantity", "isOpen"]
    assert left_out == ["venue", "legs"]


def test_members_that_only_some_rows_have_are_columns_too() -> None:
    lines, _ = _shown([{"a": 1}, {"b": "x"}])
    assert [line.split() for line in lines] == [["a", "b"], ["1", "-"], ["-", "x"]]


def test_a_long_text_does_not_push_the_others_off() -> None:
    lines, left_out = _shown([{"note": "x" * 500, "id": "a"}])
    assert lines[1].split() == ["x" * 37 + "...", "a"]
    assert left_out == []


def test_books_and_tickers_are_drawn_as_when_they_are_watched_but_have_no_age() -> None:
    for data, heading in ((_BOOK, "order book"), ([_BOOK, _BOOK], "order book"), ([Ticker(**_AT)], "tickers")):
        lines, _ = _shown(data)
        assert heading in lines[0]
        assert "age" not in "".join(lines)
    assert sum("order book" in line for line in _shown([_BOOK, _BOOK])[0]) == 2


def test_bars_scroll_by_oldest_first_and_say_the_day_where_there_are_several() -> None:
    noon = dt.datetime(2026, 11, 28, 12).astimezone()

    def bar(days_before: int) -> tuple[int, str, str, str, str, None]:
        return round((noon - dt.timedelta(days=days_before)).timestamp() * 1000), "1", "1", "1", "1", None

    kline = Kline(**_AT, interval=KlineInterval.DAY_1, candles=(bar(2), bar(1), bar(0)), is_closed=True)
    times = [line[:19] for line in _shown([kline])[0][3:]]
    assert times == ["2026-11-26 12:00:00", "2026-11-27 12:00:00", "2026-11-28 12:00:00"]


@pytest.mark.parametrize("data", [{"name": "Cadenza"}, [], None, [1, 2], [[1]], "text"])
def test_anything_else_is_left_to_json(data: object) -> None:
    assert _shown(data) == ([], [])


def test_names_are_one_a_line() -> None:
    assert _shown(["PAPER", "MOCK"]) == (["PAPER", "MOCK"], [])


def _at_a_terminal(trader: Any, *argv: str) -> str:
    mine, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 80))
    process = trader.start(
        *argv, environ={"TERM": "xterm", "NO_COLOR": "1"}, stdin=theirs, stdout=theirs, stderr=theirs, text=False
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(mine, 65536)
        except OSError:  # Linux's word for the other end of a terminal being closed
            break
    os.close(mine)
    assert process.wait(timeout=30) == 0
    return seen.decode().replace("\r\n", "\n")


def test_a_person_who_calls_gets_a_table_and_with_json_the_answer(trader: Any) -> None:
    seen = _at_a_terminal(trader, "call", "query.instrument.list")
    assert seen.splitlines()[0].split()[:2] == ["instrumentId", "symbol"]
    assert seen.splitlines()[1].split()[:2] == ["PAPER:BTC/USDT", "BTC/USDT"]
    assert "With --json, all is." in seen
    line = _at_a_terminal(trader, "call", "query.instrument.list", "--json")
    assert json.loads(line)["data"][0]["instrumentId"] == "PAPER:BTC/USDT"
