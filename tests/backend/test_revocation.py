"""A session ends: its calls are refused, its sockets closed and nobody else's, and its token finds no way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from cadenza.backend import SECRET_HEADER, Backend
from cadenza.backend.revocation import Revocations, session_channel
from cadenza.protocol.proxy import Peer, RpcRequest, SubscribeRequest

LIFETIME = 3600.0
CLOSED = (4500, "session revoked")
SECRET = "0123456789abcdef"


class Moments:
    """Sleeping that ends when it is told to; time passes by as much as was slept."""

    def __init__(self, time: Any) -> None:
        self._time = time
        self._asleep: list[tuple[float, asyncio.Future[None]]] = []

    async def __call__(self, seconds: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asleep.append((self._time.now + seconds, waiting))
        await waiting

    async def pass_by(self, seconds: float) -> None:
        await settled()
        self._time.now += seconds
        for at, waiting in list(self._asleep):
            if at <= self._time.now and not waiting.done():
                waiting.set_result(None)
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def moments(time: Any) -> Moments:
    return Moments(time)


@pytest.fixture
async def revocations(sockets: Any, time: Any, moments: Moments) -> AsyncIterator[Revocations]:
    made = Revocations(sockets, monotonic=time, token_lifetime_seconds=LIFETIME, max_sessions=3, sleep=moments)
    await made.start()
    yield made
    await made.stop()


async def test_a_sessions_sockets_are_closed_within_a_second_and_no_others(
    revocations: Revocations, sockets: Any, moments: Moments
) -> None:
    sockets.channels = {session_channel("s1"): {"c1": "ann", "c2": "ann"}, session_channel("s2"): {"c3": "ann"}}
    revocations.end(["s1"])
    assert sockets.closed == []  # the answer to the sign-out has to get out first
    await moments.pass_by(0.2)
    assert sockets.closed == [("c1", *CLOSED), ("c2", *CLOSED)]
    assert revocations.has_ended("s1")
    assert not revocations.has_ended("s2")


async def test_settling_waits_until_what_is_to_be_closed_is_closed(
    revocations: Revocations, sockets: Any, moments: Moments
) -> None:
    sockets.channels = {session_channel("s1"): {"c1": "ann"}}
    revocations.end(["s1"])
    settling = asyncio.create_task(revocations.settle())
    await settled()
    assert not settling.done()
    await moments.pass_by(0.2)
    await settling
    assert sockets.closed == [("c1", *CLOSED)]
    await revocations.settle()


async def test_a_token_that_connects_again_and_says_nothing_is_found_by_the_sweep(
    revocations: Revocations, sockets: Any, moments: Moments
) -> None:
    revocations.end(["s1"])
    await moments.pass_by(1)
    sockets.channels = {session_channel("s1"): {"late": "ann"}}
    await moments.pass_by(4)
    assert sockets.closed == [("late", *CLOSED)]
    sockets.channels = {session_channel("s1"): {"later": "ann"}}
    await moments.pass_by(5)
    assert sockets.closed[1:] == [("later", *CLOSED)]


async def test_a_session_is_forgotten_when_no_token_of_it_can_be_left(
    revocations: Revocations, sockets: Any, moments: Moments
) -> None:
    revocations.end(["s1"])
    await moments.pass_by(LIFETIME + 1)
    assert not revocations.has_ended("s1")
    sockets.channels = {session_channel("s1"): {"c1": "ann"}}
    await moments.pass_by(10)
    assert sockets.closed == []


async def test_a_gateway_that_is_away_is_asked_again(revocations: Revocations, sockets: Any, moments: Moments) -> None:
    sockets.channels = {session_channel("s1"): {"c1": "ann"}}
    sockets.broken = True
    revocations.end(["s1"])
    await moments.pass_by(0.2)
    assert sockets.closed == []
    sockets.broken = False
    await moments.pass_by(4)
    assert sockets.closed == [("c1", *CLOSED)]


async def test_all_of_a_user_ends_but_for_the_session_that_asked(
    revocations: Revocations, sockets: Any, moments: Moments
) -> None:
    sockets.channels = {session_channel("own"): {"c1": "ann"}}
    revocations.end_user("ann", but="own")
    revocations.end_user("bob")
    await moments.pass_by(0.2)
    assert sockets.users_closed == [("ann", *CLOSED, ("c1",)), ("bob", *CLOSED, ())]


async def test_the_number_of_sessions_remembered_is_bounded(revocations: Revocations) -> None:
    for number in range(5):
        revocations.end([f"s{number}", ""])
    assert [revocations.has_ended(f"s{number}") for number in range(5)] == [False, False, True, True, True]
    assert not revocations.has_ended("")
    assert not revocations.has_ended(None)


# At the proxies


async def test_an_ended_sessions_call_is_refused_and_closes_its_socket(
    backend: Backend, sockets: Any, until: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    backend.revocations.end(["s1"])
    meta = msgspec.Raw(b'{"session_id":"s1","aal":"aal1","role":"authenticated"}')
    request = RpcRequest(client="c1", user="ann", method="query.ticker.list", data=msgspec.Raw(b"{}"), meta=meta)
    response = await backend.handlers.rpc(request, Peer())
    assert response.result is not None
    assert json.loads(bytes(response.result.data))["error"]["code"] == 26007
    await until(lambda: ("c1", *CLOSED) in sockets.closed)


async def test_an_ended_sessions_subscription_is_answered_by_the_disconnect(backend: Backend) -> None:
    backend.revocations.end(["s1"])
    meta = msgspec.Raw(b'{"session_id":"s1","aal":"aal1","role":"authenticated"}')
    channel = "market:ticker:PAPER:BTC/USDT"
    response = await backend.handlers.subscribe(
        SubscribeRequest(client="c1", user="ann", channel=channel, meta=meta), Peer()
    )
    assert response.disconnect is not None
    assert (response.disconnect.code, response.disconnect.reason) == CLOSED
    other = msgspec.Raw(b'{"session_id":"s2","aal":"aal1","role":"authenticated"}')
    response = await backend.handlers.subscribe(
        SubscribeRequest(client="c2", user="ann", channel=channel, meta=other), Peer()
    )
    assert response.disconnect is None


# Told by the provider's database


@pytest.fixture
async def http(backend: Backend) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=backend.app)
    headers = {SECRET_HEADER: SECRET}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    "told",
    [
        {"sessionIds": ["s1"]},
        # What a Database Webhook of Supabase sends.
        {"type": "DELETE", "table": "sessions", "schema": "auth", "record": None, "old_record": {"id": "s1", "aal": 1}},
    ],
)
async def test_a_deleted_row_ends_the_session(backend: Backend, http: httpx.AsyncClient, told: Any) -> None:
    answer = await http.post("/hooks/sessions-ended", json=told)
    assert answer.status_code == 200
    assert backend.revocations.has_ended("s1")


async def test_without_the_secret_nobody_ends_a_session(backend: Backend, http: httpx.AsyncClient) -> None:
    for secret in ("", SECRET[:-1]):
        answer = await http.post("/hooks/sessions-ended", json={"sessionIds": ["s1"]}, headers={SECRET_HEADER: secret})
        assert answer.status_code == 401
    assert not backend.revocations.has_ended("s1")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"sessionIds": [5]}', b'{"old_record": null}', b"[" * 100_000])
async def test_another_body_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/hooks/sessions-ended", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "sessionIds" in answer.json()["error"]
