"""Hands lifecycle events to the user's handlers, one after the other, in a task of its own.

Above: ``_client``. Below: ``connection`` (the events). A handler may be a plain function or a coroutine function, may
await any call of the client (B3), and may raise: that is reported to the loop's exception handler and stops nothing
(B2). Events wait in a queue of 256; if the handlers are slower for that long, the oldest are dropped and counted.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from cadenza.client.connection import Connected, Connecting, Disconnected, ErrorOccurred, LifecycleEvent

E = TypeVar("E")
Handler = Callable[[E], Awaitable[None] | None]

_QUEUE_SIZE: Final = 256
_CLOSE_DEADLINE_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Handlers:
    """The mission's four handlers. Each takes one event; each may be missing."""

    on_connecting: Handler[Connecting] | None = None
    on_connected: Handler[Connected] | None = None
    on_disconnected: Handler[Disconnected] | None = None
    on_error: Handler[ErrorOccurred] | None = None

    @classmethod
    def of(cls, events: object) -> Handlers:
        """Take the handlers an object has as methods, as centrifuge-python does."""
        return cls(**{name: getattr(events, name, None) for name in _NAMES.values()})

    def over(self, others: Handlers) -> Handlers:
        """These, and the others' where these have none."""
        return Handlers(**{name: getattr(self, name) or getattr(others, name) for name in _NAMES.values()})

    def handler_of(self, event: LifecycleEvent) -> Handler[Any] | None:
        """The handler for an event."""
        handler: Handler[Any] | None = getattr(self, _NAMES[type(event)])
        return handler


_NAMES: Final[dict[type, str]] = {
    Connecting: "on_connecting",
    Connected: "on_connected",
    Disconnected: "on_disconnected",
    ErrorOccurred: "on_error",
}


class Dispatcher:
    """Runs handlers.

    Args:
        handlers: What to run.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._waiting: deque[LifecycleEvent] = deque(maxlen=_QUEUE_SIZE)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.dropped = 0

    def report(self, event: LifecycleEvent) -> None:
        """Take an event. Never waits and never raises."""
        if self._handlers.handler_of(event) is None:
            return
        if len(self._waiting) == _QUEUE_SIZE:
            self.dropped += 1
        self._waiting.append(event)
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="cadenza-events")

    async def close(self) -> None:
        """Hand out what waits, then stop. Called from a handler, it does not wait for that handler."""
        self._closing = True
        self._wake.set()
        if self._task is None or self._task is asyncio.current_task():
            return
        _, late = await asyncio.wait({self._task}, timeout=_CLOSE_DEADLINE_SECONDS)
        if late:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            while self._waiting:
                await self._hand_out(self._waiting.popleft())
            if self._closing:
                return
            self._wake.clear()
            await self._wake.wait()

    async def _hand_out(self, event: LifecycleEvent) -> None:
        handler = self._handlers.handler_of(event)
        if handler is None:
            return
        try:
            outcome = handler(event)
            if inspect.isawaitable(outcome):
                await outcome
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything, and the next event must come
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{_NAMES[type(event)]} raised; the SDK goes on", "exception": error}
            )
