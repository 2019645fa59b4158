"""Keeps a program running: starts it, waits until it is up, starts it again when it ends, hands signals on.

Above: ``stack.centrifugo_run``. Below: ``child``, errors.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from cadenza.errors import ProcessError
from cadenza.gateway.centrifugo.child import Child

__all__ = ["Reporter", "RestartPolicy", "Supervisor"]


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient it is.

    Attributes:
        first_delay_seconds: Before the first start again; doubled for each that follows.
        longest_delay_seconds: At most.
        stable_seconds: One that ran for so long is not counted among the failures before it.
        attempts: Failures in a row after which it is given up.
        start_seconds: How long it may take to be up.
        stop_seconds: How long it may take to end; longer than Centrifugo's own 30 seconds.
    """

    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 30.0
    stable_seconds: float = 60.0
    attempts: int = 5
    start_seconds: float = 30.0
    stop_seconds: float = 35.0


class Reporter(Protocol):
    """Is told how it goes."""

    def up(self, pid: int, restarts: int) -> None:
        """It is running, for the first time or again."""
        ...

    def ended(self, status: int, delay_seconds: float) -> None:
        """It ended by itself, and is started again after that time."""
        ...


class Supervisor:
    """Runs one program until ``stop``.

    Args:
        start: Starts it.
        is_up: Whether it serves.
        reporter: Is told how it goes.
        policy: How patient to be.
        sleep: Waits.
        monotonic: Seconds that only grow.
    """

    #: Between two questions whether it is up.
    POLL_SECONDS = 0.05

    def __init__(
        self,
        start: Callable[[], Awaitable[Child]],
        *,
        is_up: Callable[[], Awaitable[bool]],
        reporter: Reporter,
        policy: RestartPolicy = RestartPolicy(),  # noqa: B008  # frozen
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float],
    ) -> None:
        self._start = start
        self._is_up = is_up
        self._reporter = reporter
        self._policy = policy
        self._sleep = sleep
        self._monotonic = monotonic
        self._stopping = asyncio.Event()
        self._child: Child | None = None
        self._serves = False

    def stop(self) -> None:
        """Have the program end, with SIGTERM; asked a second time, at once."""
        if self._child is not None:
            self._child.signal(signal.SIGKILL if self._stopping.is_set() else signal.SIGTERM)
        self._stopping.set()

    def reload(self) -> bool:
        """Have the program read its configuration and the provider's keys anew.

        False when it does not serve: it is about to read them, and until it has said what SIGHUP means that ends it.
        """
        if self._child is None or self._child.has_ended or not self._serves:
            return False
        self._child.signal(signal.SIGHUP)
        return True

    async def run(self) -> None:
        """Start it, and keep it running until ``stop``.

        Raises:
            ProcessError: It does not start, ends again and again, or had to be killed.
        """
        try:
            await self._keep_running()
        finally:
            if self._child is not None and not self._child.has_ended:
                self._child.signal(signal.SIGKILL)
                await self._child.wait()

    async def _keep_running(self) -> None:
        failures = restarts = 0
        while not self._stopping.is_set():
            self._serves = False
            self._child = child = await self._start()
            if await self._until_up(child):
                self._serves = True
                self._reporter.up(child.pid, restarts)
            elif not self._stopping.is_set() and restarts == 0:
                raise _did_not_start(child, await child.wait())
            since = self._monotonic()
            status = await self._until_end(child)
            if status is None or self._stopping.is_set():
                return
            failures = 1 if self._monotonic() - since >= self._policy.stable_seconds else failures + 1
            if failures > self._policy.attempts:
                raise _gave_up(child, status, failures)
            restarts += 1
            delay = min(self._policy.first_delay_seconds * 2 ** (failures - 1), self._policy.longest_delay_seconds)
            self._reporter.ended(status, delay)
            await self._pause(delay)

    async def _until_up(self, child: Child) -> bool:
        """Wait until it serves; False when it ended before, or is to."""
        end = self._monotonic() + self._policy.start_seconds
        while not child.has_ended and not self._stopping.is_set():
            if await self._is_up():
                return True
            if self._monotonic() > end:
                raise ProcessError(
                    f"Centrifugo was not up after {self._policy.start_seconds:g} seconds. {child.last_word()}".rstrip(),
                    program="centrifugo",
                    next_step="See its log above: it may be waiting for Redis.",
                )
            await self._sleep(self.POLL_SECONDS)
        return False

    async def _until_end(self, child: Child) -> int | None:
        """Wait for its end; None when it was asked to."""
        ending = asyncio.ensure_future(child.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not self._stopping.is_set():
                return ending.result()
            if not ending.done():
                await asyncio.wait({ending}, timeout=self._policy.stop_seconds)
            if not ending.done():
                child.signal(signal.SIGKILL)
                await ending
                raise ProcessError(
                    f"Centrifugo did not end within {self._policy.stop_seconds:g} seconds and was killed.",
                    program="centrifugo",
                    next_step="Its clients reconnect; see its log for what held it.",
                )
            return None
        finally:
            for waiting in (ending, stopping):
                waiting.cancel()
            await asyncio.gather(ending, stopping, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless it is to end."""
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (sleeping, stopping):
            waiting.cancel()
        await asyncio.gather(sleeping, stopping, return_exceptions=True)


#: What its last word may hold, and what to do about it.
_REASONS: Final = (
    ("address already in use", "Stop what uses that port, or give Centrifugo another."),
    ("redis", "See that Redis runs where engine.redis.address (REDIS_URL) says, with that password."),
)


def _did_not_start(child: Child, status: int) -> ProcessError:
    said = child.last_word()
    step = next((step for word, step in _REASONS if word in said.lower()), "Correct what its log says.")
    return ProcessError(
        f"Centrifugo did not start (it ended with {status}): {said or 'it said nothing'}.",
        program="centrifugo",
        status=status,
        next_step=step,
    )


def _gave_up(child: Child, status: int, failures: int) -> ProcessError:
    return ProcessError(
        f"Centrifugo ended {failures} times in a row, at last with {status}: {child.last_word() or 'it said nothing'}.",
        program="centrifugo",
        status=status,
        next_step="Correct what its log says, then start it again.",
    )
