"""What every call is checked by before it is served: revocation, limit, access. CPU of this process.

Five thousand users in turn, each a caller as the gateway describes one, with sessions that have ended among the
remembered ones, so that each call's ``meta`` is read for both. The limits are the backend's own, of a pace that is
never met: what is measured is the counting, not the refusing.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from benchmarks.plan import Plan
from benchmarks.record import Row, Sample, row

from cadenza.backend.access import Gate
from cadenza.backend.config import DEFAULT_PACES, AccessConfig, Pace, RateLimits
from cadenza.backend.ports import Caller, Sockets
from cadenza.backend.rates import Limits, MemoryCounts
from cadenza.backend.revocation import Revocations
from cadenza.schema.access import Guarded
from cadenza.schema.methods import COMMAND_TRADE_ORDER_SUBMIT, QUERY_SYSTEM_INFO, QUERY_TICKER_LIST, Method

#: Of all three together (issue 5, "Speed").
AT_MOST_US = 8.0
_USERS = 5000
_BATCH = 50
_CASE_SECONDS = 0.2
_ROUNDS = 5


class _Checks:
    """The three, as ``handlers`` and ``router`` go through them."""

    def __init__(self) -> None:
        nobody: Sockets = _Nobody()
        self.revocations = Revocations(nobody, monotonic=time.monotonic, token_lifetime_seconds=3600)
        asyncio.run(self._end_sessions())
        never = Pace(per_second=1e9, burst=10**9)
        config = RateLimits(changed=dict.fromkeys(DEFAULT_PACES, never))
        self.limits = Limits(config, MemoryCounts(monotonic=time.monotonic))
        self.gate = Gate(AccessConfig(second_factor_for=frozenset(Guarded)))

    async def _end_sessions(self) -> None:
        self.revocations.end(f"ended-{number}" for number in range(_USERS))
        await self.revocations.stop()  # nobody's socket is to be closed, so nothing need wait for that

    def all(self, method: Method[Any, Any], caller: Caller) -> None:
        if (
            self.revocations.is_over(caller)
            or _step(self.limits.call(method, caller)) is not None
            or self.gate.call(method, caller).refusal is not None
        ):
            raise RuntimeError("what is measured is a call that may go on")


class _Nobody:
    """No connection is open."""

    async def present(self, channels: Sequence[str]) -> dict[str, str]:
        del channels
        return {}

    async def close(self, clients: object, code: int, reason: str) -> None:
        """There is nothing to close."""

    async def close_user(self, user: str, code: int, reason: str, *, spare: Sequence[str]) -> None:
        """There is nothing to close."""


def run(plan: Plan) -> list[Row]:
    """Measure."""
    checks, users = _Checks(), [_user(number) for number in range(_USERS)]
    strangers = [Caller(address=f"2001:db8:0:{number:x}::1", client="c") for number in range(_USERS // 5)]
    cases: dict[str, tuple[Callable[[Caller], object], Sequence[Caller]]] = {
        "all three, a user's query": (lambda caller: checks.all(QUERY_TICKER_LIST, caller), users),
        "all three, a command that wants a second factor": (
            lambda caller: checks.all(COMMAND_TRADE_ORDER_SUBMIT, caller),
            users,
        ),
        "all three, a query of a caller who is not signed in": (
            lambda caller: checks.all(QUERY_SYSTEM_INFO, caller),
            strangers,
        ),
        "revocation alone": (checks.revocations.is_over, users),
        "limit alone": (lambda caller: _step(checks.limits.call(QUERY_TICKER_LIST, caller)), users),
        "access alone": (lambda caller: checks.gate.call(QUERY_TICKER_LIST, caller), users),
    }
    rounds = max(_ROUNDS, plan.rounds)
    seconds = min(_CASE_SECONDS, plan.seconds)
    samples: dict[str, list[Sample]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (check, callers) in cases.items():
            samples[name].append(Sample(value=_cpu_us(check, callers, seconds)))
    load = f"{_USERS} callers in turn; {rounds} x {seconds:g} s CPU"
    return [
        row("checks", name, taken, unit="us CPU", load=load, at_most=AT_MOST_US if name.startswith("all") else None)
        for name, taken in samples.items()
    ]


def _user(number: int) -> Caller:
    meta = b'{"session_id":"fa0db7d6-0201-46bc-96ed-%012d","aal":"aal2","role":"authenticated"}' % number
    return Caller(user=f"369eaea3-b734-4f97-8596-{number:012d}", address="192.0.2.1", client=f"c{number}", meta=meta)


def _step(awaited: Awaitable[object]) -> object:
    """Step a coroutine that never suspends, as the gateway does."""
    assert isinstance(awaited, Coroutine)
    try:
        awaited.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("the check waited for something")


def _cpu_us(check: Callable[[Caller], object], callers: Sequence[Caller], seconds: float) -> float:
    turn, count = itertools.cycle(callers), 0
    started = time.process_time()
    while (now := time.process_time()) < started + seconds:
        for caller in itertools.islice(turn, _BATCH):
            check(caller)
        count += _BATCH
    return (now - started) / max(count, 1) * 1e6
