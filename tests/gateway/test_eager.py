"""A backend call runs at once; if it waits it is a Task like any other, and nothing it asks of its task goes wrong."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import httpx
import pytest

from cadenza.gateway.eager import EagerRunner, Waiting

DEADLINE = 5


class Calls:
    """Runs coroutines from the loop, as the gateway does, and waits for the outcome."""

    def __init__(self, timeout_seconds: float) -> None:
        self.runner = EagerRunner(asyncio.get_running_loop(), timeout_seconds=timeout_seconds)
        self.waited: list[bool] = []

    async def outcome(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Any, BaseException | None]:
        future: asyncio.Future[tuple[Any, BaseException | None]] = asyncio.get_running_loop().create_future()

        def start() -> None:
            started = self.runner.start(make())
            self.waited.append(isinstance(started, Waiting))
            if isinstance(started, Waiting):
                self.runner.finish_later(started, lambda result, error: future.set_result((result, error)))
            else:
                future.set_result(started)

        asyncio.get_running_loop().call_soon(start)
        async with asyncio.timeout(DEADLINE):
            return await future


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    runner = Calls(timeout_seconds=DEADLINE)
    yield runner
    await runner.runner.aclose()
    assert runner.runner.pending_count == 0


async def test_call_that_does_not_wait_makes_no_task(calls: Calls) -> None:
    before = asyncio.all_tasks()

    async def call() -> str:
        assert asyncio.all_tasks() == before
        return "done"

    assert await calls.outcome(call) == ("done", None)
    assert calls.waited == [False]


async def test_error_is_handed_on(calls: Calls) -> None:
    error = ValueError("x")

    async def at_once() -> None:
        raise error

    async def later() -> None:
        await asyncio.sleep(0)
        raise error

    assert await calls.outcome(at_once) == (None, error)
    assert await calls.outcome(later) == (None, error)


async def test_current_task_is_the_same_before_and_after_waiting(calls: Calls) -> None:
    seen: list[object] = []

    async def call() -> None:
        for _ in range(3):
            seen.append(asyncio.current_task())
            await asyncio.sleep(0)

    await calls.outcome(call)
    assert seen[0] is not None
    assert seen[0] is seen[1] is seen[2]


async def test_timeout_entered_before_the_first_wait_works(calls: Calls) -> None:
    async def call() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            await asyncio.sleep(0)
            return "timed out"
        return "not"

    assert await calls.outcome(call) == ("timed out", None)


async def test_timeout_that_comes_before_the_task_has_run_is_still_the_calls_own(calls: Calls) -> None:
    async def call() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "not"

    assert await calls.outcome(call) == ("timed out", None)


async def test_task_group_entered_before_the_first_wait_works(calls: Calls) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("child")

    async def call() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.Event().wait())

    result, error = await calls.outcome(call)
    assert result is None
    assert isinstance(error, ExceptionGroup)
    assert [str(child) for child in error.exceptions] == ["child"]


async def test_anyio_scopes_work(calls: Calls) -> None:
    async def call() -> list[str]:
        steps = []
        with anyio.move_on_after(0.001):
            await anyio.sleep_forever()
        steps.append("moved on")
        try:
            with anyio.fail_after(0.001):
                await anyio.sleep_forever()
        except TimeoutError:
            steps.append("failed")
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 0)
        return steps

    assert await calls.outcome(call) == (["moved on", "failed"], None)


async def test_http_client_works_inside_a_call(calls: Calls) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def call() -> str:
        async with httpx.AsyncClient(timeout=DEADLINE) as client:
            return (await client.get(f"http://127.0.0.1:{port}/")).text

    assert await calls.outcome(call) == ("hi", None)
    server.close()


async def test_context_of_one_call_does_not_leak_into_the_next(calls: Calls) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    async def call() -> str:
        before = user.get()
        user.set("somebody")
        await asyncio.sleep(0)
        assert user.get() == "somebody"
        return before

    async def quick() -> str:
        before = user.get()
        user.set("somebody")
        return before

    assert await calls.outcome(call) == ("nobody", None)
    assert await calls.outcome(quick) == ("nobody", None)
    assert await calls.outcome(quick) == ("nobody", None)


async def test_time_is_up_once_and_the_call_is_cancelled() -> None:
    calls = Calls(timeout_seconds=0.005)
    cancelled = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.sleep(0.01)  # takes its time to go

    result, error = await calls.outcome(stubborn)
    assert (result, type(error)) == (None, TimeoutError)
    async with asyncio.timeout(DEADLINE):
        await cancelled.wait()
        await calls.runner.aclose()
    assert calls.runner.pending_count == 0


async def test_call_that_cancels_itself_before_waiting_is_cancelled(calls: Calls) -> None:
    async def call() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        assert task.cancelling() == 1
        await asyncio.sleep(10)

    result, error = await calls.outcome(call)
    assert (result, type(error)) == (None, asyncio.CancelledError)


async def test_call_cancelled_by_others_before_its_task_runs_is_unwound() -> None:
    runner = EagerRunner(asyncio.get_running_loop(), timeout_seconds=DEADLINE)
    gone: list[str] = []

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            gone.append("gone")

    before = asyncio.all_tasks()
    started = runner.start(call())
    assert isinstance(started, Waiting)
    runner.finish_later(started, lambda *_: None)
    (task,) = asyncio.all_tasks() - before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gone == ["gone"]


async def test_task_that_starts_a_call_stays_the_current_task() -> None:
    runner = EagerRunner(asyncio.get_running_loop(), timeout_seconds=DEADLINE)
    outer = asyncio.current_task()

    async def call() -> object:
        return asyncio.current_task()

    inside = runner.start(call())
    assert isinstance(inside, tuple)
    assert inside[0] is not outer
    assert asyncio.current_task() is outer


async def test_future_the_call_waits_for_may_be_done_before_its_task_runs(calls: Calls) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def call() -> int:
        asyncio.get_running_loop().call_soon(future.set_result, 7)
        return await future

    assert await calls.outcome(call) == (7, None)


async def test_shutdown_cancels_what_waits_and_waits_for_it() -> None:
    runner = EagerRunner(asyncio.get_running_loop(), timeout_seconds=DEADLINE)
    gone: list[str] = []

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            gone.append("gone")

    outcomes: list[Any] = []
    started = runner.start(call())
    assert isinstance(started, Waiting)
    runner.finish_later(started, lambda *outcome: outcomes.append(outcome))
    await runner.aclose()
    assert gone == ["gone"]
    await asyncio.sleep(0)
    assert [type(error) for _, error in outcomes] == [asyncio.CancelledError]
