"""Secret and key between gateway and backend are replaced while both are in use: old and new are good, for a while."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cadenza.backend.api_keys import ApiKeys
from cadenza.backend.proxy_secret import ProxySecret

NEW, OLD = "new-secret-of-the-gateway", "old-secret-of-the-gateway"


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("given", "shown"), [(NEW, True), (OLD, True), ("", False), (NEW[:-1], False), (OLD + "x", False)]
)
def test_the_new_secret_is_taken_and_the_previous_one_too(given: str, shown: bool, time: Any) -> None:  # noqa: FBT001 - a parameter of a test
    assert ProxySecret(NEW, OLD, clock=time).is_shown_by(given.encode()) is shown


def test_outside_a_rotation_there_is_one_secret(time: Any, caplog: pytest.LogCaptureFixture) -> None:
    secret = ProxySecret(NEW, None, clock=time)
    assert secret.is_shown_by(NEW.encode())
    assert not secret.is_shown_by(OLD.encode())
    assert messages(caplog) == []


def test_that_a_gateway_still_shows_the_previous_one_is_said_once_a_minute(
    time: Any, caplog: pytest.LogCaptureFixture
) -> None:
    secret = ProxySecret(NEW, OLD, clock=time)
    for _ in range(121):
        secret.is_shown_by(OLD.encode())
        secret.is_shown_by(NEW.encode())
        time.now += 1
    assert len(messages(caplog)) == 3
    assert "previous proxy secret" in caplog.text
    assert OLD not in caplog.text


class Gateway:
    """Takes some keys, and remembers which it was shown."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)
        self.shown: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.shown.append(request.headers["X-API-Key"])
        assert request.content == b"{}"
        return httpx.Response(200 if self.shown[-1] in self.taken else 401)


def calling(gateway: Gateway, keys: ApiKeys) -> Callable[[], Any]:
    http = httpx.AsyncClient(transport=httpx.MockTransport(gateway))

    async def call() -> int:
        return (await http.post("http://gateway/api/publish", content=b"{}", auth=keys)).status_code

    return call


async def test_what_a_gateway_refuses_with_the_new_key_is_sent_again_with_the_previous_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="cadenza")
    gateway = Gateway(OLD)
    call = calling(gateway, ApiKeys(NEW, OLD))
    assert [await call(), await call()] == [200, 200]
    assert gateway.shown == [NEW, OLD, OLD]

    gateway.taken = {NEW}
    assert [await call(), await call()] == [200, 200]
    assert gateway.shown[3:] == [OLD, NEW, NEW]
    assert ["refuses the new key" in line for line in messages(caplog)] == [True, False]
    assert "takes the new key" in messages(caplog)[1]
    assert OLD not in caplog.text
    assert NEW not in caplog.text


async def test_a_gateway_that_takes_neither_is_asked_no_third_time(caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway()
    call = calling(gateway, ApiKeys(NEW, OLD))
    assert await call() == 401
    assert gateway.shown == [NEW, OLD]
    assert messages(caplog) == []


async def test_outside_a_rotation_a_refusal_is_a_refusal() -> None:
    gateway = Gateway(OLD)
    assert await calling(gateway, ApiKeys(NEW))() == 401
    assert gateway.shown == [NEW]


def test_keys_are_not_shown() -> None:
    assert NEW not in repr(ApiKeys(NEW, OLD))
