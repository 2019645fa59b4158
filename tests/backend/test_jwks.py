"""The key set that the gateway is pointed at: always an answer in time, and a provider that is seldom asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.tokens.kit import Clock, Provider, key_for, remote, settled

from cadenza.backend import SECRET_HEADER, Backend, BackendConfig
from cadenza.backend.app import App
from cadenza.backend.jwks import STALE, UNREACHABLE, GatewayKeys
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.keys import parse_key_set

PATH = "/.well-known/jwks.json"
SECRET = "0123456789abcdef"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuing() -> Provider:
    return Provider(key_for())


@pytest.fixture
async def keys(issuing: Provider, clock: Clock) -> AsyncIterator[RemoteKeySet]:
    keys = remote(issuing, clock)
    yield keys
    await keys.aclose()


@pytest.fixture
async def served(keys: RemoteKeySet, clock: Clock) -> AsyncIterator[GatewayKeys]:
    """Waits for the provider as long as one turn of the loop and a bit, so that no test has to."""
    served = GatewayKeys(keys, monotonic=clock, wait_seconds=0.02)
    yield served
    await served.aclose()


def ids(document: bytes | None) -> set[str]:
    return set() if document is None else set(parse_key_set(document))


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
async def test_the_document_has_the_public_key_as_centrifugo_wants_it(
    served: GatewayKeys, issuing: Provider, alg: str
) -> None:
    key = key_for(alg)
    issuing.keys = [key]
    document = await served.document()
    assert document is not None
    [shown] = json.loads(document)["keys"]
    public = key.public_jwk()
    assert shown["use"] == "sig"  # Centrifugo passes over a key without
    assert shown == {name: public[name] for name in shown}
    assert {"d", "p", "q", "k"}.isdisjoint(shown)


async def test_an_outage_does_not_reach_the_gateway(served: GatewayKeys, issuing: Provider, clock: Clock) -> None:
    """Row A1: with the provider down for a minute during a mass reconnect, nobody is logged out."""
    assert ids(await served.document()) == {"key-1"}
    issuing.go_down()
    for _ in range(60):
        clock.advance(1)
        assert ids(await served.document()) == {"key-1"}
    assert issuing.fetches <= 3


async def test_a_provider_that_hangs_costs_a_request_a_moment_and_not_its_answer(
    served: GatewayKeys, issuing: Provider, clock: Clock
) -> None:
    """Row A1: Centrifugo waits one second; what hangs longer is "bad token" to it."""
    await served.document()
    issuing.answering.clear()
    clock.advance(3000)  # the keys' own ten minutes are long over
    assert [ids(answer) for answer in await asyncio.gather(*(served.document() for _ in range(20)))] == [{"key-1"}] * 20
    assert issuing.fetches == 2


async def test_fifty_unknown_keys_ask_the_provider_once(served: GatewayKeys, issuing: Provider, clock: Clock) -> None:
    """Row A3: 50 connects with random ``kid`` were 50 fetches, unauthenticated."""
    await served.document()
    clock.advance(30)
    await asyncio.gather(*(served.document() for _ in range(50)))
    assert issuing.fetches == 2


async def test_a_new_key_is_there_within_half_a_minute_and_a_withdrawn_one_is_gone(
    served: GatewayKeys, issuing: Provider, clock: Clock
) -> None:
    """Row A2."""
    await served.document()
    issuing.keys = [key_for(kid="key-2")]
    clock.advance(29)
    assert ids(await served.document()) == {"key-1"}
    clock.advance(1)
    assert ids(await served.document()) == {"key-2"}


async def test_whoever_watches_sees_a_withdrawal_within_a_second(
    served: GatewayKeys, issuing: Provider, clock: Clock
) -> None:
    """Row A2: and however often it looks, the provider is asked once a second."""
    await served.document(fresh=True)
    issuing.keys = [key_for(kid="key-2")]
    clock.advance(1)
    assert ids(await served.document(fresh=True)) == {"key-2"}
    for _ in range(50):
        await served.document(fresh=True)
    assert issuing.fetches == 2


async def test_keys_do_not_outlive_an_outage_without_end(served: GatewayKeys, issuing: Provider, clock: Clock) -> None:
    """Row A2: a key that was withdrawn meanwhile must not serve for ever."""
    await served.document()
    issuing.go_down()
    clock.advance(600 + 3600)
    assert await served.document() is None


async def test_with_nothing_to_serve_the_provider_is_asked_once_a_second_and_no_more(
    served: GatewayKeys, issuing: Provider, clock: Clock
) -> None:
    issuing.go_down()
    for _ in range(100):
        assert await served.document() is None
        clock.advance(0.05)
    assert issuing.fetches <= 6
    issuing.come_up()
    clock.advance(1)
    assert ids(await served.document()) == {"key-1"}


async def test_what_is_wrong_with_the_keys_is_known(served: GatewayKeys, issuing: Provider, clock: Clock) -> None:
    assert served.trouble == UNREACHABLE
    await served.document()
    assert served.trouble == ""
    issuing.go_down()
    clock.advance(30)
    assert ids(await served.document()) == {"key-1"}
    assert served.trouble == STALE
    issuing.come_up()
    clock.advance(30)
    await served.document()
    assert served.trouble == ""


async def test_closing_ends_a_question_under_way(served: GatewayKeys, issuing: Provider) -> None:
    issuing.answering.clear()
    assert await served.document() is None
    await served.aclose()
    await settled()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "cadenza.backend.jwks"]


# Over HTTP


@pytest.fixture
async def http(
    backend: Backend, config: BackendConfig, served: GatewayKeys, clock: Clock
) -> AsyncIterator[httpx.AsyncClient]:
    app = App(
        config,
        backend.handlers,
        parts=backend.parts,
        clock=clock,
        on_sessions_ended=backend.revocations.end,
        gateway_keys=served,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as client:
        yield client


async def test_the_gateway_fetches_the_keys_without_a_secret(http: httpx.AsyncClient) -> None:
    answer = await http.get(PATH)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=30"
    assert ids(answer.content) == {"key-1"}


@pytest.mark.parametrize(
    ("more", "fetches"),
    [
        ({}, 1),
        ({"Cache-Control": "no-cache"}, 1),
        ({"Cache-Control": "no-cache", SECRET_HEADER: "not-the-secret-of-both"}, 1),
        ({"Cache-Control": "no-cache", SECRET_HEADER: SECRET}, 2),
        ({SECRET_HEADER: SECRET}, 1),
    ],
)
async def test_a_fresh_look_is_for_those_who_share_the_secret(
    http: httpx.AsyncClient, issuing: Provider, clock: Clock, more: dict[str, str], fetches: int
) -> None:
    """Row A3: nobody else can have the provider asked."""
    await http.get(PATH)
    clock.advance(2)
    assert (await http.get(PATH, headers=more)).status_code == 200
    assert issuing.fetches == fetches


async def test_no_keys_is_a_503_that_says_when_to_come_back(http: httpx.AsyncClient, issuing: Provider) -> None:
    issuing.go_down()
    answer = await http.get(PATH)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json() == {"error": "the identity provider's keys cannot be had now"}


async def test_only_reading_is_allowed_and_only_under_a_name_of_ours(http: httpx.AsyncClient) -> None:
    refused = await http.post(PATH)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert (await http.get(PATH, headers={"Host": "evil.example"})).status_code == 421


async def test_without_a_key_set_there_is_no_such_page(backend: Backend) -> None:
    transport = httpx.ASGITransport(app=backend.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        assert (await client.get(PATH)).status_code == 404


async def test_a_backend_without_any_key_is_not_ready_and_one_with_old_ones_is(
    http: httpx.AsyncClient, backend: Backend, issuing: Provider, clock: Clock
) -> None:
    """Keys outlive the provider's outage, so calls should go to whoever holds some; asking is what fetches."""
    async with backend:
        issuing.go_down()
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["checks"]["keys"]) == (
            503,
            {"status": "unhealthy", "reason": UNREACHABLE},
        )
        issuing.come_up()
        clock.advance(1)
        assert (await http.get("/ready")).json()["checks"]["keys"] == {"status": "healthy"}
        issuing.go_down()
        clock.advance(30)
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["checks"]["keys"] == {"status": "degraded", "reason": STALE}
        assert (await http.get("/health")).json()["status"] == "healthy"
