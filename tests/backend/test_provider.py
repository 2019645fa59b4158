"""The identity provider over HTTP: recorded answers become the contract's entities, refusals its codes."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cadenza.backend.provider import HttpIdentityProvider
from cadenza.errors import RpcError
from cadenza.schema.auth import LogoutScope

DATA = Path(__file__).parents[1] / "data" / "backend" / "supabase-auth-exchanges.jsonl"
URL = "http://identity/auth/v1"
Answer = Callable[[httpx.Request], httpx.Response]


def recorded(name: str) -> dict[str, Any]:
    for line in DATA.read_text().splitlines():
        exchange: dict[str, Any] = json.loads(line)
        if exchange["name"] == name:
            return exchange
    raise LookupError(name)


def answer_of(name: str) -> httpx.Response:
    response = recorded(name)["response"]
    body = response["body"]
    return httpx.Response(
        response["status"],
        headers={k: v for k, v in response["headers"].items() if k.lower() != "content-length"},
        content=b"" if body in ("", None) else json.dumps(body).encode(),
    )


class Identity:
    """Answers with what it is given, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Answer = lambda _: httpx.Response(204)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


@pytest.fixture
def identity() -> Identity:
    return Identity()


@pytest.fixture
async def http(identity: Identity) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(identity)) as client:
        yield client


@pytest.fixture
def provider(http: httpx.AsyncClient) -> HttpIdentityProvider:
    return HttpIdentityProvider(URL, http, api_key="publishable", address_header="X-Forwarded-For")


async def test_a_login_is_the_recorded_request_and_its_session_the_contracts(
    provider: HttpIdentityProvider, identity: Identity
) -> None:
    identity.answer = lambda _: answer_of("password_ok")
    session = await provider.login("ann@example.com", "pässword", address="203.0.113.9")
    [request] = identity.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/token?grant_type=password")
    assert json.loads(request.content) == {"email": "ann@example.com", "password": "pässword"}
    assert request.headers["apikey"] == "publishable"
    assert request.headers["X-Forwarded-For"] == "203.0.113.9"
    assert request.headers["X-Supabase-Api-Version"] == "2024-01-01"
    body = recorded("password_ok")["response"]["body"]
    assert (session.access_token, session.refresh_token) == (body["access_token"], body["refresh_token"])
    assert (session.token_type, session.expires_in, session.expires_at) == ("bearer", 3600, body["expires_at"])
    assert session.user is not None
    assert (session.user.id, session.user.email, session.user.phone) == (
        body["user"]["id"],
        body["user"]["email"],
        None,
    )
    assert session.user.email_confirmed_at == body["user"]["email_confirmed_at"]
    assert session.user.identities is not None
    assert session.user.identities[0].provider == "email"


async def test_without_key_and_address_neither_header_is_sent(identity: Identity, http: httpx.AsyncClient) -> None:
    identity.answer = lambda _: answer_of("refresh_ok")
    session = await HttpIdentityProvider(URL + "/", http).refresh("old", address="203.0.113.9")
    [request] = identity.requests
    assert str(request.url) == f"{URL}/token?grant_type=refresh_token"
    assert "apikey" not in request.headers
    assert "X-Forwarded-For" not in request.headers
    assert session.refresh_token == recorded("refresh_ok")["response"]["body"]["refresh_token"]


async def test_signup_is_a_session_or_only_the_user_when_it_needs_confirmation(
    provider: HttpIdentityProvider, identity: Identity
) -> None:
    identity.answer = lambda _: answer_of("signup_ok_autoconfirm")
    session = await provider.signup("ann@example.com", "long-enough", {"name": "Ann"})
    assert json.loads(identity.requests[0].content) == {
        "email": "ann@example.com",
        "password": "long-enough",
        "data": {"name": "Ann"},
    }
    assert session.access_token
    for name in ("signup_needs_confirmation", "signup_duplicate_confirmed_user_obfuscated"):
        identity.answer = lambda _, name=name: answer_of(name)  # type: ignore[misc]  # the loop's own name, bound now
        session = await provider.signup("ann@example.com", "long-enough", None)
        assert session.access_token is None
        assert session.user is not None
        assert session.user.id == recorded(name)["response"]["body"]["id"]


async def test_logout_and_user_send_the_bearer(provider: HttpIdentityProvider, identity: Identity) -> None:
    identity.answer = lambda _: answer_of("logout_local")
    await provider.logout("the-token", LogoutScope.OTHERS)
    identity.answer = lambda _: answer_of("user_get_ok")
    user = await provider.user("the-token")
    assert [str(request.url) for request in identity.requests] == [f"{URL}/logout?scope=others", f"{URL}/user"]
    assert all(request.headers["Authorization"] == "Bearer the-token" for request in identity.requests)
    assert user.role == "authenticated"


