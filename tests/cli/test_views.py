"""How market data is written on a line and drawn as a picture."""

from __future__ import annotations

from typing import Any

import pytest

from cadenza.cli.book_picture import BookPicture
from cadenza.cli.colours import Style
from cadenza.cli.live import Picture
from cadenza.cli.output import cells
from cadenza.cli.screen import Room, joined
from cadenza.cli.table_pictures import BarPicture, TickerPicture, TradePicture
from cadenza.cli.views import line_of, view_for
from cadenza.client import Gap, GapCause
from cadenza.schema.channels import parse_channel
from cadenza.schema.market import Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, OrderBookType, OrderSide, UpdateType, Venue

_AT: dict[str, Any] = {"venue": Venue.PAPER, "symbol": "BTC/USDT", "timestamp": 1_795_442_066_362}
_MINUTE = 60_000


def _book(bids: tuple[tuple[str, ...], ...], asks: tuple[tuple[str, ...], ...], **changed: Any) -> OrderBook:
    return OrderBook(
        update_type=UpdateType.SNAPSHOT,
        order_book_type=OrderBookType.L2,
        columns=("price", "quantity"),
        bids=bids,
        asks=asks,
        **{**_AT, **changed},
    )


def _trade(price: str, side: OrderSide = OrderSide.BUY) -> MarketTrade:
    return MarketTrade(**_AT, instrument_id="PAPER:BTC/USDT", trade_id=price, price=price, quantity="0.5", side=side)


def _bars(*candles: tuple[int, str, str], closed: bool = False) -> Kline:
    rows = tuple((minute * _MINUTE, opened, "12", "8", close, None) for minute, opened, close in candles)
    return Kline(**_AT, interval=KlineInterval.MINUTE_1, candles=rows, is_closed=closed)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (_book((("9.5", "1"),), (("10", "2"),)), "bid 9.5 x 1  ask 10 x 2"),
        (_book((), ()), "bid -  ask -"),
        (Ticker(**_AT, last_price="10", bid_price="9.5"), "last 10 x -  bid 9.5  ask -"),
        (_trade("10"), "BUY   0.5 @ 10"),
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


def _drawn(picture: Picture, *, width: int = 100, height: int = 30, has_blocks: bool = True) -> list[str]:
    lines = picture.lines(Room(width=width, height=height, age_seconds=0.25, has_blocks=has_blocks))
    return [joined(line).rstrip() for line in lines]


def _rows(picture: Picture, **room: Any) -> list[list[str]]:
    return [line.split() for line in _drawn(picture, **room)]


_BOOK = _book((("9.5", "1"), ("9.4", "3")), (("10", "2"),))


def _picture_of(*items: object, kind: type[Picture], sequence: str = "") -> Picture:
    picture = kind()
    for item in items:
        picture.show(item, sequence)
    return picture


def test_a_book_is_drawn_side_by_side_though_one_side_is_shorter() -> None:
    rows = _rows(_picture_of(_BOOK, kind=BookPicture), width=38)
    assert ["1", "1", "9.5", "│", "10", "2", "2"] in rows
    assert ["4", "3", "9.4", "│"] in rows


def test_bars_show_how_deep_each_side_is() -> None:
    rows = _rows(_picture_of(_BOOK, kind=BookPicture), width=100)
    first, second = (row for row in rows if "│" in row and "BID" not in row)
    full = len(second[0])  # 4 in all on the deeper side
    assert full == 24
    assert len(first[0]) == full // 4
    assert len(first[-1]) == full // 2


def test_a_bar_ends_in_half_a_block_towards_the_outside() -> None:
    book = _book((("9", "1"), ("8", "47")), (("10", "1"), ("11", "2")))
    rows = [row for row in _rows(_picture_of(book, kind=BookPicture)) if "│" in row and "BID" not in row]
    assert [row[0] for row in rows] == ["▐", "█" * 24]
    assert rows[1][-1] == "█▌"


def test_a_book_says_spread_age_and_sequence() -> None:
    (foot,) = [line for line in _drawn(_picture_of(_BOOK, kind=BookPicture, sequence="a1:7")) if "spread" in line]
    assert foot == "spread 0.5 (512.82 bp)   age 0.2 s   sequence a1:7"
    assert "spread" not in "".join(_drawn(_picture_of(_book((("9", "1"),), ()), kind=BookPicture)))


@pytest.mark.parametrize("width", range(12, 120, 3))
def test_a_book_fits_any_width_and_never_loses_its_prices(width: int) -> None:
    bids = (("97245.4", "0.07872"), ("97245.3", "0.08392"))
    picture = _picture_of(_book(bids, (("97245.7", "0.02539"),)), kind=BookPicture)
    lines = picture.lines(Room(width=width, height=30, age_seconds=0, has_blocks=True))
    levels = [line for line in lines if "│" in joined(line)]
    assert all(cells(joined(line)) <= max(width, 17) for line in levels)
    assert all(price in "".join(map(joined, levels)) for price in ("97245.4", "97245.3", "97245.7"))


