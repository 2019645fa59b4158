"""Any OpenID issuer is asked as it wants to be; nothing it says leads us elsewhere; what cannot work is refused."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.identity.internet import (
    NOW,
    SECRETS,
    Answers,
    Internet,
    discovery,
    found,
    id_token,
    leads_to,
    profile_of,
)

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, OAuthProvider
from cadenza.identity.providers import CodeFlow, OidcProvider, ProviderError, Providers, Tokens
from cadenza.identity.providers.web import Web, require_safe


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[CodeFlow, Internet]]:
    def make(name: str, answers: Answers, **settings: Any) -> tuple[CodeFlow, Internet]:
        internet = Internet(answers)
        settings = {"client_id": "ours", "client_secret": "secret", **settings}
        return found(tmp_path, internet, OAuthProvider(name=name, **settings)), internet

    return make


ISSUER = "https://sso.example"


async def test_any_issuer_is_asked_with_pkce_and_a_nonce(make: Any) -> None:
    sso, _ = make("sso", discovery(ISSUER), url=ISSUER, scopes=("groups",))

    where, query = await leads_to(sso, prompt="login", STATE="forged", redirect_uri="https://evil.test")

    assert where == f"{ISSUER}/authorize"
    assert query == {
        "client_id": "ours",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "nonce": "n1",
        "prompt": "login",
        "redirect_uri": "http://127.0.0.1:54321/auth/v1/callback",
        "response_type": "code",
        "scope": "openid email profile groups more",
        "state": "s",
    }


@pytest.mark.parametrize("methods", [None, ["client_secret_post"], ["client_secret_basic"]])
async def test_the_client_proves_itself_as_the_issuer_wants_it(make: Any, methods: list[str] | None) -> None:
    changes = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    answers = {**discovery(ISSUER, **changes), f"{ISSUER}/token": {"access_token": "at", "id_token": "x"}}
    sso, internet = make("sso", answers, url=ISSUER, client_secret="s+/:")

    await sso.redeem("code", SECRETS)

    sent = internet.asked[-1]
    form = {name: values[0] for name, values in parse_qs(sent.content.decode()).items()}
    assert form["code_verifier"] == SECRETS.verifier
    if methods == ["client_secret_post"]:
        assert (form["client_id"], form["client_secret"]) == ("ours", "s+/:")
    else:  # what an issuer that says nothing wants
        assert base64.b64decode(sent.headers["authorization"].removeprefix("Basic ")) == b"ours:s%2B%2F%3A"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.test"}, "issuer"),
        ({"aud": "another"}, "another client"),
        ({"nonce": "theirs"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": int(NOW) - 60}, "expired"),
        ({"at_hash": "AAAA"}, "another access token"),
    ],
)
async def test_an_id_token_that_is_not_of_this_flow_is_not_believed(
    make: Any, claims: dict[str, Any], why: str
) -> None:
    sso, _ = make("sso", discovery(ISSUER), url=ISSUER)

    with pytest.raises(ProviderError, match=why):
        await profile_of(sso, token=id_token(ISSUER, email="ann@example.com", **claims))


async def test_userinfo_is_asked_where_the_token_has_no_address_and_must_be_about_the_same(make: Any) -> None:
    answers = {**discovery(ISSUER), f"{ISSUER}/userinfo": {"sub": "s1", "email": "a@b.test", "email_verified": True}}
    sso, internet = make("sso", answers, url=ISSUER)

    assert (await profile_of(sso, token=id_token(ISSUER))).emails[0].address == "a@b.test"

    internet.answers[f"{ISSUER}/userinfo"] = {"sub": "s2", "email": "a@b.test"}
    with pytest.raises(ProviderError, match="somebody else"):
        await profile_of(sso, token=id_token(ISSUER))


async def test_mix_up_an_issuer_that_says_its_name_must_say_it(make: Any) -> None:
    sso, _ = make("sso", discovery(ISSUER, authorization_response_iss_parameter_supported=True), url=ISSUER)

    await sso.check_issuer({"iss": ISSUER})
    for answer in ({}, {"iss": "https://evil.test"}):
        with pytest.raises(ProviderError):
            await sso.check_issuer(answer)


async def test_one_discovery_serves_many_sign_ins(make: Any) -> None:
    sso, internet = make("sso", discovery(ISSUER), url=ISSUER)

    for _ in range(3):
        await leads_to(sso)

    assert len(internet.asked) == 1


# Nothing leads us elsewhere


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.test"},
        {"jwks_uri": "http://sso.example/keys"},
        {"jwks_uri": "https://127.0.0.1/keys"},
        {"token_endpoint": "http://127.0.0.1:22/"},
        {"token_endpoint": "https://10.0.0.1/token"},
        {"userinfo_endpoint": "https://[::1]/"},
        {"userinfo_endpoint": "https://169.254.169.254/latest/meta-data"},
        {"authorization_endpoint": "https://u:p@sso.example/authorize"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": 7},
    ],
)
async def test_ssrf_a_discovery_document_leads_to_no_private_place(make: Any, changes: dict[str, Any]) -> None:
    sso, _ = make("sso", discovery(ISSUER, **changes), url=ISSUER)

    with pytest.raises(ProviderError):
        await leads_to(sso)


def test_an_issuer_on_this_machine_may_name_this_machine() -> None:
    require_safe("http://127.0.0.1:8080/keys", named_by="http://localhost:8080")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"location": "http://127.0.0.1:1/"}),
        httpx.Response(500),
        httpx.Response(200, content=b"x" * 300_000),
        httpx.Response(200, content=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, json=["no object"]),
    ],
)
async def test_an_answer_that_is_none_is_an_error_and_no_redirect_is_followed(answer: httpx.Response) -> None:
    internet = Internet({"https://sso.example/": answer})

    with pytest.raises(ProviderError):
        await Web(internet.client).get_object("https://sso.example/")
    assert len(internet.asked) == 1


async def test_errors_hold_no_code_and_no_token() -> None:
    internet = Internet({})

    with pytest.raises(ProviderError) as caught:
        await Web(internet.client).get_object("https://sso.example/?code=secret", bearer="secret")
    assert "secret" not in str(caught.value)


# Configured


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"name": "sso"}, "no url"),
        ({"name": "keycloak"}, "no url"),
        ({"name": "sso", "url": "http://sso.example"}, "not https"),
        ({"name": "SSO", "url": ISSUER}, "name"),
        ({"name": "email", "url": ISSUER}, "name"),
        ({"name": "github", "client_id": " "}, "client_id"),
        ({"name": "twitter"}, "served"),
    ],
)
def test_a_provider_that_cannot_work_is_refused_at_the_start(
    tmp_path: Path, settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        found(tmp_path, Internet({}), OAuthProvider(**{"client_id": "x", **settings}))


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    github = OAuthProvider(name="github", client_id="x")
    config = IdentityConfig(data_dir=tmp_path, providers=(github, github))

    with pytest.raises(ConfigurationError, match="twice"):
        Providers(config, make_client=Internet({}).client, clock=lambda: NOW)


def test_no_secret_shows(make: Any) -> None:
    sso, _ = make("sso", {}, url=ISSUER)

    shown = f"{sso!r} {sso.config!r} {SECRETS!r} {Tokens(access_token='at')!r}"
    assert isinstance(sso, OidcProvider)
    assert "secret" not in shown.replace("Secrets", "")
    assert urlsplit(ISSUER).netloc not in shown
    assert "at'" not in shown
