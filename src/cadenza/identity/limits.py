"""How often an address may ask: a token bucket each, a bounded number of them.

Supabase Auth's rule: a burst, then so many in five minutes, then 429 ``over_request_rate_limit``. Ours says when to
come back.

Above: ``app``, the grants. Below: ``config``, ``errors``. The clock comes in and must not jump (monotonic).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cadenza.identity.errors import too_many_requests

_FIVE_MINUTES_SECONDS: Final = 300.0


class RateLimiter:
    """Buckets by address.

    Args:
        per_five_minutes: Requests that an address regains in five minutes; ``None`` lets everything through.
        burst: Requests it may make at once.
        addresses: Buckets kept; beyond, the one not asked for longest goes (it was full again, or nearly).
        monotonic: Seconds.
    """

    def __init__(
        self, *, per_five_minutes: float | None, burst: int, addresses: int, monotonic: Callable[[], float]
    ) -> None:
        self._per_second = None if per_five_minutes is None else per_five_minutes / _FIVE_MINUTES_SECONDS
        self._burst = float(burst)
        self._addresses = addresses
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one request of ``address``.

        Raises:
            RefusalError: It has none left; ``retry_after_seconds`` says when it will have one.
        """
        if self._per_second is None:
            return
        now = self._monotonic()
        left, since = self._buckets.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._buckets[address] = (left - 1 if allowed else left, now)
        while len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - left) / self._per_second if self._per_second > 0 else _FIVE_MINUTES_SECONDS
            raise too_many_requests(float(math.ceil(wait)))
