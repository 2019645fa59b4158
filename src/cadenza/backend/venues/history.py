"""A market's past before it was started, made up from the seed: the same bar whichever interval asks.

Above: ``simulated_market`` asks for it when a bar series is first read. Below: ``bars``, ``randomness``.

Days are walked backwards from the start price. A day is refined into hours only when hours are asked for, an hour into
minutes, a minute into seconds, each time so that the parts add up to the whole: they begin at its open, end at its
close, reach its high and low and share its volume. Every other interval is a sum of these four, so a 4h bar always
equals its 240 one-minute bars, and nothing is computed that nobody reads.
"""

from collections.abc import Iterator
from itertools import accumulate, pairwise
from math import isqrt
from random import Random

from cadenza.backend.venues.bars import DAY_MS, FIXED_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Bar, bucket_open
from cadenza.backend.venues.randomness import stream

#: Most a simulated day moves from open to close, and beyond them to its high and low, in hundredths of a percent.
_DAY_MOVE_BP = 300
_DAY_WICK_BP = 150
_WHOLE_BP = 10_000
#: The unit each unit is refined from.
_PARENT_MS = {HOUR_MS: DAY_MS, MINUTE_MS: HOUR_MS, SECOND_MS: MINUTE_MS}
_WALK_STEP = 1_000


class History:
    """The past of one instrument up to ``start_ms``, where its price was ``price``.

    Args:
        seed: The venue's seed.
        symbol: The instrument, which has a stream of chance of its own.
        start_ms: Where the past ends and live trading begins.
        price: The last price of the past, in ticks.
        day_volume: A usual day's volume, in lots.
        days: How far the past reaches.
    """

    def __init__(self, *, seed: int, symbol: str, start_ms: int, price: int, day_volume: int, days: int = 730) -> None:
        self._seed = seed
        self._symbol = symbol
        self._start_ms = start_ms
        self._price = price
        self._first_ms = bucket_open("1d", start_ms) - days * DAY_MS
        self._day_volume = day_volume
        self._parts: dict[tuple[int, int], list[Bar]] = {}
        self._days: dict[int, Bar] = {}

    def bars(self, interval: str, count: int) -> list[Bar]:
        """The last ``count`` bars, oldest first; the last is the unfinished one that live trading goes on with."""
        current = bucket_open(interval, self._start_ms)
        first = current
        for _ in range(count - 1):
            first = bucket_open(interval, first - 1)
        first = max(first, bucket_open(interval, self._first_ms))
        bars: list[Bar] = []
        for unit in self._units(_unit_of(interval), first):
            opens = bucket_open(interval, unit.open_ms)
            if bars and bars[-1].open_ms == opens:
                _append(bars[-1], unit)
            else:
                bars.append(Bar(opens, unit.open, unit.high, unit.low, unit.close, unit.volume))
        if not bars or bars[-1].open_ms != current:
            bars.append(Bar(current, self._price, self._price, self._price, self._price))
        return bars

    def _units(self, unit_ms: int, from_ms: int) -> Iterator[Bar]:
        """All bars of one of the four units from a moment to the start, the last perhaps unfinished."""
        if unit_ms == DAY_MS:
            self._walk_days_back_to(from_ms)
            opens = max(bucket_open("1d", from_ms), self._first_ms)
            yield from (self._days[day] for day in range(opens, self._start_ms, DAY_MS) if day in self._days)
            return
        parent_ms = _PARENT_MS[unit_ms]
        for parent in self._units(parent_ms, from_ms // parent_ms * parent_ms):
            yield from (part for part in self._parts_of(parent, parent_ms, unit_ms) if part.open_ms >= from_ms)

    def _walk_days_back_to(self, from_ms: int) -> None:
        today = bucket_open("1d", self._start_ms)
        if not self._days and self._start_ms > today:
            self._days[today] = self._day(today, self._price, (self._start_ms - today) / DAY_MS)
        day = min(self._days, default=today)
        close = self._days[day].open if day in self._days else self._price
        while day > max(from_ms, self._first_ms):
            day -= DAY_MS
            self._days[day] = self._day(day, close, 1)
            close = self._days[day].open

    def _day(self, open_ms: int, close: int, share: float) -> Bar:
        """A day that ends at this price; an unfinished one moves and trades by its share."""
        rng = stream(self._seed, self._symbol, "day", open_ms)
        move, wick = (max(1, int(share * bp)) for bp in (_DAY_MOVE_BP, _DAY_WICK_BP))
        opens = max(1, close * _WHOLE_BP // (_WHOLE_BP + rng.randint(-move, move)))
        high = max(opens, close) * (_WHOLE_BP + rng.randint(0, wick)) // _WHOLE_BP
        low = max(1, min(opens, close) * (_WHOLE_BP - rng.randint(0, wick)) // _WHOLE_BP)
        volume = int(share * self._day_volume * rng.randint(60, 140)) // 100
        return Bar(open_ms, opens, high, low, close, volume)

    def _parts_of(self, parent: Bar, parent_ms: int, unit_ms: int) -> list[Bar]:
        key = (unit_ms, parent.open_ms)
        if key not in self._parts:
            ends = min(parent.open_ms + parent_ms, self._start_ms)
            count = -(-(ends - parent.open_ms) // unit_ms)
            rng = stream(self._seed, self._symbol, unit_ms, parent.open_ms)
            self._parts[key] = refine(parent, count, unit_ms, rng)
        return self._parts[key]


def refine(parent: Bar, count: int, unit_ms: int, rng: Random) -> list[Bar]:
    """Part a bar into ``count`` bars that add up to it exactly."""
    prices = _bridge(parent, count, rng)
    wick = max(1, (parent.high - parent.low) // (2 * isqrt(count) or 1))
    shares = list(accumulate((rng.randint(1, 100) for _ in range(count)), initial=0))
    parts = [
        Bar(
            parent.open_ms + index * unit_ms,
            opens,
            min(max(opens, closes) + rng.randint(0, wick), parent.high),
            max(min(opens, closes) - rng.randint(0, wick), parent.low),
            closes,
            parent.volume * shares[index + 1] // shares[-1] - parent.volume * shares[index] // shares[-1],
        )
        for index, (opens, closes) in enumerate(pairwise(prices))
    ]
    max(parts, key=lambda part: part.high).high = parent.high
    min(parts, key=lambda part: part.low).low = parent.low
    return parts


def _bridge(parent: Bar, count: int, rng: Random) -> list[int]:
    """A random path from the bar's open to its close that stays between its low and its high."""
    walk = list(accumulate((rng.randint(-_WALK_STEP, _WALK_STEP) for _ in range(count)), initial=0))
    reach = _WALK_STEP * 2 * (isqrt(count) or 1)
    path = []
    for index, height in enumerate(walk):
        straight = parent.open + (parent.close - parent.open) * index // count
        sway = (height - walk[-1] * index // count) * (parent.high - parent.low) // reach
        path.append(min(max(straight + sway, parent.low), parent.high))
    path[0], path[-1] = parent.open, parent.close
    return path


def _unit_of(interval: str) -> int:
    """The coarsest of the four units that the interval is a sum of."""
    length = FIXED_MS.get(interval, DAY_MS)
    return next(unit for unit in (DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS) if length % unit == 0)


def _append(bar: Bar, later: Bar) -> None:
    bar.high = max(bar.high, later.high)
    bar.low = min(bar.low, later.low)
    bar.close = later.close
    bar.volume += later.volume
