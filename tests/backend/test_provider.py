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
from cadenza.schema.auth import (
    EnrollMfaParams,
    IdTokenParams,
    LogoutScope,
    OtpType,
    RecoverParams,
    SendOtpParams,
    SignupParams,
    UpdateUserParams,
    VerifyMfaParams,
)

DATA = Path(__file__).parents[1] / "data" / "identity" / "supabase-auth-exchanges.jsonl"
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
    session = await provider.signup(
        SignupParams(email="ann@example.com", password="long-enough", metadata={"name": "Ann"})
    )
    assert json.loads(identity.requests[0].content) == {
        "email": "ann@example.com",
        "password": "long-enough",
        "data": {"name": "Ann"},
    }
    assert session.access_token
    for name in ("signup_needs_confirmation", "signup_duplicate_confirmed_user_obfuscated"):
        identity.answer = lambda _, name=name: answer_of(name)  # type: ignore[misc]  # the loop's own name, bound now
        session = await provider.signup(SignupParams(email="ann@example.com", password="long-enough", metadata=None))
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
        ("anonymous_disabled", 26005, None),
        ("verify_post_email_otp_reuse", 26012, "token"),
        ("otp_create_user_false_unknown", 26005, "createUser"),
        ("otp_too_soon", 26008, None),
        ("pkce_wrong_verifier", 26012, "codeVerifier"),
        ("pkce_code_reuse", 26012, "code"),
        ("user_update_same_password", 22015, "password"),
        ("user_update_email_taken", 26011, "email"),
        ("user_update_password_old_session_needs_nonce", 22015, "nonce"),
        ("user_update_password_old_session_bad_nonce", 26012, "nonce"),
        ("mfa_enroll_same_name", 22017, "friendlyName"),
        ("mfa_enroll_disabled", 26005, None),
        ("mfa_verify_wrong", 26012, "code"),
        ("mfa_verify_other_ip", 26012, "challengeId"),
        ("mfa_challenge_unknown_factor", 22016, "factorId"),
        ("mfa_aal1_cannot_change_password", 26006, None),
        ("mfa_aal1_cannot_unenroll_verified", 26006, None),
        ("mfa_enroll_second_needs_aal2", 26006, None),
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


CHALLENGE = "E93AD9M0dEA5zPKJI8pcTnZuo1nKFnkftOdAow_M8i8"
HERE = "http://127.0.0.1:3000/cb"


async def test_a_second_factor_is_enrolled_challenged_proved_and_removed(
    provider: HttpIdentityProvider, identity: Identity
) -> None:
    factor = "2d5141d9-8589-40a2-9091-f1b22ddd87d7"
    identity.answer = lambda _: answer_of("mfa_enroll_totp")
    enrolled = await provider.enroll(EnrollMfaParams(access_token="t", friendly_name="my totp"), address="203.0.113.9")
    assert (enrolled.factor_id, enrolled.friendly_name) == (factor, "my totp")
    assert enrolled.uri.startswith("otpauth://totp/")
    assert enrolled.secret not in repr(enrolled)
    identity.answer = lambda _: answer_of("mfa_challenge")
    challenge = await provider.challenge("t", factor, address="203.0.113.9")
    assert challenge.expires_at == recorded("mfa_challenge")["response"]["body"]["expires_at"]
    identity.answer = lambda _: answer_of("mfa_verify_ok")
    params = VerifyMfaParams(access_token="t", factor_id=factor, challenge_id=challenge.challenge_id, code="856519")
    assert (await provider.verify_factor(params, address="203.0.113.9")).access_token
    identity.answer = lambda _: answer_of("mfa_unenroll_ok_aal2")
    await provider.unenroll("t", factor, address="203.0.113.9")
    # Supabase Auth wants challenge and code from one address, so each call carries it (row E7).
    assert {request.headers["X-Forwarded-For"] for request in identity.requests} == {"203.0.113.9"}
    assert [f"{request.method} {request.url.path.removeprefix('/auth/v1')}" for request in identity.requests] == [
        "POST /factors",
        f"POST /factors/{factor}/challenge",
        f"POST /factors/{factor}/verify",
        f"DELETE /factors/{factor}",
    ]


