"""A connection's deadlines on one timer: the earliest is armed, the others wait.

Above: ``connection``. Below: the ``Scheduler`` port. Ten thousand idle connections have ten thousand timers, not forty.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable

from cadenza.gateway.ports import Cancellable, Scheduler

__all__ = ["Deadline", "Deadlines"]

_TIMER_RESOLUTION_SECONDS = 0.001


class Deadline(enum.IntEnum):
    """What can be due."""

    STALE = 0
    PING = 1
    PONG = 2
    EXPIRE = 3
    SUBSCRIPTIONS = 4


def _nothing(_: Deadline) -> None:
    """Come due, and do nothing."""


class Deadlines:
    """Deadlines of one connection.

    Args:
        scheduler: Gives the time and one timer.
        due: Called with the deadline that has come; it may set new ones.
    """

    __slots__ = ("_armed_at", "_at", "_due", "_scheduler", "_timer")

    def __init__(self, scheduler: Scheduler, due: Callable[[Deadline], None]) -> None:
        self._scheduler = scheduler
        self._due = due
        self._at: dict[Deadline, float] = {}
        self._timer: Cancellable | None = None
        self._armed_at = 0.0

    def set(self, deadline: Deadline, after_seconds: float) -> None:
        """Set or move a deadline."""
        at = self._scheduler.time() + after_seconds
        self._at[deadline] = at
        # A timer that fires too early finds nothing due and is armed again: cheaper than cancelling at each pong.
        if self._timer is None or at < self._armed_at:
            self._arm()

    def clear(self, deadline: Deadline) -> None:
        """Forget a deadline."""
        self._at.pop(deadline, None)

    def cancel(self) -> None:
        """Forget them all, for good: nothing comes due any more."""
        self._at.clear()
        self._due = _nothing  # or owner and deadlines would hold each other until the garbage collector comes
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._at:
            self._armed_at = min(self._at.values())
            self._timer = self._scheduler.call_at(self._armed_at, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._scheduler.time() + _TIMER_RESOLUTION_SECONDS
        for deadline in sorted((d for d, at in self._at.items() if at <= now), key=self._at.__getitem__):
            if self._at.get(deadline, math.inf) <= now:  # one that came due before may have moved this one
                del self._at[deadline]
                self._due(deadline)
        if self._timer is None:
            self._arm()
