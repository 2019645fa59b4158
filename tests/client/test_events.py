"""Lifecycle handlers: any shape, any behaviour, and the SDK goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cadenza.client.connection import Connected, Connecting, Disconnected, ErrorOccurred, LifecycleEvent
from cadenza.client.events import Dispatcher, Handlers
from cadenza.errors import TransportError

CONNECTING = Connecting(code=0, reason="connect called", attempt=1)
CONNECTED = Connected(client="c", version="v")
DISCONNECTED = Disconnected(code=3001, reason="shutdown")
ERROR = ErrorOccurred(code=0, error=TransportError("Away."))
ALL: list[LifecycleEvent] = [CONNECTING, CONNECTED, DISCONNECTED, ERROR]


@pytest.fixture
async def complaints() -> AsyncIterator[list[dict[str, Any]]]:
    """What reaches the loop's exception handler."""
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context))
    yield seen
    asyncio.get_running_loop().set_exception_handler(None)


async def test_the_missions_handler_object_works_as_it_stands_with_centrifuge_python() -> None:
    seen: list[object] = []

    class Handler:  # as a user writes it for centrifuge.Client(events=...)
        async def on_connecting(self, ctx: Any) -> None:
            seen.append((ctx.code, ctx.reason))

        async def on_connected(self, ctx: Any) -> None:
            seen.append((ctx.client, ctx.version, ctx.data))

        async def on_disconnected(self, ctx: Any) -> None:
            seen.append((ctx.code, ctx.reason))

        async def on_error(self, ctx: Any) -> None:
            seen.append((ctx.code, str(ctx.error)))

    dispatcher = Dispatcher(Handlers.of(Handler()))
    for event in ALL:
        dispatcher.report(event)
    await dispatcher.close()
    assert seen == [(0, "connect called"), ("c", "v", None), (3001, "shutdown"), (0, str(ERROR.error))]


async def test_plain_functions_work_too_and_some_may_be_missing() -> None:
    seen: list[LifecycleEvent] = []
    dispatcher = Dispatcher(Handlers(on_connected=seen.append))
    for event in ALL:
        dispatcher.report(event)
    await dispatcher.close()
    assert seen == [CONNECTED]


async def test_a_named_handler_wins_over_the_objects() -> None:
    seen: list[str] = []

    class Both:
        def on_connected(self, _event: Connected) -> None:
            seen.append("object")

        def on_error(self, _event: ErrorOccurred) -> None:
            seen.append("object's error")

    named = Handlers(on_connected=lambda _: seen.append("named"))
    dispatcher = Dispatcher(named.over(Handlers.of(Both())))
    for event in ALL:
        dispatcher.report(event)
    await dispatcher.close()
    assert seen == ["named", "object's error"]


async def test_a_handler_that_raises_loses_no_event(complaints: list[dict[str, Any]]) -> None:
    """B2."""
    seen: list[LifecycleEvent] = []

    async def poor(event: LifecycleEvent) -> None:
        seen.append(event)
        raise RuntimeError("a bug of the user's")

    dispatcher = Dispatcher(Handlers(on_connecting=poor, on_connected=poor, on_disconnected=poor, on_error=poor))
    for event in ALL:
        dispatcher.report(event)
    await dispatcher.close()
    assert seen == ALL
    assert [context["message"].split()[0] for context in complaints] == [
        "on_connecting",
        "on_connected",
        "on_disconnected",
        "on_error",
    ]


async def test_events_come_one_after_the_other_in_order() -> None:
    log: list[str] = []

    async def slow(event: LifecycleEvent) -> None:
        log.append(f"begin {type(event).__name__}")
        await asyncio.sleep(0)
        log.append(f"end {type(event).__name__}")

    dispatcher = Dispatcher(Handlers(on_connecting=slow, on_connected=slow))
    dispatcher.report(CONNECTING)
    dispatcher.report(CONNECTED)
    await dispatcher.close()
    assert log == ["begin Connecting", "end Connecting", "begin Connected", "end Connected"]


async def test_a_handler_that_never_keeps_up_loses_the_oldest_and_it_is_counted() -> None:
    seen: list[LifecycleEvent] = []
    dispatcher = Dispatcher(Handlers(on_disconnected=seen.append))
    for code in range(300):
        dispatcher.report(Disconnected(code=code, reason=""))
    await dispatcher.close()
    assert [event.code for event in seen if isinstance(event, Disconnected)] == list(range(44, 300))
    assert dispatcher.dropped == 44


async def test_closing_from_a_handler_does_not_wait_for_itself() -> None:
    closed = asyncio.Event()

    async def close(_event: Disconnected) -> None:
        await dispatcher.close()
        closed.set()

    dispatcher = Dispatcher(Handlers(on_disconnected=close))
    dispatcher.report(DISCONNECTED)
    async with asyncio.timeout(5):
        await closed.wait()


async def test_a_handler_that_hangs_is_cancelled_at_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadenza.client.events._CLOSE_DEADLINE_SECONDS", 0.01)
    before = asyncio.all_tasks()

    async def hang(_event: Connected) -> None:
        await asyncio.Event().wait()

    dispatcher = Dispatcher(Handlers(on_connected=hang))
    dispatcher.report(CONNECTED)
    await dispatcher.close()
    assert asyncio.all_tasks() == before