async def test_the_users_factors_are_listed_from_the_user(provider: HttpIdentityProvider, identity: Identity) -> None:
    user = recorded("mfa_verify_ok")["response"]["body"]["user"]
    identity.answer = lambda _: httpx.Response(200, json=user)
    [factor] = await provider.factors("t")
    assert (factor.type, factor.status, factor.friendly_name) == ("totp", "verified", "my totp")


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        (OtpType.EMAIL, "/otp", {"create_user": True}),
        (OtpType.MAGICLINK, "/otp", {"create_user": True}),
        (OtpType.SIGNUP, "/resend", {"type": "signup"}),
        (OtpType.EMAIL_CHANGE, "/resend", {"type": "email_change"}),
        (OtpType.RECOVERY, "/recover", {}),
    ],
)
async def test_a_mail_is_asked_for_where_the_provider_sends_it(
    provider: HttpIdentityProvider, identity: Identity, kind: OtpType, path: str, body: dict[str, object]
) -> None:
    identity.answer = lambda _: httpx.Response(200, json={})
    await provider.send_code(SendOtpParams(email="a@b.example", type=kind, redirect_to=HERE, code_challenge=CHALLENGE))
    [request] = identity.requests
    assert request.url.path.endswith(path)
    assert request.url.params["redirect_to"] == HERE
    assert json.loads(request.content) == body | {
        "email": "a@b.example",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "s256",
    }


async def test_an_invitation_is_nobodys_to_ask_for_here(provider: HttpIdentityProvider, identity: Identity) -> None:
    with pytest.raises(RpcError) as caught:
        await provider.send_code(SendOtpParams(email="a@b.example", type=OtpType.INVITE))
    assert (caught.value.code, caught.value.field) == (22015, "type")
    assert identity.requests == []


async def test_a_code_a_link_and_a_redirects_code_are_redeemed(
    provider: HttpIdentityProvider, identity: Identity
) -> None:
    identity.answer = lambda _: answer_of("verify_post_email_otp")
    assert (await provider.verify_code(OtpType.EMAIL, "a@b.example", "221555")).access_token
    identity.answer = lambda _: answer_of("verify_post_token_hash")
    assert (await provider.verify_link(OtpType.SIGNUP, "617a")).access_token
    identity.answer = lambda _: answer_of("oauth_pkce_exchange")
    assert (await provider.exchange("code", "verifier")).access_token
    assert (await provider.id_token(IdTokenParams(provider="google", id_token="a.b.c", nonce="n"))).access_token
    assert [json.loads(request.content) for request in identity.requests] == [
        {"type": "email", "token": "221555", "email": "a@b.example"},
        {"type": "signup", "token_hash": "617a"},
        {"auth_code": "code", "code_verifier": "verifier"},
        {"id_token": "a.b.c", "nonce": "n", "provider": "google"},
    ]


async def test_the_first_code_of_a_change_of_address_is_no_session_yet(
    provider: HttpIdentityProvider, identity: Identity
) -> None:
    identity.answer = lambda _: answer_of("verify_email_change_current")
    session = await provider.verify_code(OtpType.EMAIL_CHANGE, "a@b.example", "912547")
    assert session.access_token is None


async def test_an_anonymous_user_becomes_a_lasting_one(provider: HttpIdentityProvider, identity: Identity) -> None:
    identity.answer = lambda _: answer_of("anonymous_signup_ok")
    assert (await provider.anonymous()).access_token
    identity.answer = lambda _: answer_of("anonymous_convert_email")
    user = await provider.update_user(UpdateUserParams(access_token="t", email="u6b6946a7@example.com"))
    assert user.email == "u6b6946a7@example.com"
    assert [json.loads(request.content) for request in identity.requests] == [{}, {"email": "u6b6946a7@example.com"}]


async def test_recovery_and_reauthentication_ask_for_their_mails(
    provider: HttpIdentityProvider, identity: Identity
) -> None:
    identity.answer = lambda _: httpx.Response(200, json={})
    await provider.recover(RecoverParams(email="a@b.example"))
    await provider.reauthenticate("t")
    assert [request.url.path.rpartition("/")[2] for request in identity.requests] == ["recover", "reauthenticate"]


def test_the_browser_is_sent_to_the_providers_own_address(provider: HttpIdentityProvider) -> None:
    url = httpx.URL(provider.oauth_url("github", HERE, CHALLENGE))
    assert str(url).startswith(f"{URL}/authorize?")
    assert dict(url.params) == {
        "provider": "github",
        "redirect_to": HERE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "s256",
    }


@pytest.mark.parametrize("challenge", ["", "short", "a" * 129, "a" * 42 + "+"])
def test_a_challenge_that_could_never_be_met_is_refused_before_a_browser_opens(
    provider: HttpIdentityProvider, challenge: str
) -> None:
    with pytest.raises(RpcError) as caught:
        provider.oauth_url("github", HERE, challenge)
    assert (caught.value.code, caught.value.field) == (22015, "codeChallenge")
