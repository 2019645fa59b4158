"""How market data is written on a line and drawn in a table."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cadenza.cli.views import _BookTable, _TickerTable, line_of, view_for
from cadenza.cli.watching import _Gaps
from cadenza.client import Gap, GapCause
from cadenza.schema.channels import parse_channel
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, OrderBookType, OrderSide, UpdateType, Venue

_AT: dict[str, Any] = {"venue": Venue.PAPER, "symbol": "BTC/USDT", "timestamp": 1_795_442_066_362}


def _book(bids: tuple[tuple[str, ...], ...], asks: tuple[tuple[str, ...], ...], **changed: Any) -> OrderBook:
    return OrderBook(
        update_type=UpdateType.SNAPSHOT,
        order_book_type=OrderBookType.L2,
        columns=("price", "quantity"),
        bids=bids,
        asks=asks,
        **{**_AT, **changed},
    )


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (_book((("9.5", "1"),), (("10", "2"),)), "bid 9.5 x 1  ask 10 x 2"),
        (_book((), ()), "bid -  ask -"),
        (Ticker(**_AT, last_price="10", bid_price="9.5"), "last 10 x -  bid 9.5  ask -"),
        (
            MarketTrade(
                **_AT, instrument_id="PAPER:BTC/USDT", trade_id="1", price="10", quantity="0.5", side=OrderSide.BUY
            ),
            "BUY   0.5 @ 10",
        ),
        (
            Kline(**_AT, interval=KlineInterval.MINUTE_1, candles=((1, "1", "2", "0.5", "1.5", None),), is_closed=True),
            "1m  open 1  high 2  low 0.5  close 1.5  volume -  closed",
        ),
        (Kline(**_AT, interval=KlineInterval.MINUTE_1, candles=(), is_closed=False), "1m  -"),
    ],
)
def test_an_item_is_one_line(item: OrderBook | Ticker | Kline | MarketTrade, said: str) -> None:
    line = line_of(item)
    assert line.endswith(said)
    assert "BTC/USDT" in line
    assert line[2] == line[5] == ":"
    assert line[8:12] == ".362"


def _drawn(table: _BookTable | _TickerTable) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_book_is_drawn_side_by_side_though_one_side_is_shorter() -> None:
    table = _BookTable()
    assert "waiting" in _drawn(table)
    table.show(_book((("9.5", "1"), ("9.4", "3")), (("10", "2"),)))
    rows = [line.split() for line in _drawn(table).splitlines()]
    assert ["1", "9.5", "10", "2"] in rows
    assert ["3", "9.4"] in rows


def test_tickers_are_drawn_once_each_and_newest() -> None:
    table = _TickerTable()
    assert "waiting" in _drawn(table)
    for price in ("10", "11"):
        table.show(Ticker(**_AT, last_price=price))
    rows = [line.split()[:2] for line in _drawn(table).splitlines() if "BTC/USDT" in line]
    assert rows == [["BTC/USDT", "11"]]


def test_what_a_peer_sends_is_drawn_as_text() -> None:
    table = _BookTable()
    table.show(_book((("[red]9.5[/red]", "\x1b[2J1"),), ()))
    drawn = _drawn(table)
    assert "[red]9.5[/red]" in drawn
    assert "\x1b[2J" not in drawn


def test_a_pipe_gets_lines_whatever_the_channel(capsys: pytest.CaptureFixture[str]) -> None:
    parsed = parse_channel("market:ticker:PAPER")
    assert parsed is not None
    with view_for(parsed, as_json=False, lines=False) as view:
        view.show(Ticker(**_AT, last_price="10"))
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize(
    ("as_json", "lost", "said"),
    [
        (False, 3, "cadenza: 3 publication(s) missing here: the channel's offsets jump.\n"),
        (False, None, "cadenza: some publications missing here: the channel's offsets jump.\n"),
        (True, 3, '{"event":"gap","channel":"c","cause":"the channel\'s offsets jump","lost":3}\n'),
    ],
)
def test_a_gap_is_told_beside_the_result(
    capsys: pytest.CaptureFixture[str], *, as_json: bool, lost: int | None, said: str
) -> None:
    _Gaps(as_json=as_json)(Gap(channel="c", cause=GapCause.MISSING, lost=lost))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", said)
