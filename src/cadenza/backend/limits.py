"""How often something may be tried: one bucket of attempts for each key, refilled with time.

Above: ``services.guard`` through its constructor, ``rates``. Below: nothing. Time comes in as ``monotonic``.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable

#: Sums of floats are never told apart more finely than this.
_ROUNDING_SECONDS = 1e-6


class AttemptLimiter:
    """A token bucket a key: ``burst`` attempts at once, then one every ``refill_seconds``.

    Args:
        burst: Attempts a key has when it was never seen, or not for long.
        refill_seconds: How long one attempt takes to come back.
        monotonic: Seconds that only grow.
        max_keys: Keys remembered. Overflow policy: the one used longest ago is forgotten, and with it its count.
    """

    def __init__(
        self, *, burst: int, refill_seconds: float, monotonic: Callable[[], float], max_keys: int = 100_000
    ) -> None:
        self._whole_burst_seconds = burst * refill_seconds
        self._refill_seconds = refill_seconds
        self._monotonic = monotonic
        self._max_keys = max_keys
        # The moment at which a key's bucket is full again; in the past means full (the GCRA form of a token bucket).
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> float | None:
        """Use up one attempt.

        Returns:
            None if there was one, else the seconds until there is; a refused attempt does not count.
        """
        now = self._monotonic()
        full_at = self._full_at.get(key, now)
        full_at = (full_at if full_at > now else now) + self._refill_seconds  # noqa: FURB136  # max() is slow, and calls come here
        wait = full_at - now - self._whole_burst_seconds
        if wait > _ROUNDING_SECONDS:
            return wait
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)
        return None

    def give_back(self, key: Hashable) -> None:
        """Return an attempt that should not have counted, as one that succeeded."""
        if key in self._full_at:
            self._full_at[key] -= self._refill_seconds

    def __len__(self) -> int:
        return len(self._full_at)
