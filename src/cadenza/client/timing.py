"""Clocks, sleep and chance as arguments, and the one way to wait longer after each failure.

Above: whatever waits (``supervisor``, ``subscriptions``, ``auth.tokens``). Below: the standard library. A test hands in
its own ``Timing`` and moves the time by hand.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Where time and chance come from.

    Attributes:
        clock: Seconds since the epoch, as this machine believes; for what a person reads.
        monotonic: Seconds that never go back; for every wait and every lifetime.
        sleep: Wait so many seconds.
        uniform: A number between two others, all equally likely.
    """

    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Waits that double from ``first_seconds`` to ``longest_seconds``, each spread over its upper half.

    The spread keeps a thousand clients that lost one server from coming back in the same instant.
    """

    first_seconds: float
    longest_seconds: float

    def delay(self, failures: int, timing: Timing) -> float:
        """How long to wait after so many failures in a row (1 or more)."""
        steps = min(failures - 1, _MOST_DOUBLINGS)
        longest = min(self.longest_seconds, self.first_seconds * 2.0**steps)
        return timing.uniform(longest / 2, longest)


#: More would only make a float of a silly size.
_MOST_DOUBLINGS: Final = 30
