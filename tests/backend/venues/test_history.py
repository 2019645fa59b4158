"""A made-up past: the same from the same seed, and one past whichever interval asks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend.venues.bars import DAY_MS, FIXED_MS, Bar, bucket_close, bucket_open
from cadenza.backend.venues.history import History, refine
from cadenza.backend.venues.randomness import stream

INTERVALS = [*FIXED_MS, "1M"]
START = 1_795_438_037_123
starts = st.integers(min_value=1_600_000_000_000, max_value=2_000_000_000_000)


def history(seed: int = 7, start: int = START) -> History:
    return History(seed=seed, symbol="BTC/USDT", start_ms=start, price=970_000, day_volume=10**9, days=90)


def assert_is_a_bar(bar: Bar) -> None:
    assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    assert bar.volume >= 0


@pytest.mark.parametrize("interval", INTERVALS)
def test_bars_are_whole_unbroken_and_end_at_the_start_price(interval: str) -> None:
    bars = history().bars(interval, 50)
    for bar in bars:
        assert_is_a_bar(bar)
    for earlier, later in itertools.pairwise(bars):
        assert later.open_ms == bucket_close(interval, earlier.open_ms)
        assert later.open == earlier.close
    assert bars[-1].close == 970_000
    assert bars[-1].open_ms == bucket_open(interval, START)


@pytest.mark.parametrize(
    ("coarse", "fine"),
    [("1m", "1s"), ("5m", "1m"), ("1h", "1m"), ("4h", "30m"), ("1d", "1h"), ("1d", "8h"), ("1w", "1d"), ("1M", "1d")],
)
def test_a_coarse_bar_is_the_sum_of_its_fine_ones(coarse: str, fine: str) -> None:
    past = history()
    *_, before, whole = past.bars(coarse, 3)
    for bar in (before, whole):
        parts = [
            part for part in past.bars(fine, 500) if bar.open_ms <= part.open_ms < bucket_close(coarse, bar.open_ms)
        ]
        assert parts[0].open == bar.open
        assert parts[-1].close == bar.close
        assert max(part.high for part in parts) == bar.high
        assert min(part.low for part in parts) == bar.low
        assert sum(part.volume for part in parts) == bar.volume


def test_the_same_seed_gives_the_same_past_in_whichever_order_it_is_read() -> None:
    one, other = history(), history()
    expected = {interval: one.bars(interval, 40) for interval in INTERVALS}
    assert {interval: other.bars(interval, 40) for interval in reversed(INTERVALS)} == expected
    assert history(seed=8).bars("1h", 40) != expected["1h"]


@pytest.mark.parametrize("interval", INTERVALS)
@given(start=starts)
def test_one_bar_can_be_had_at_any_start(interval: str, start: int) -> None:
    [bar] = history(start=start).bars(interval, 1)
    assert_is_a_bar(bar)
    assert bar.open_ms == bucket_open(interval, start)
    assert bar.close == 970_000


def test_a_start_at_midnight_begins_with_an_empty_bar() -> None:
    midnight = START // DAY_MS * DAY_MS
    past = history(start=midnight)
    assert past.bars("1d", 1) == [Bar(midnight, 970_000, 970_000, 970_000, 970_000)]
    assert past.bars("1m", 2)[0].close == 970_000


def test_the_past_ends_where_the_market_opened() -> None:
    assert len(history().bars("1d", 500)) == 91


@given(
    prices=st.lists(st.integers(min_value=1, max_value=10_000), min_size=4, max_size=4),
    volume=st.integers(min_value=0, max_value=10**12),
    count=st.integers(min_value=1, max_value=90),
    seed=st.integers(),
)
def test_refined_bars_add_up_to_their_parent(prices: list[int], volume: int, count: int, seed: int) -> None:
    parent = Bar(0, prices[0], max(prices), min(prices), prices[1], volume)
    parts = refine(parent, count, 1_000, stream(seed))
    assert len(parts) == count
    for part in parts:
        assert_is_a_bar(part)
    assert (parts[0].open, parts[-1].close) == (parent.open, parent.close)
    assert max(part.high for part in parts) == parent.high
    assert min(part.low for part in parts) == parent.low
    assert sum(part.volume for part in parts) == volume
