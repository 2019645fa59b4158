"""Buckets of every interval, and a series rolled by the clock."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend.venues.bars import FIXED_MS, Bar, BarSeries, bucket_close, bucket_open

INTERVALS = [*FIXED_MS, "1M"]
moments = st.integers(min_value=0, max_value=4_000_000_000_000)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("interval", INTERVALS)
@given(moment=moments)
def test_each_moment_lies_in_exactly_one_bucket(interval: str, moment: int) -> None:
    opens = bucket_open(interval, moment)
    closes = bucket_close(interval, opens)
    assert opens <= moment < closes
    assert bucket_open(interval, opens) == opens
    assert bucket_open(interval, closes) == closes
    assert bucket_open(interval, closes - 1) == opens


@pytest.mark.parametrize(
    ("interval", "moment", "opens"),
    [
        ("1s", "2026-11-23T12:34:56.789", "2026-11-23T12:34:56"),
        ("3m", "2026-11-23T12:34:56", "2026-11-23T12:33:00"),
        ("8h", "2026-11-23T12:34:56", "2026-11-23T08:00:00"),
        ("1d", "2026-11-23T12:34:56", "2026-11-23T00:00:00"),
        ("1w", "2026-11-22T23:59:59", "2026-11-16T00:00:00"),
        ("1w", "2026-11-23T00:00:00", "2026-11-23T00:00:00"),
        ("1M", "2026-12-31T23:59:59", "2026-12-01T00:00:00"),
        ("1M", "2024-02-29T00:00:01", "2024-02-01T00:00:00"),
    ],
)
def test_bucket_opens_where_exchanges_open_it(interval: str, moment: str, opens: str) -> None:
    assert bucket_open(interval, ms(moment)) == ms(opens)


def series(interval: str = "1m", keep: int = 10) -> BarSeries:
    return BarSeries(interval, Bar(0, 100, 100, 100, 100), keep=keep)


def test_trades_shape_the_forming_bar() -> None:
    bars = series()
    for price, quantity in ((104, 2), (97, 3), (101, 1)):
        bars.trade(price, quantity)
    assert bars.current == Bar(0, 100, 104, 97, 101, 6)
    assert bars.dirty


def test_nothing_closes_before_its_time_and_everything_does_at_it() -> None:
    bars = series()
    assert bars.roll(59_999) == []
    assert bars.roll(60_000) == [Bar(0, 100, 100, 100, 100)]
    assert bars.current.open_ms == 60_000


def test_a_minute_without_a_trade_is_a_flat_bar_at_the_last_price() -> None:
    bars = series()
    bars.trade(105, 1)
    closed = bars.roll(180_000)
    assert [bar.open_ms for bar in closed] == [0, 60_000, 120_000]
    assert closed[2] == Bar(120_000, 105, 105, 105, 105, 0)
    assert bars.current == Bar(180_000, 105, 105, 105, 105, 0)


def test_after_a_long_pause_no_more_bars_are_made_than_are_kept() -> None:
    bars = series(keep=5)
    closed = bars.roll(60_000 * 1_000_000 + 1)
    assert len(closed) <= 5
    assert bars.current.open_ms == 60_000 * 1_000_000


def test_last_gives_the_newest_bars_with_the_forming_one_at_the_end() -> None:
    bars = series(keep=4)
    bars.roll(60_000 * 6)
    assert [bar.open_ms // 60_000 for bar in bars.last(3)] == [4, 5, 6]
    assert [bar.open_ms // 60_000 for bar in bars.last(1)] == [6]
    assert [bar.open_ms // 60_000 for bar in bars.last(99)] == [2, 3, 4, 5, 6]


def test_history_is_put_before_what_was_traded_and_stays_bounded() -> None:
    bars = series(keep=4)
    bars.roll(60_000 * 2)
    bars.put_before([Bar(-60_000 * n, 1, 1, 1, 1) for n in (3, 2, 1)])
    assert [bar.open_ms // 60_000 for bar in bars.last(99)] == [-2, -1, 0, 1, 2]
