"""The built-in test provider: whoever sits there says who they are, and the ordinary OpenID code believes it."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig
from cadenza.protocol.auth import pkce, requests

VERIFIER = "v" * 43
CHALLENGE = pkce.challenge_of(VERIFIER)
END = "http://127.0.0.1:53682/callback"
AT = "/auth/v1/test-provider/protocol/openid-connect"
ORIGIN = "http://127.0.0.1:54321"


def fields(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(parts.fragment, keep_blank_values=True))


@contextlib.asynccontextmanager
async def with_test_provider(make_provider: Any, **changes: Any) -> AsyncIterator[Any]:
    """A provider whose test provider is itself, asked without a socket."""
    found: dict[str, Any] = {}

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(found["app"]))

    async with make_provider(test_provider=True, make_client=client, **changes) as provider:
        found["app"] = provider.parts.app
        yield provider


@pytest.fixture
async def provider(make_provider: Any) -> Any:
    async with with_test_provider(make_provider) as provider:
        yield provider


async def page_of(provider: Any, **query: str) -> httpx.Response:
    asked = {"provider": "test", "redirect_to": END, "code_challenge": CHALLENGE, "code_challenge_method": "s256"}
    left = await provider.http.get("/authorize", params={**asked, **query})
    page: httpx.Response = await provider.http.get(left.headers["location"])
    return page


def form_of(page: httpx.Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in found}


async def decide(provider: Any, page: httpx.Response, *, origin: str = ORIGIN, **fields: str) -> httpx.Response:
    form = {**form_of(page), "name": "Ann", "email": "Ann@Example.com", "email_verified": "true", "decision": "allow"}
    answer: httpx.Response = await provider.http.post(
        f"{AT}/auth", data={**form, **fields}, headers={"origin": origin} if origin else {}
    )
    return answer


async def finished(provider: Any, decided: httpx.Response) -> dict[str, str]:
    """What the browser brings to the application."""
    back = await provider.http.get(decided.headers["location"])
    return fields(back.headers["location"])


async def test_whoever_sits_there_is_who_they_say(provider: Any) -> None:
    decided = await decide(provider, await page_of(provider))
    code = (await finished(provider, decided))["code"]

    session = (await provider.send(requests.pkce_grant(code, VERIFIER))).json()

    user = session["user"]
    assert (user["email"], user["user_metadata"]["name"]) == ("ann@example.com", "Ann")
    assert user["app_metadata"] == {"provider": "test", "providers": ["test"]}
    assert user["identities"][0]["identity_data"]["iss"] == f"{ORIGIN}/auth/v1/test-provider"
    assert session["provider_token"]


async def test_whoever_denies_comes_back_without_a_session(provider: Any) -> None:
    decided = await decide(provider, await page_of(provider), decision="deny")

    assert (await finished(provider, decided))["error"] == "access_denied"


async def test_an_address_that_is_not_verified_links_nobody(make_provider: Any) -> None:
    async with with_test_provider(make_provider, autoconfirm=False) as provider:
        decided = await decide(provider, await page_of(provider), email_verified="")

        assert (await finished(provider, decided))["error_code"] == "provider_email_needs_verification"


async def test_the_page_shows_what_it_was_told_as_text(provider: Any) -> None:
    page = await page_of(provider, login_hint='"><script>alert(1)</script>')

    assert page.status_code == 200
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:3000", "https://evil.test", "null"])
async def test_csrf_no_other_page_decides_for_whoever_sits_there(provider: Any, origin: str) -> None:
    assert (await decide(provider, await page_of(provider), origin=origin)).status_code == 403


async def test_a_form_that_was_changed_or_left_open_decides_nothing(provider: Any) -> None:
    page = await page_of(provider)

    assert (await decide(provider, page, redirect_uri="http://127.0.0.1:1/else")).status_code == 403
    provider.clock.advance(3600)
    assert (await decide(provider, page)).status_code == 403


@pytest.mark.parametrize(
    "uri", ["https://evil.test/", "http://127.0.0.1@evil.test/", "http://127.0.0.1:1\\@evil.test/", "javascript:x", ""]
)
async def test_a_browser_is_led_to_this_machine_only(provider: Any, uri: str) -> None:
    answer = await provider.http.get(
        f"{AT}/auth", params={"client_id": "x", "response_type": "code", "redirect_uri": uri}
    )

    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_what_the_client_asks_wrongly_is_told_to_the_client(provider: Any) -> None:
    asked = {"client_id": "x", "redirect_uri": "http://localhost:1/cb", "state": "s"}

    token = await provider.http.get(f"{AT}/auth", params={**asked, "response_type": "token"})
    silent = await provider.http.get(f"{AT}/auth", params={**asked, "response_type": "code", "prompt": "none"})

    assert fields(token.headers["location"])["error"] == "unsupported_response_type"
    assert fields(silent.headers["location"])["error"] == "interaction_required"


async def foreign_code(provider: Any, **changes: str) -> tuple[str, dict[str, str]]:
    """A code for another client on this machine, and the form that trades it."""
    asked = {"client_id": "kc-client", "response_type": "code", "redirect_uri": "http://localhost:1/cb"}
    page = await provider.http.get(f"{AT}/auth", params={**asked, "state": "s", "nonce": "n"})
    code = fields((await decide(provider, page)).headers["location"])["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"]}
    return code, {**form, "client_id": "kc-client", "client_secret": "any", **changes}


async def test_a_code_is_good_once_and_its_second_use_ends_the_token_of_the_first(provider: Any) -> None:
    _, form = await foreign_code(provider)
    token = (await provider.http.post(f"{AT}/token", data=form)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await provider.http.get(f"{AT}/userinfo", headers=bearer)).json()["email"] == "ann@example.com"

    replay = await provider.http.post(f"{AT}/token", data=form)

    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    assert (await provider.http.get(f"{AT}/userinfo", headers=bearer)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client"),
        ({"redirect_uri": "http://localhost:2/cb"}, "invalid_grant"),
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_traded_only_as_it_was_asked_for(provider: Any, changes: dict[str, str], error: str) -> None:
    _, form = await foreign_code(provider, **changes)

    assert (await provider.http.post(f"{AT}/token", data=form)).json()["error"] == error


async def test_a_code_lives_a_minute(provider: Any) -> None:
    _, form = await foreign_code(provider)
    provider.clock.advance(61)

    assert (await provider.http.post(f"{AT}/token", data=form)).json()["error"] == "invalid_grant"


async def test_dns_rebinding_the_page_is_not_shown_under_a_strangers_name(provider: Any) -> None:
    asked = {"client_id": "x", "response_type": "code", "redirect_uri": "http://127.0.0.1:1/cb"}

    for path in (f"{AT}/auth", "/authorize", "/callback"):
        answer = await provider.http.get(path, params=asked, headers={"host": "evil.test:54321"})
        assert answer.status_code == 421


async def test_there_is_no_test_provider_unless_asked_for(make_provider: Any) -> None:
    async with make_provider() as provider:
        assert (await provider.http.get(f"{AT}/auth")).status_code == 404
        answer = await provider.http.get("/authorize", params={"provider": "test"})
        assert answer.json()["msg"] == "Unsupported provider: Provider test could not be found"


def test_it_is_not_served_beyond_loopback(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="test_provider"):
        IdentityConfig(data_dir=tmp_path, host="0.0.0.0", allow_beyond_loopback=True, test_provider=True)  # noqa: S104 - refused
