"""Row A2: a key that is withdrawn is noticed; a key set that cannot be had, or has a new key, is no withdrawal."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from cadenza.errors import ProtocolError
from cadenza.gateway.centrifugo.key_watch import KeyWatch, fetch_keys
from cadenza.tokens.signer import SigningKey

ONE, TWO = (SigningKey.generate("ES256", kid=kid) for kid in ("one", "two"))
ANOTHER_ONE = SigningKey.generate("ES256", kid="one")


def key_set(*keys: SigningKey) -> bytes:
    return json.dumps({"keys": [key.public_jwk() for key in keys]}).encode()


class Provider:
    """Answers one look after another."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)

    async def __call__(self) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("looks", "withdrawals"),
    [
        ([key_set(ONE), key_set(ONE)], [0, 0]),
        ([key_set(ONE), key_set(ONE, TWO), key_set(TWO)], [0, 0, 1]),
        ([key_set(ONE, TWO), key_set(TWO), key_set(TWO)], [0, 1, 1]),
        ([key_set(ONE), key_set(ANOTHER_ONE)], [0, 1]),
        ([key_set(ONE), key_set()], [0, 1]),
        ([key_set(ONE), httpx.ConnectError("down"), key_set(ONE)], [0, 0, 0]),
        ([key_set(ONE), httpx.ReadTimeout("slow"), key_set(TWO)], [0, 0, 1]),
        ([key_set(ONE), ProtocolError("503"), b"<html>", key_set(ONE)], [0, 0, 0, 0]),
        ([httpx.ConnectError("down"), key_set(ONE)], [0, 0]),
    ],
)
async def test_only_a_key_that_is_gone_is_a_withdrawal(looks: list[bytes | Exception], withdrawals: list[int]) -> None:
    """Row A2."""
    told: list[None] = []
    watch = KeyWatch(Provider(*looks), withdrawn=lambda: told.append(None), interval_seconds=1)
    seen = []
    for _ in looks:
        await watch.look()
        seen.append(len(told))
    assert seen == withdrawals


async def test_it_looks_again_after_each_interval() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    watch = KeyWatch(Provider(*[key_set(ONE)] * 3), withdrawn=lambda: None, interval_seconds=2.5, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await watch.run()
    assert slept == [2.5] * 3


@pytest.mark.parametrize(("status", "body"), [(503, b""), (302, b""), (200, b" " * 70_000)])
async def test_what_is_no_key_set_is_not_taken_for_one(status: int, body: bytes) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"Location": "http://elsewhere"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(ProtocolError):
            await fetch_keys("http://backend:8080/jwks.json", client)()


async def test_the_backend_alone_is_shown_the_headers() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=key_set(ONE))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        assert await fetch_keys("http://b/jwks", client, headers={"X-Secret": "s"})() == key_set(ONE)
        await fetch_keys("http://b/jwks", client)()
    assert seen[0].headers["X-Secret"] == "s"
    assert "X-Secret" not in seen[1].headers
