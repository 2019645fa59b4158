"""An ID token of a configured issuer is a way in; of any other, or bound to something else, it is none."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from tests.identity import keycloak_stub

from cadenza.identity.config import OAuthProvider
from cadenza.protocol.auth import requests
from cadenza.tokens.signer import Signer, SigningKey

KEYCLOAK = OAuthProvider(
    name="keycloak", client_id="kc-client, other-client", client_secret="kc-secret", url=keycloak_stub.URL
)


@pytest.fixture
async def provider(make_provider: Any) -> Any:
    async with make_provider(providers=(KEYCLOAK,), make_client=keycloak_stub.make_client) as provider:
        yield provider


def claims(provider: Any, **changes: Any) -> dict[str, Any]:
    now = int(provider.clock.now)
    whole = {
        "iss": keycloak_stub.URL,
        "aud": "kc-client",
        "sub": "s1",
        "email": "ann@example.com",
        "email_verified": True,
        "iat": now,
        "exp": now + 300,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


async def send(server: Any, token: str, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    asked = {"provider": "keycloak", "id_token": token, **body}
    answer: httpx.Response = await server.http.post("/token?grant_type=id_token", json=asked, headers=headers or {})
    return answer


async def test_a_good_token_is_a_session(provider: Any) -> None:
    answer = await send(provider, keycloak_stub.sign(claims(provider)))

    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == "ann@example.com"
    assert answer.json()["user"]["identities"][0]["id"] == "s1"


async def test_any_of_the_configured_clients_is_a_good_audience(provider: Any) -> None:
    answer = await send(provider, keycloak_stub.sign(claims(provider, aud=["x", "other-client"])))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://evil.test"}, "Bad ID token"),
        ({"exp": 1}, "Bad ID token"),
        ({"exp": None}, "Bad ID token"),
        ({"aud": None}, "Bad ID token"),
        ({"aud": "other"}, "Unacceptable audience in id_token: [other]"),
        ({"sub": None}, "Missing sub claim in id_token"),
        ({"nonce": "abc"}, "Passed nonce and nonce in id_token should either both exist or not."),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused(provider: Any, changes: dict[str, Any], said: str) -> None:
    answer = await send(provider, keycloak_stub.sign(claims(provider, **changes)))

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid request", "error_description": said})


async def test_a_token_another_key_signed_is_refused(provider: Any) -> None:
    forger = Signer(SigningKey.generate("RS256", kid="k1"))

    answer = await send(provider, forger.sign(claims(provider)))

    assert answer.json()["error_description"] == "Bad ID token"


async def test_a_token_nobody_signed_is_refused(provider: Any) -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    payload = base64.urlsafe_b64encode(json.dumps(claims(provider)).encode()).rstrip(b"=").decode()

    for signature in ("", "AAAA"):
        answer = await send(provider, f"{header}.{payload}.{signature}")
        assert answer.json()["error_description"] == "Bad ID token"


async def test_a_token_that_is_not_believed_stands_in_the_audit_log(provider: Any) -> None:
    await send(provider, keycloak_stub.sign(claims(provider, aud="other")))
    await provider.parts.refusals.close()
    (refused,) = await provider.parts.store.read(lambda records: records.audit.newest(limit=5))

    assert refused.action == "request_refused"
    assert '"endpoint":"POST /token","grant_type":"id_token"' in refused.payload
    assert "other" not in refused.payload


async def test_the_nonce_is_the_hash_of_what_the_caller_shows(provider: Any) -> None:
    token = keycloak_stub.sign(claims(provider, nonce=hashlib.sha256(b"mine").hexdigest()))

    assert (await send(provider, token, nonce="mine")).status_code == 200
    wrong = await send(provider, token, nonce="theirs")
    assert wrong.json() == {"error": "invalid nonce", "error_description": "Nonces mismatch"}


async def test_an_access_token_that_is_shown_must_be_the_one_it_came_with(provider: Any) -> None:
    half = base64.urlsafe_b64encode(hashlib.sha256(b"theirs").digest()[:16]).rstrip(b"=").decode()
    token = keycloak_stub.sign(claims(provider, at_hash=half))

    assert (await send(provider, token, access_token="theirs")).status_code == 200
    assert (await send(provider, token)).status_code == 200
    assert (await send(provider, token, access_token="another")).json()["error_description"] == "Bad ID token"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"provider": "github"}, 'Custom OIDC provider "github" not allowed'),
        ({"provider": "", "client_id": "x", "issuer": "https://evil.test"}, 'Custom OIDC provider "" not allowed'),
        ({"provider": "google"}, 'Provider (issuer "https://accounts.google.com") is not enabled'),
        ({"provider": "apple"}, "Detected ID token issuer is not an Apple ID token issuer"),
    ],
)
async def test_a_provider_that_is_not_configured_vouches_for_nobody(
    provider: Any, body: dict[str, Any], said: str
) -> None:
    answer = await send(provider, keycloak_stub.sign(claims(provider)), **body)

    assert answer.status_code == 400
    assert answer.json()["msg"] == said


async def test_a_configured_provider_may_be_named_by_its_issuer(provider: Any) -> None:
    token = keycloak_stub.sign(claims(provider))

    answer = await send(provider, token, provider="", client_id="kc-client", issuer=keycloak_stub.URL)

    assert answer.status_code == 200


async def test_a_way_in_is_added_to_whoever_shows_a_bearer(provider: Any) -> None:
    session = await provider.signed_up("ann@work.example")
    token = keycloak_stub.sign(claims(provider))

    without = await send(provider, token, link_identity=True)
    answer = await send(
        provider, token, link_identity=True, headers={"authorization": f"Bearer {session.access_token}"}
    )

    assert without.json()["error_description"] == "Linking requires a valid user access token in Authorization"
    assert answer.json()["user"]["id"] == session.user.id
    assert answer.json()["user"]["app_metadata"]["providers"] == ["email", "keycloak"]


async def test_an_issuer_that_cannot_be_asked_is_an_error_and_not_a_refusal(make_provider: Any) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(down))

    async with make_provider(providers=(KEYCLOAK,), make_client=client) as provider:
        answer = await provider.send(requests.id_token_grant("keycloak", keycloak_stub.sign(claims(provider))))

    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected_failure")
