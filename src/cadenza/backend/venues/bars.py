"""Bars (candles): which bucket a moment falls into, and one interval's bars grown trade by trade.

Above: ``history`` fills the past with them, ``simulated_market`` the present. Below: nothing.
Buckets are UTC: weeks open on Monday, months on the first, three-day bars every third day of the epoch.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

#: Bars of a fixed length. ``1M``, the one that is not, is answered by the calendar.
FIXED_MS: Mapping[str, int] = {
    "1s": SECOND_MS,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}
#: The epoch began on a Thursday; the Monday after it opens the first whole week.
_FIRST_MONDAY_MS = 4 * DAY_MS


class Bar(msgspec.Struct):
    """One bar in ticks and lots; the last one of a series still grows."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0


def bucket_open(interval: str, moment_ms: int) -> int:
    """When the bar holding this moment opened, in milliseconds since the epoch."""
    if interval == "1M":
        day = datetime.fromtimestamp(moment_ms / 1000, UTC)
        return _month_ms(day.year, day.month)
    length = FIXED_MS[interval]
    shift = _FIRST_MONDAY_MS if interval == "1w" else 0
    return (moment_ms - shift) // length * length + shift


def bucket_close(interval: str, open_ms: int) -> int:
    """When a bar that opened then closes: the first millisecond of the next."""
    if interval != "1M":
        return open_ms + FIXED_MS[interval]
    day = datetime.fromtimestamp(open_ms / 1000, UTC)
    return _month_ms(day.year + day.month // 12, day.month % 12 + 1)


def _month_ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


class BarSeries:
    """One interval's bars of one instrument: closed ones, bounded, and the one that forms.

    Args:
        interval: The bars' length, in the contract's words.
        current: The bar that forms now.
        keep: How many closed bars are remembered; older ones go.
    """

    __slots__ = ("_closed", "close_ms", "current", "dirty", "interval")

    def __init__(self, interval: str, current: Bar, *, keep: int) -> None:
        self.interval = interval
        self.current = current
        self.close_ms = bucket_close(interval, current.open_ms)
        self.dirty = False
        self._closed: deque[Bar] = deque(maxlen=keep)

    def trade(self, price: int, quantity: int) -> None:
        """Let a trade count towards the bar that forms."""
        bar = self.current
        bar.close = price
        if price > bar.high:
            bar.high = price
        elif price < bar.low:
            bar.low = price
        bar.volume += quantity
        self.dirty = True

    def roll(self, now_ms: int) -> list[Bar]:
        """Close what has ended by now, oldest first, and begin the bar that holds now.

        A bucket without a trade is a flat bar at the last price. After a long pause only as many are made as are kept.
        """
        ended: list[Bar] = []
        while now_ms >= self.close_ms:
            last = self.current
            ended.append(last)
            opens = self.close_ms
            if len(ended) > 1 and self._is_far_behind(opens, now_ms):
                opens = bucket_open(self.interval, now_ms)
            self.current = Bar(opens, last.close, last.close, last.close, last.close)
            self.close_ms = bucket_close(self.interval, opens)
            self.dirty = False
        self._closed.extend(ended)
        return ended

    def put_before(self, history: Iterable[Bar]) -> None:
        """Prepend older bars, as many as are kept."""
        self._closed = deque([*history, *self._closed], maxlen=self._closed.maxlen)

    def last(self, count: int) -> list[Bar]:
        """The last ``count`` bars, oldest first; the last one forms."""
        return [*list(self._closed)[-(count - 1) :], self.current] if count > 1 else [self.current]

    def _is_far_behind(self, opens_ms: int, now_ms: int) -> bool:
        length = FIXED_MS.get(self.interval)
        return length is not None and now_ms - opens_ms > length * (self._closed.maxlen or 0)
