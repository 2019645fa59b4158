"""Each event goes to its channels, as the bare model of the contract, encoded once."""

import json

import msgspec
import pytest

from cadenza.backend.events import (
    BarChanged,
    BookChanged,
    MarketEvent,
    TickerChanged,
    Traded,
    publications_of,
)
from cadenza.schema.channels import parse_channel
from cadenza.schema.market import L2_COLUMNS, Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, OrderBookType, OrderSide, UpdateType, Venue

BOOK = OrderBook(
    update_type=UpdateType.DIFF,
    instrument_id="PAPER:BTC/USDT",
    venue=Venue.PAPER,
    symbol="BTC/USDT",
    order_book_type=OrderBookType.L2,
    columns=L2_COLUMNS,
    bids=(("1.5", "0"),),
    asks=(),
    timestamp=1,
)
TICKER = Ticker(venue=Venue.PAPER, symbol="BTC/USDT", last_price="1.5", timestamp=1)
TRADE = MarketTrade(
    venue=Venue.PAPER,
    symbol="BTC/USDT",
    instrument_id="PAPER:BTC/USDT",
    trade_id="r-1",
    price="1.5",
    quantity="2",
    side=OrderSide.SELL,
    timestamp=1,
)
KLINE = Kline(
    venue=Venue.PAPER,
    symbol="BTC/USDT",
    interval=KlineInterval.MONTH_1,
    candles=((0, "1", "2", "1", "2", "9"),),
    is_closed=False,
    timestamp=1,
)


@pytest.mark.parametrize(
    ("event", "payload", "channels"),
    [
        (BookChanged(seq="r:7", book=BOOK), BOOK, ["market:orderbook:PAPER:BTC/USDT"]),
        (TickerChanged(ticker=TICKER), TICKER, ["market:ticker:PAPER:BTC/USDT", "market:ticker:PAPER"]),
        (Traded(trade=TRADE), TRADE, ["market:trade:PAPER:BTC/USDT"]),
        (BarChanged(kline=KLINE), KLINE, ["market:kline:PAPER:BTC/USDT:1M"]),
    ],
    ids=["book", "ticker", "trade", "bar"],
)
def test_an_event_is_the_bare_model_on_its_channels(
    event: MarketEvent, payload: msgspec.Struct, channels: list[str]
) -> None:
    publications = publications_of(event)
    assert [publication.channel for publication in publications] == channels
    for publication in publications:
        channel = parse_channel(publication.channel)
        assert channel is not None
        assert msgspec.json.decode(publication.data, type=channel.pattern.payload) == payload
        assert isinstance(json.loads(publication.data), dict)
        assert publication.data is publications[0].data


def test_only_books_are_numbered() -> None:
    assert publications_of(BookChanged(seq="r:7", book=BOOK))[0].tags == {"seq": "r:7"}
    for event in (TickerChanged(ticker=TICKER), Traded(trade=TRADE), BarChanged(kline=KLINE)):
        assert all(publication.tags is None for publication in publications_of(event))


def test_a_bar_says_on_the_wire_that_it_still_forms() -> None:
    assert json.loads(publications_of(BarChanged(kline=KLINE))[0].data)["isClosed"] is False