def test_a_book_gives_up_levels_where_the_terminal_is_low() -> None:
    bids = tuple((str(price), "1") for price in range(90, 80, -1))
    lines = _drawn(_picture_of(_book(bids, ()), kind=BookPicture), height=8)
    assert len(lines) == 8
    assert [line.split()[-2] for line in lines if "│" in line][1:] == ["90", "89", "88"]
    assert "age" in lines[-1]


def test_a_terminal_without_blocks_gets_ascii() -> None:
    for picture in (
        _picture_of(_BOOK, kind=BookPicture),
        _picture_of(Ticker(**_AT, last_price="1"), Ticker(**_AT, last_price="2"), kind=TickerPicture),
        _picture_of(_trade("1"), kind=TradePicture),
        _picture_of(_bars((1, "9", "10")), kind=BarPicture),
    ):
        assert "".join(_drawn(picture, has_blocks=False)).isascii()


def test_tickers_are_drawn_once_each_newest_and_say_which_way_they_went() -> None:
    picture = TickerPicture()
    assert "waiting" in _drawn(picture)[0]
    for symbol, price in (("BTC/USDT", "10"), ("ETH/USDT", "5"), ("BTC/USDT", "11"), ("ETH/USDT", "4.9")):
        picture.show(Ticker(**{**_AT, "symbol": symbol}, last_price=price), "")
    assert [row[:3] for row in _rows(picture)[3:5]] == [["BTC/USDT", "11", "▲"], ["ETH/USDT", "4.9", "▼"]]
    picture.show(Ticker(**_AT, last_price="11"), "")  # the same price keeps the way it came
    assert _rows(picture)[3][:3] == ["BTC/USDT", "11", "▲"]


def test_a_narrow_terminal_keeps_the_columns_that_matter_most() -> None:
    picture = _picture_of(Ticker(**_AT, last_price="10", bid_price="9", ask_price="11"), kind=TickerPicture)
    assert _rows(picture, width=40)[2] == ["SYMBOL", "LAST", "BID", "ASK", "TIME"]
    assert _rows(picture, width=26)[2] == ["SYMBOL", "LAST", "BID", "ASK"]
    assert _rows(picture, width=1)[2] == ["SYMBOL"]


def test_tickers_that_do_not_fit_are_counted() -> None:
    picture = TickerPicture()
    for number in range(9):
        picture.show(Ticker(**{**_AT, "symbol": f"A{number}/B"}, last_price="1"), "")
    lines = _drawn(picture, height=8)
    assert "5 more do not fit" in lines[0]
    assert sum("/B" in line for line in lines) == 4


def test_the_newest_trade_stands_on_top_and_the_oldest_leave() -> None:
    picture = TradePicture()
    assert "waiting" in _drawn(picture)[0]
    for price in range(1000):
        picture.show(_trade(str(price), OrderSide.SELL if price % 2 else OrderSide.BUY), "")
    rows = _rows(picture, height=7)[3:-1]
    assert [row[1:] for row in rows] == [["SELL", "0.5", "999"], ["BUY", "0.5", "998"], ["SELL", "0.5", "997"]]
    assert len(_drawn(picture, height=5000)) < 310
    colours = {
        text: style
        for line in picture.lines(Room(width=80, height=9, age_seconds=0, has_blocks=True))
        for text, style in line
    }
    assert (colours["SELL"], colours["BUY"]) == (Style.DOWN, Style.GOOD)


def test_bars_are_drawn_newest_first_and_the_one_that_forms_says_so() -> None:
    picture = BarPicture()
    assert "waiting" in _drawn(picture)[0]
    picture.show(_bars((1, "9", "10")), "")
    picture.show(_bars((1, "9", "11"), (2, "11", "10")), "")
    newest, oldest = _rows(picture)[3:5]
    assert (newest[1], newest[4], newest[-1]) == ("11", "10", "forming")
    assert (oldest[1], oldest[4], oldest[-1]) == ("9", "11", "-")
    picture.show(_bars((2, "11", "10"), closed=True), "")
    assert "forming" not in _rows(picture)[3]


def test_bars_are_bounded() -> None:
    picture = BarPicture()
    for minute in range(1000):
        picture.show(_bars((minute, "1", "1")), "")
    assert len(_drawn(picture, height=5000)) < 310


def test_a_book_whose_cells_are_no_numbers_is_drawn_as_it_came() -> None:
    picture = _picture_of(_book((("high", "NaN"), ("9", "Infinity")), (("10", ""),)), kind=BookPicture)
    assert any("high" in line and "NaN" in line for line in _drawn(picture))


def _view(channel: str, *, as_json: bool = False) -> Any:
    parsed = parse_channel(channel)
    assert parsed is not None
    return view_for(parsed, as_json=as_json, lines=False)


async def test_a_pipe_gets_lines_whatever_the_channel(capsys: pytest.CaptureFixture[str]) -> None:
    view = _view("market:ticker:PAPER")
    async with view.running():
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
    _view("market:trade:PAPER:BTC/USDT", as_json=as_json).missed(Gap(channel="c", cause=GapCause.MISSING, lost=lost))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", said)
