"""One simulated instrument: what it says over book, trades, ticker and bars is one story."""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec
import pytest

from cadenza.backend.events import BarChanged, BookChanged, MarketEvent, TickerChanged, Traded
from cadenza.backend.venues.bars import bucket_open
from cadenza.backend.venues.paper_instruments import PAPER_INSTRUMENTS
from cadenza.backend.venues.simulated_market import SimulatedMarket
from cadenza.schema.market import Kline
from cadenza.schema.scalars import KlineInterval

START_MS = 1_795_438_037_125
BTC = PAPER_INSTRUMENTS[0]
E = TypeVar("E")


def market(seed: int = 1, *, bar_pause_ms: int = 500, bars_kept: int = 300) -> SimulatedMarket:
    return SimulatedMarket(BTC, seed=seed, run="r", start_ms=START_MS, bars_kept=bars_kept, bar_pause_ms=bar_pause_ms)


def live(simulated: SimulatedMarket, steps: int, step_ms: int = 100, start_ms: int = START_MS) -> list[MarketEvent]:
    return [event for n in range(1, steps + 1) for event in simulated.step(start_ms + n * step_ms)]


def of(kind: type[E], events: Sequence[MarketEvent]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_the_same_seed_and_steps_give_the_same_events() -> None:
    assert live(market(), 200) == live(market(), 200)
    assert live(market(seed=2), 200) != live(market(), 200)


def test_book_changes_are_numbered_without_a_hole() -> None:
    changes = of(BookChanged, live(market(), 300))
    first = int(changes[0].seq.removeprefix("r:"))
    assert [change.seq for change in changes] == [f"r:{first + n}" for n in range(len(changes))]
    assert len(changes) > 280


def test_the_ticker_shows_the_last_trade_and_the_best_prices_of_the_book() -> None:
    simulated = market()
    for n in range(1, 200):
        events = simulated.step(START_MS + n * 100)
        ticker, book = simulated.ticker(), simulated.order_book(1).book
        assert (ticker.bid_price, ticker.bid_quantity) == book.bids[0]
        assert (ticker.ask_price, ticker.ask_quantity) == book.asks[0]
        if trades := of(Traded, events):
            assert (ticker.last_price, ticker.last_quantity) == (trades[-1].trade.price, trades[-1].trade.quantity)
        assert [change.ticker for change in of(TickerChanged, events)] in ([], [ticker])


def test_a_ticker_is_published_only_when_it_shows_something_new() -> None:
    tickers = [msgspec.structs.replace(change.ticker, timestamp=0) for change in of(TickerChanged, live(market(), 300))]
    assert all(earlier != later for earlier, later in itertools.pairwise(tickers))


def test_price_change_is_measured_against_a_day_ago() -> None:
    simulated = market()
    hourly = simulated.klines(KlineInterval.HOUR_1, 25)
    last, day_ago = Decimal(simulated.ticker().last_price or 0), Decimal(hourly.candles[0][1])
    shown = Decimal(simulated.ticker().price_change_percent or 0)
    assert abs((last / day_ago - 1) * 100 - shown) <= Decimal("0.01")
    live(simulated, 3, step_ms=3_600_000)
    hourly = simulated.klines(KlineInterval.HOUR_1, 25)
    last, day_ago = Decimal(simulated.ticker().last_price or 0), Decimal(hourly.candles[0][1])
    assert abs((last / day_ago - 1) * 100 - Decimal(simulated.ticker().price_change_percent or 0)) <= Decimal("0.01")


def test_trades_have_their_own_ids_and_the_takers_side() -> None:
    trades = [event.trade for event in of(Traded, live(market(), 300))]
    assert len({trade.trade_id for trade in trades}) == len(trades) > 100
    assert {trade.side.value for trade in trades} == {"BUY", "SELL"}
    assert all(Decimal(trade.quantity) > 0 for trade in trades)


@pytest.mark.parametrize("interval", [KlineInterval.SECOND_1, KlineInterval.MINUTE_1, KlineInterval.MINUTE_3])
def test_a_closed_bar_is_the_sum_of_the_trades_in_its_time(interval: KlineInterval) -> None:
    events = live(market(), 4_000)
    trades = [event.trade for event in of(Traded, events)]
    closed = [
        candle
        for event in of(BarChanged, events)
        if event.kline.interval is interval and event.kline.is_closed
        for candle in event.kline.candles
    ]
    # The first began before trading did; its past part is made up.
    assert len(closed) > 1
    for opened, _, high, low, close, volume in closed[1:]:
        inside = [trade for trade in trades if bucket_open(interval, trade.timestamp) == opened]
        assert Decimal(volume or 0) == sum(Decimal(trade.quantity) for trade in inside)
        if inside:
            assert Decimal(high) >= max(Decimal(trade.price) for trade in inside)
            assert Decimal(low) <= min(Decimal(trade.price) for trade in inside)
            assert close == inside[-1].price


def test_each_bar_closes_once_in_order_and_forms_in_between() -> None:
    by_interval: dict[KlineInterval, list[Kline]] = {}
    for event in of(BarChanged, live(market(), 1_500)):
        by_interval.setdefault(event.kline.interval, []).append(event.kline)
    assert by_interval.keys() == set(KlineInterval)
    for interval, klines in by_interval.items():
        closed = [candle[0] for kline in klines if kline.is_closed for candle in kline.candles]
        assert closed == sorted(set(closed))
        for kline in klines:
            if not kline.is_closed:
                assert kline.candles[-1][0] == bucket_open(interval, kline.timestamp)


def test_forming_bars_are_published_no_more_often_than_told() -> None:
    forming = [
        event.kline.timestamp
        for event in of(BarChanged, live(market(bar_pause_ms=1_000), 600))
        if event.kline.interval is KlineInterval.DAY_1
    ]
    gaps = [later - earlier for earlier, later in itertools.pairwise(forming)]
    assert len(forming) > 30
    assert min(gaps) >= 1_000


@pytest.mark.parametrize("interval", list(KlineInterval))
def test_made_up_past_and_live_bars_join_without_a_seam(interval: KlineInterval) -> None:
    simulated = market()
    live(simulated, 300)
    candles = simulated.klines(interval, 60).candles
    opened = [candle[0] for candle in candles]
    assert opened == sorted(set(opened))
    assert opened[-1] == bucket_open(interval, START_MS + 30_000)
    for earlier, later in itertools.pairwise(candles):
        assert later[1] == earlier[4]
    for _, *prices, _ in candles:
        first, high, low, last = map(Decimal, prices)
        assert low <= min(first, last) <= max(first, last) <= high


def test_reading_the_past_late_gives_the_same_as_reading_it_early() -> None:
    early, late = market(), market()
    early.klines(KlineInterval.MINUTE_1, 100)
    live(early, 1_000)
    live(late, 1_000)
    assert early.klines(KlineInterval.MINUTE_1, 100) == late.klines(KlineInterval.MINUTE_1, 100)


def test_a_long_sleep_closes_bars_without_making_millions() -> None:
    simulated = market(bars_kept=50)
    events = simulated.step(START_MS + 30 * 86_400_000)
    assert all(len(event.kline.candles) <= 50 for event in of(BarChanged, events))
    candles = simulated.klines(KlineInterval.SECOND_1, 10).candles
    assert candles[-1][0] == bucket_open("1s", START_MS + 30 * 86_400_000)


def test_a_clock_set_back_does_no_harm() -> None:
    simulated = market()
    live(simulated, 50)
    simulated.step(START_MS - 60_000)
    live(simulated, 50, start_ms=START_MS - 60_000)
    opened = [candle[0] for candle in simulated.klines(KlineInterval.SECOND_1, 20).candles]
    assert opened == sorted(set(opened))
