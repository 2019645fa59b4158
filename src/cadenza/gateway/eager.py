"""Run a backend call at once, and make a Task of it only if it suspends.

Above: ``node`` gives every call of ``connection`` to the one :class:`EagerRunner`. Below: asyncio's documented support
for third-party tasks (``asyncio._enter_task``: "Extending asyncio", Task lifetime support).

Most calls of an in-process backend never wait. A Task for each would cost more than the call (measured: 8.4 against
6.5 microseconds an RPC, ``reference/performance.md``). So the coroutine's first step runs here and now. While it runs,
``asyncio.current_task()`` gives a stand-in: code that asks for its task (``asyncio.timeout``, ``TaskGroup``, anyio and
with it httpx) holds on to the stand-in, which hands everything on to the real Task once there is one. Each call runs
in its own copy of the context, as a Task would, so no context variable leaks from one client's call into another's.
"""

from __future__ import annotations

import asyncio
import contextvars
import types
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from typing import Any, Generic, TypeVar, cast

__all__ = ["EagerRunner", "Waiting"]

T = TypeVar("T")


class _StandIn:
    """What ``asyncio.current_task()`` gives while there is no Task yet, and afterwards in its place."""

    __slots__ = ("__weakref__", "_asked_to_cancel", "_task")

    # What anyio reads of a task that has not suspended yet.
    _no_task_yet = types.MappingProxyType({"_must_cancel": False, "_fut_waiter": None})

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._asked_to_cancel = 0

    def become(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        for _ in range(self._asked_to_cancel):
            task.cancel()

    def cancel(self, msg: object = None) -> bool:
        if self._task is not None:
            return self._task.cancel(msg)
        self._asked_to_cancel += 1
        return True

    def cancelling(self) -> int:
        return self._asked_to_cancel if self._task is None else self._task.cancelling()

    def uncancel(self) -> int:
        if self._task is not None:
            return self._task.uncancel()
        self._asked_to_cancel = max(0, self._asked_to_cancel - 1)
        return self._asked_to_cancel

    def done(self) -> bool:
        return self._task is not None and self._task.done()

    def get_name(self) -> str:
        return "eager call" if self._task is None else self._task.get_name()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it stands for whatever a Task has
        if self._task is not None:
            return getattr(self._task, name)
        try:
            return self._no_task_yet[name]
        except KeyError:
            raise AttributeError(name) from None


class Waiting(Generic[T]):
    """A call that has come as far as it could without waiting; :meth:`EagerRunner.finish_later` goes on with it."""

    __slots__ = ("context", "coroutine", "stand_in", "yielded")

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], yielded: object, stand_in: _StandIn, context: contextvars.Context
    ) -> None:
        self.coroutine = coroutine
        self.yielded = yielded
        self.stand_in = stand_in
        self.context = context


class EagerRunner:
    """Runs coroutines eagerly, bounds those that wait, and knows which are still waiting.

    Args:
        loop: The event loop everything runs in.
        timeout_seconds: How long a call may wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, timeout_seconds: float) -> None:
        self._loop = loop
        self._timeout_seconds = timeout_seconds
        self._spare = _StandIn()
        self._pending: set[_Pending[Any]] = set()

    @property
    def pending_count(self) -> int:
        """Calls that wait for something."""
        return len(self._pending)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> tuple[T | None, BaseException | None] | Waiting[T]:
        """Run ``coroutine`` as far as it goes without waiting.

        Returns:
            ``(result, None)`` or ``(None, error)`` if that was all of it.
        """
        loop, stand_in = self._loop, self._spare
        current = cast("asyncio.Task[Any]", stand_in)
        try:
            _enter_task(loop, current)
        except RuntimeError:  # some task runs already: not in the gateway, whose calls come from the loop itself
            return self._start_inside_task(coroutine)
        context = copy_context()
        try:
            yielded = context.run(coroutine.send, None)
        except StopIteration as stop:
            return stop.value, None
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the caller judges it
            return None, error
        finally:
            _leave_task(loop, current)
        self._spare = _StandIn()
        return Waiting(coroutine, yielded, stand_in, context)

    def _start_inside_task(
        self, coroutine: Coroutine[Any, Any, T]
    ) -> tuple[T | None, BaseException | None] | Waiting[T]:
        outer = asyncio.current_task(self._loop)
        if outer is None:
            raise RuntimeError("a task is running, and none is")
        _leave_task(self._loop, outer)
        try:
            return self.start(coroutine)
        finally:
            _enter_task(self._loop, outer)

    def finish_later(self, waiting: Waiting[T], done: Callable[[T | None, BaseException | None], None]) -> None:
        """Go on with a call in a Task; ``done(result, error)`` follows, once.

        When time is up the Task is cancelled, and ``done(None, TimeoutError())`` does not wait for that.
        """
        rest = _finish(waiting, self._loop)
        rest.send(None)  # to its first line: a task cancelled before its first step throws in there, not before it
        task = self._loop.create_task(rest, name="gateway call", context=waiting.context)
        waiting.stand_in.become(task)
        pending = _Pending(task, done, self._pending.discard)
        self._pending.add(pending)
        pending.timer = self._loop.call_later(self._timeout_seconds, pending.time_out)
        task.add_done_callback(pending.finished)

    async def aclose(self) -> None:
        """Cancel what still waits, and wait until it is gone."""
        tasks = [pending.task for pending in self._pending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Pending(Generic[T]):
    """One call that waits."""

    __slots__ = ("_done", "_forget", "_settled", "task", "timer")

    def __init__(
        self,
        task: asyncio.Task[T],
        done: Callable[[T | None, BaseException | None], None],
        forget: Callable[[_Pending[T]], None],
    ) -> None:
        self.task = task
        self.timer: asyncio.TimerHandle | None = None
        self._done = done
        self._forget = forget
        self._settled = False

    def time_out(self) -> None:
        self.task.cancel()
        self._settle(None, TimeoutError())

    def finished(self, task: asyncio.Task[T]) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self._forget(self)
        if task.cancelled():
            self._settle(None, asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._settle(None, error)
        else:
            self._settle(task.result(), None)

    def _settle(self, result: T | None, error: BaseException | None) -> None:
        if not self._settled:
            self._settled = True
            self._done(result, error)


async def _finish(waiting: Waiting[T], loop: asyncio.AbstractEventLoop) -> T:
    return await _drive(waiting, loop)


@types.coroutine
def _drive(waiting: Waiting[T], loop: asyncio.AbstractEventLoop) -> Generator[Any, Any, T]:
    """Go on with a coroutine that has yielded once, under the real Task but with the stand-in as current task.

    The first yield is where the Task takes over; what the coroutine waits for is yielded next.
    """
    current = cast("asyncio.Task[Any]", waiting.stand_in)
    coroutine, yielded = waiting.coroutine, waiting.yielded
    has_task = False
    while True:
        try:
            if not has_task:
                has_task = True
                yield
            sent = yield yielded
        except BaseException as thrown:  # noqa: BLE001 - cancellation and close belong to the coroutine
            resume: Callable[[], object] = _bind(coroutine.throw, thrown)
        else:
            resume = _bind(coroutine.send, sent)
        task = cast("asyncio.Task[Any]", asyncio.current_task(loop))
        _leave_task(loop, task)
        _enter_task(loop, current)
        try:
            yielded = resume()
        except StopIteration as stop:
            value: T = stop.value
            return value
        finally:
            _leave_task(loop, current)
            _enter_task(loop, task)


def _bind(method: Callable[[Any], object], argument: object) -> Callable[[], object]:
    return lambda: method(argument)