@pytest.mark.parametrize(
    ("metadata", "tenant", "environments"),
    [
        ({"provider": "email"}, None, None),
        ({"tenantId": "t", "environments": ["uat", "prod"]}, "t", ("uat", "prod")),
        ({"tenantId": 5, "environments": "uat"}, None, None),
        ({"environments": ["uat", 7, None]}, None, ("uat",)),
    ],
)
async def test_what_operators_put_into_app_metadata_never_breaks_the_contract(
    provider: HttpIdentityProvider, identity: Identity, metadata: object, tenant: object, environments: object
) -> None:
    body = recorded("user_get_ok")["response"]["body"] | {"app_metadata": metadata}
    identity.answer = lambda _: httpx.Response(200, json=body)
    user = await provider.user("t")
    assert user.app_metadata is not None
    assert (user.app_metadata.tenant_id, user.app_metadata.environments) == (tenant, environments)


@pytest.mark.parametrize(
    ("name", "code", "field"),
    [
        ("password_wrong", 26002, None),
        ("password_wrong_no_api_version", 26002, None),
        ("password_email_not_confirmed", 26009, "email"),
        ("password_banned", 26005, None),
        ("signup_duplicate_autoconfirm", 26011, "email"),
        ("signup_duplicate_no_api_version", 26011, "email"),
        ("signup_weak_password", 26010, "password"),
        ("signup_password_too_long", 22015, None),
        ("signup_invalid_email", 22015, None),
        ("signup_disabled", 26005, None),
        ("signup_repeat_unconfirmed", 26008, None),
        ("rate_limit_token_30", 26008, None),
        ("refresh_unknown", 26007, "refreshToken"),
        ("refresh_grandparent_reuse_after_interval", 26007, "refreshToken"),
        ("session_expired_timebox", 26007, "refreshToken"),
        ("refresh_malformed", 22015, None),
        ("refresh_banned", 26005, None),
        ("user_get_bad_jwt", 26004, "accessToken"),
        ("user_get_no_auth", 26004, "accessToken"),
        ("user_get_unknown_sub", 26004, None),
        ("user_get_unknown_session", 26007, None),
        ("logout_again", 26007, None),
    ],
)
async def test_recorded_refusals_have_the_contracts_codes(
    provider: HttpIdentityProvider, identity: Identity, name: str, code: int, field: str | None
) -> None:
    identity.answer = lambda _: answer_of(name)
    with pytest.raises(RpcError) as caught:
        await provider.login("ann@example.com", "p")
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.temporary is (code == 26008)


async def test_a_rate_limit_says_how_long_to_wait(provider: HttpIdentityProvider, identity: Identity) -> None:
    identity.answer = lambda _: httpx.Response(429, headers={"Retry-After": "17"}, text="slow down")
    with pytest.raises(RpcError) as caught:
        await provider.login("ann@example.com", "p")
    assert (caught.value.code, caught.value.retry_after_seconds) == (26008, 17)


def breaks(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        breaks,
        lambda _: httpx.Response(500, text="<html>"),
        lambda _: httpx.Response(502),
        lambda _: httpx.Response(200, text="<html>not Supabase</html>"),
        lambda _: httpx.Response(200, json={"access_token": "S3CRET", "expires_in": "soon"}),
        lambda _: httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        lambda _: httpx.Response(404, text="404 page not found"),
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"S3CRET, not gzip"),
    ],
    ids=["connect", "500", "502", "html", "wrong form", "redirect", "wrong path", "broken compression"],
)
async def test_a_provider_that_cannot_answer_is_temporary_or_wrong_but_never_a_leak(
    provider: HttpIdentityProvider, identity: Identity, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    identity.answer = answer
    with caplog.at_level(logging.DEBUG, logger="cadenza"), pytest.raises(RpcError) as caught:
        await provider.login("ann@example.com", "S3CRET-password")
    assert caught.value.code == 19006
    assert caught.value.__cause__ is None
    assert "S3CRET" not in str(caught.value)
    assert caplog.text == ""


async def test_a_provider_that_hangs_is_given_up_in_time(http: httpx.AsyncClient) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as client, asyncio.timeout(5):
        provider = HttpIdentityProvider(URL, client, timeout_seconds=0.01)
        with pytest.raises(RpcError) as caught:
            await provider.refresh("r")
    assert (caught.value.code, caught.value.temporary) == (19006, True)
