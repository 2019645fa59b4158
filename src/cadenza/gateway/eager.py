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
from typing import Any, Generic, TypeVar, cast

__all__ = ["EagerRunner"]

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


class EagerRunner:
    """Runs coroutines eagerly, bounds those that wait, and knows which are still waiting.

    Args:
        loop: The event loop everything runs in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._spare = _StandIn()
        self._pending: set[_Pending[Any]] = set()

    @property
    def pending_count(self) -> int:
        """Calls that wait for something."""
        return len(self._pending)

    def run(
        self,
        coroutine: Coroutine[Any, Any, T],
        late: Callable[[T | None, BaseException | None], None],
        *,
        timeout_seconds: float,
    ) -> tuple[T | None, BaseException | None] | None:
        """Run ``coroutine`` as far as it goes without waiting.

        Args:
            coroutine: The call.
            late: If it waits: gets, later and once, what is otherwise returned; ``TimeoutError`` when time is up.
            timeout_seconds: How long it may wait. When time is up it is cancelled, and ``late`` does not wait for that.

        Returns:
            ``(result, None)`` or ``(None, error)`` if it finished at once, ``None`` if it waits.
        """
        stand_in, current = self._spare, cast("asyncio.Task[Any]", self._spare)
        context = contextvars.copy_context()
        outer = asyncio.current_task(self._loop)
        if outer is not None:
            _leave_task(self._loop, outer)
        _enter_task(self._loop, current)
        try:
            yielded = context.run(coroutine.send, None)
        except StopIteration as stop:
            return stop.value, None
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the caller judges it
            return None, error
        finally:
            _leave_task(self._loop, current)
            if outer is not None:
                _enter_task(self._loop, outer)
        self._spare = _StandIn()
        rest = _finish(coroutine, yielded, stand_in, self._loop)
        task = self._loop.create_task(rest, name="gateway call", context=context)
        stand_in.become(task)
        pending = _Pending(task, late, self._pending.discard)
        self._pending.add(pending)
        pending.timer = self._loop.call_later(timeout_seconds, pending.time_out)
        task.add_done_callback(pending.finished)
        return None

    async def aclose(self) -> None:
        """Cancel what still waits, and wait until it is gone."""
        tasks = [pending.task for pending in self._pending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Pending(Generic[T]):
    """One call that waits."""

    __slots__ = ("_forget", "_late", "_settled", "task", "timer")

    def __init__(
        self,
        task: asyncio.Task[T],
        late: Callable[[T | None, BaseException | None], None],
        forget: Callable[[_Pending[T]], None],
    ) -> None:
        self.task = task
        self.timer: asyncio.TimerHandle | None = None
        self._late = late
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
            self._late(result, error)


async def _finish(
    coroutine: Coroutine[Any, Any, T], yielded: object, stand_in: _StandIn, loop: asyncio.AbstractEventLoop
) -> T:
    return await _drive(coroutine, yielded, stand_in, loop)


@types.coroutine
def _drive(
    coroutine: Coroutine[Any, Any, T], yielded: object, stand_in: _StandIn, loop: asyncio.AbstractEventLoop
) -> Generator[Any, Any, T]:
    """Go on with a coroutine that has yielded once, under the real Task but with the stand-in as current task."""
    task, current = cast("asyncio.Task[Any]", asyncio.current_task(loop)), cast("asyncio.Task[Any]", stand_in)
    while True:
        try:
            sent = yield yielded
        except BaseException as thrown:  # noqa: BLE001 - cancellation and close belong to the coroutine
            resume: Callable[[], object] = _bind(coroutine.throw, thrown)
        else:
            resume = _bind(coroutine.send, sent)
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
