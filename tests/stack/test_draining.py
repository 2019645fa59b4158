"""A backend that stops: what was accepted is answered, what was published is sent, and nothing takes for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.stack.neighbours import INFO, LOGIN, Neighbours, shown

from cadenza.stack.draining import StopTimes
from cadenza.stack.external import ExternalBackend, external_settings_from_environment

KEY, SECRET = "key-of-the-server-api", "secret-between-the-two"


@pytest.fixture
async def around() -> AsyncIterator[Neighbours]:
    neighbours = Neighbours(KEY)
    async with neighbours.serving():
        yield neighbours


def backend(around: Neighbours, **times: float) -> ExternalBackend:
    settings = external_settings_from_environment(
        around.environment(api_key=KEY, proxy_secret=SECRET), port=0, book_updates_per_second=0.0
    )
    return ExternalBackend(settings, stop_times=StopTimes(**times))


async def call(served: ExternalBackend, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(f"{served.url}/proxy/rpc", json=body, headers=shown(SECRET), timeout=30)


async def test_a_call_under_way_is_answered_before_anything_is_stopped(around: Neighbours) -> None:
    around.answering.clear()
    async with backend(around) as served:
        under_way = asyncio.create_task(call(served, LOGIN))
        await around.asked.wait()
        draining = asyncio.create_task(served.drain())
        await asyncio.sleep(0)
        assert (await call(served, INFO)).status_code == 503
        assert not draining.done()
        around.answering.set()
        answer = await under_way
        await draining
        assert (answer.status_code, answer.json()["result"]["data"]["error"]["code"]) == (200, 26002)
        with pytest.raises(httpx.ConnectError):
            await call(served, INFO)


async def test_what_is_queued_is_sent_before_the_end(around: Neighbours) -> None:
    around.taking.clear()
    async with backend(around) as served:
        for number in range(1000):
            await served.publisher.publish("market:ticker:PAPER", b"%d" % number)
        draining = asyncio.create_task(served.drain())
        await asyncio.sleep(0)
        around.taking.set()
        await draining
    assert [publication["data"] for publication in around.publications][-1000:] == list(range(1000))


async def test_what_cannot_be_done_in_time_is_said(around: Neighbours, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="cadenza")
    around.answering.clear()
    around.taking.clear()
    async with backend(around, calls_seconds=0, publications_seconds=0) as served:
        under_way = asyncio.create_task(call(served, LOGIN))
        await around.asked.wait()
        await served.publisher.publish("c", b"1")
        served._server.hurry()  # the HTTP server's own grace is five seconds of nothing
        await served.drain()
        said = [record.getMessage() for record in caplog.records]
        assert said == [
            "1 calls were cut off: they took longer than 0 s",
            f"{served.publisher.waiting} publications were not sent within 0 s",
        ]
        around.answering.set()
        await asyncio.wait([under_way])
