"""Publishing over the server API: order, batches, retries, the bound on the queue, and no key in any log."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from cadenza.backend.api_keys import ApiKeys
from cadenza.backend.publisher import ApiPublisher

KEY = "the-api-key"
Until = Callable[[Callable[[], bool]], Awaitable[None]]
Answer = Callable[[httpx.Request], httpx.Response]


class Gateway:
    """Answers the server API from a script; afterwards as Centrifugo does."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.script: list[Answer] = []
        self.has_batch = True
        self.arrived = asyncio.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.arrived.set()
        if self.script:
            return self.script.pop(0)(request)
        body = json.loads(request.content)
        if request.url.path == "/api/publish":
            return httpx.Response(200, json={"result": {"offset": 1, "epoch": "x"}})
        if not self.has_batch:
            return httpx.Response(404, text="404 page not found")
        return httpx.Response(200, json={"replies": [{"publish": {"offset": 1}} for _ in body["commands"]]})

    def publications(self) -> list[dict[str, Any]]:
        found = []
        for request in self.requests:
            body = json.loads(request.content)
            found += [command["publish"] for command in body["commands"]] if "commands" in body else [body]
        return found


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as client:
        yield client


class Naps:
    """Stands for ``asyncio.sleep``: remembers how long, waits not at all."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def publisher(client: httpx.AsyncClient, naps: Naps | None = None, **options: Any) -> ApiPublisher:
    return ApiPublisher("http://gateway/api", ApiKeys(KEY), client, sleep=naps or Naps(), **options)


async def test_one_publication_goes_to_publish_with_the_key_and_its_bytes_untouched(
    gateway: Gateway, client: httpx.AsyncClient, until: Until
) -> None:
    async with publisher(client) as api:
        await api.publish("market:ticker:PAPER", b'{ "n": 1.50 }', tags={"seq": "r:1"})
        await until(lambda: api.published == 1)
    [request] = gateway.requests
    assert request.url.path == "/api/publish"
    assert request.headers["X-API-Key"] == KEY
    assert request.content == b'{"channel":"market:ticker:PAPER","data":{ "n": 1.50 },"tags":{"seq":"r:1"}}'


async def test_several_waiting_publications_go_in_one_batch_in_order(
    gateway: Gateway, client: httpx.AsyncClient, until: Until
) -> None:
    api = publisher(client)
    for n in range(5):
        await api.publish("c", b'{"n":%d}' % n)
    async with api:
        await until(lambda: api.published == 5)
    assert [request.url.path for request in gateway.requests] == ["/api/batch"]
    assert gateway.publications() == [{"channel": "c", "data": {"n": n}} for n in range(5)]


async def test_a_batch_is_no_longer_than_allowed(gateway: Gateway, client: httpx.AsyncClient, until: Until) -> None:
    api = publisher(client, max_batch=2)
    for n in range(5):
        await api.publish("c", b"%d" % n)
    async with api:
        await until(lambda: api.published == 5)
    assert [publication["data"] for publication in gateway.publications()] == [0, 1, 2, 3, 4]
    assert len(gateway.requests) == 3


async def test_a_gateway_without_batches_gets_them_one_by_one(
    gateway: Gateway, client: httpx.AsyncClient, until: Until
) -> None:
    gateway.has_batch = False
    api = publisher(client)
    for n in range(3):
        await api.publish("c", b"%d" % n)
    async with api:
        await until(lambda: api.published == 3)
        await api.publish("c", b"3")
        await until(lambda: api.published == 4)
    assert [request.url.path for request in gateway.requests] == ["/api/batch"] + ["/api/publish"] * 4


def _breaks(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    "failure",
    [
        _breaks,
        lambda _: httpx.Response(503),
        lambda _: httpx.Response(429),
        lambda _: httpx.Response(200, json={"error": {"code": 100, "message": "internal server error"}}),
    ],
    ids=["connect", "503", "429", "error 100"],
)
async def test_a_temporary_failure_is_tried_again_after_growing_pauses(
    gateway: Gateway, client: httpx.AsyncClient, until: Until, failure: Answer
) -> None:
    naps = Naps()
    gateway.script = [failure, failure]
    async with publisher(client, naps, backoff_seconds=0.1) as api:
        await api.publish("c", b"1")
        await until(lambda: api.published == 1)
        assert api.healthy
    assert naps.seconds == [0.1, 0.2]
    assert (api.failed, api.dropped) == (0, 0)


async def test_after_the_last_attempt_the_batch_goes_and_the_next_is_sent(
    gateway: Gateway, client: httpx.AsyncClient, until: Until
) -> None:
    gateway.script = [_breaks] * 3
    async with publisher(client, attempts=3) as api:
        await api.publish("c", b"1")
        await until(lambda: api.failed == 1)
        assert not api.healthy
        await api.publish("c", b"2")
        await until(lambda: api.published == 1)
    assert gateway.publications()[-1]["data"] == 2


@pytest.mark.parametrize(
    "refusal",
    [lambda _: httpx.Response(401), lambda _: httpx.Response(400), lambda _: httpx.Response(200, text="<html>")],
    ids=["wrong key", "bad request", "not Centrifugo"],
)
async def test_a_final_refusal_is_not_repeated(
    gateway: Gateway, client: httpx.AsyncClient, until: Until, refusal: Answer
) -> None:
    gateway.script = [refusal]
    async with publisher(client) as api:
        await api.publish("c", b"1")
        await until(lambda: api.failed == 1)
    assert len(gateway.requests) == 1
    assert not api.healthy


async def test_one_refused_publication_in_a_batch_does_not_cost_the_others(
    gateway: Gateway, client: httpx.AsyncClient, until: Until
) -> None:
    gateway.script = [
        lambda _: httpx.Response(
            200, json={"replies": [{"publish": {}}, {"error": {"code": 102, "message": "unknown channel"}}]}
        )
    ]
    api = publisher(client)
    await api.publish("c", b"1")
    await api.publish("nosuch:c", b"2")
    async with api:
        await until(lambda: api.published == 1)
    assert (api.published, api.failed) == (1, 1)


async def test_a_full_queue_drops_its_oldest(gateway: Gateway, client: httpx.AsyncClient, until: Until) -> None:
    api = publisher(client, max_queue=3)
    for n in range(5):
        await api.publish("c", b"%d" % n)
    assert api.dropped == 2
    async with api:
        await until(lambda: api.published == 3)
    assert [publication["data"] for publication in gateway.publications()] == [2, 3, 4]


async def test_stopping_leaves_no_task_and_no_queue_behind(gateway: Gateway, client: httpx.AsyncClient) -> None:
    before = asyncio.all_tasks()
    api = publisher(client)
    await api.start()
    await api.start()
    await api.stop()
    await api.stop()
    await api.publish("c", b"1")
    assert asyncio.all_tasks() == before
    assert gateway.requests == []


async def test_flushing_waits_until_the_last_publication_was_sent(gateway: Gateway, client: httpx.AsyncClient) -> None:
    async with publisher(client, max_batch=2) as api:
        for n in range(5):
            await api.publish("c", b"%d" % n)
        assert api.waiting == 5
        await api.flush()
        assert [publication["data"] for publication in gateway.publications()] == [0, 1, 2, 3, 4]
        assert api.waiting == 0
        await api.flush()


async def test_what_is_given_up_is_not_waited_for(gateway: Gateway, client: httpx.AsyncClient) -> None:
    gateway.script = [_breaks] * 2
    async with publisher(client, attempts=2) as api:
        await api.publish("c", b"1")
        await api.flush()
    assert api.failed == 1


async def test_failures_are_logged_once_and_never_with_the_key(
    gateway: Gateway, client: httpx.AsyncClient, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="cadenza")
    gateway.script = [_breaks] * 4
    async with publisher(client, attempts=4) as api:
        await api.publish("c", b'{"private":1}')
        await until(lambda: api.failed == 1)
        await api.publish("c", b"2")
        await until(lambda: api.published == 1)
    assert [record.getMessage() for record in caplog.records] == [
        "publishing failed: ConnectError",
        "publishing works again",
    ]
    assert KEY not in caplog.text
    assert "private" not in caplog.text
