"""How much one caller may ask in a time: whom a call is counted for, with what, and how long to wait after too much.

Who is counted is the user; without one the network address; where that is unknown, the connection. What is counted
together stands beside each method (``schema.rates``); an operator can give a class another pace, and a method a pace of
its own (``config.RateLimits``).

Above: ``router``, ``handlers``. Below: ``limits``, ``address``, ``config``, schema. ``MemoryCounts`` counts in this
process: of several workers, each counts what it is asked. What counts for all of them is another ``Counts``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from cadenza.backend.address import counted_as
from cadenza.backend.limits import AttemptLimiter
from cadenza.errors import RpcError
from cadenza.schema.codes import Code
from cadenza.schema.rates import Rate

if TYPE_CHECKING:
    from cadenza.backend.config import Pace, RateLimits
    from cadenza.backend.ports import Caller
    from cadenza.schema.method import Method

__all__ = ["Counts", "Limits", "MemoryCounts"]

#: What names that are no method are counted with.
_UNKNOWN: Final = Rate.QUERIES

P = TypeVar("P")
D = TypeVar("D")


class Counts(Protocol):
    """Where it is counted."""

    async def take(self, name: str, pace: Pace, who: str) -> float | None:
        """Count one more of ``name`` for ``who``.

        Returns:
            None if the pace allows it, else the seconds until it does; what is refused does not count.
        """
        ...


class MemoryCounts:
    """Counts in this process.

    Args:
        monotonic: Seconds that only grow.
        max_callers: Callers remembered of each name. Overflow policy: who called longest ago is forgotten, and may
            then begin anew.
    """

    def __init__(self, *, monotonic: Callable[[], float], max_callers: int = 100_000) -> None:
        self._monotonic = monotonic
        self._max_callers = max_callers
        self._limiters: dict[str, AttemptLimiter] = {}

    async def take(self, name: str, pace: Pace, who: str) -> float | None:
        """Count one more, without waiting for anything."""
        limiter = self._limiters.get(name)
        if limiter is None:
            limiter = self._limiters[name] = AttemptLimiter(
                burst=pace.burst,
                refill_seconds=1 / pace.per_second,
                monotonic=self._monotonic,
                max_keys=self._max_callers,
            )
        return limiter.take(who)


class Limits:
    """Counts calls and joins.

    Args:
        config: The paces.
        counts: Where it is counted.
    """

    def __init__(self, config: RateLimits, counts: Counts) -> None:
        self._paces = config.paces
        self._by_themselves = self._paces.keys() - set(Rate)
        self._counts = counts

    async def call(self, method: Method[P, D] | None, caller: Caller) -> RpcError | None:
        """Count a call; None stands for a method that there is not.

        Returns:
            None if it may go on, else what it is refused with.
        """
        name: str = _UNKNOWN if method is None else method.rate
        if self._by_themselves and method is not None and method.name in self._by_themselves:
            name = method.name
        pace = self._paces[name]
        if pace is None:
            return None
        wait = await self._counts.take(name, pace, _who(caller))
        return None if wait is None else _too_many(name, wait)

    async def join(self, caller: Caller) -> bool:
        """Count a channel that is about to be joined. Whether it may be."""
        pace = self._paces[Rate.JOINS]
        return pace is None or await self._counts.take(Rate.JOINS, pace, _who(caller)) is None


def _who(caller: Caller) -> str:
    """Told apart by their first letter: a user's id may look like anything."""
    if caller.user:
        return "u" + caller.user
    if caller.address:
        return "a" + counted_as(caller.address)
    return "c" + caller.client


def _too_many(name: str, wait: float) -> RpcError:
    return RpcError(
        f"Too many calls in a short time, of {name}.",
        code=Code.RATE_LIMITED,
        temporary=True,
        retry_after_seconds=wait,
    )
