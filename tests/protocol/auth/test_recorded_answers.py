"""Every recorded success of every endpoint is read, and written again as it stood: order, omission and all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import pytest

from cadenza.protocol.auth import responses
from cadenza.protocol.auth.messages import Empty


class Parse(Protocol):
    """One of ``responses``' readers."""

    def __call__(self, status: int, headers: Mapping[str, str], body: bytes) -> object: ...


def _empty(status: int, headers: Mapping[str, str], body: bytes) -> object:
    responses.expect_success(status, headers, body)
    return msgspec.json.decode(body, type=Empty)


_ID = "[0-9a-f-]{36}"
#: Method and path (without the query) to the reader; the documents of keys are ``cadenza.tokens``' to read.
READERS: dict[str, Parse] = {
    "GET /health": responses.parse_health,
    "GET /settings": responses.parse_settings,
    "GET /.well-known/openid-configuration": responses.parse_openid_configuration,
    "POST /signup": responses.parse_sign_up,
    "POST /token": responses.parse_session,
    "POST /otp": responses.parse_otp_sent,
    "POST /magiclink": _empty,
    "POST /verify": responses.parse_verify,
    "POST /recover": _empty,
    "POST /resend": responses.parse_otp_sent,
    "GET /reauthenticate": _empty,
    "GET /user": responses.parse_user,
    "PUT /user": responses.parse_user,
    "GET /user/identities/authorize": responses.parse_provider_url,
    "POST /factors": responses.parse_enrolled_factor,
    f"POST /factors/{_ID}/challenge": responses.parse_factor_challenge,
    f"POST /factors/{_ID}/verify": responses.parse_session,
    f"DELETE /factors/{_ID}": responses.parse_unenrolled_factor,
    "GET /admin/users": responses.parse_user_list,
    "POST /admin/users": responses.parse_user,
    f"GET /admin/users/{_ID}": responses.parse_user,
    f"PUT /admin/users/{_ID}": responses.parse_user,
    f"DELETE /admin/users/{_ID}": _empty,
    f"GET /admin/users/{_ID}/factors": responses.parse_factors,
    "POST /admin/generate_link": responses.parse_generated_link,
    "POST /invite": responses.parse_user,
    "GET /admin/audit": responses.parse_audit,
}
#: Read by other means: a browser's redirects, a preflight, a sign-out without a body, and the key set.
ELSEWHERE = (
    "GET /verify",
    "GET /authorize",
    "GET /callback",
    "OPTIONS /token",
    "POST /logout",
    "GET /.well-known/jwks",
)


def _reader(key: str) -> Parse | None:
    return next((parse for pattern, parse in READERS.items() if re.fullmatch(pattern, key)), None)


def _successes(exchanges: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{exchange['request']['method']} {exchange['request']['path'].partition('?')[0]}", exchange["response"])
        for exchange in exchanges
        if exchange["response"]["status"] < 400
    ]


def test_each_recorded_success_is_read_and_written_as_it_stood(exchanges: list[dict[str, Any]]) -> None:
    read = 0
    for key, response in _successes(exchanges):
        parse = _reader(key)
        if parse is None:
            assert key.startswith(ELSEWHERE), key
            continue
        value = parse(response["status"], response["headers"], json.dumps(response["body"]).encode())
        written = json.loads(msgspec.json.encode(value))

        assert written == response["body"], key
        if isinstance(written, dict):
            assert list(written) == list(response["body"]), key
        read += 1
    assert read > 100


def test_each_reader_has_something_recorded_to_read(exchanges: list[dict[str, Any]]) -> None:
    keys = {key for key, _ in _successes(exchanges)}

    assert [pattern for pattern in READERS if not any(re.fullmatch(pattern, key) for key in keys)] == []


def test_a_list_says_how_many_there_are_in_all(exchanges: list[dict[str, Any]]) -> None:
    headers = next(exchange["response"]["headers"] for exchange in exchanges if exchange["name"] == "admin_list")

    assert responses.total_count(headers) == 101


@pytest.mark.parametrize("value", ["", "many", "-1", "1e3", "9" * 40, "٣"])
def test_a_count_that_is_none_is_left_out(value: str) -> None:
    assert responses.total_count({"X-Total-Count": value}) is None


def test_a_third_party_application_is_read_from_what_the_source_writes() -> None:
    body = {
        "client_id": "a0a0a0a0-0000-4000-8000-000000000000",
        "client_secret": "s3cr3t",
        "client_type": "confidential",
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "App",
        "registration_type": "manual",
        "created_at": "2026-11-23T08:38:34.114598Z",
        "updated_at": "2026-11-23T08:38:34.114598Z",
    }

    client = responses.parse_client(201, {}, json.dumps(body).encode())
    several = responses.parse_clients(200, {}, json.dumps({"clients": [body]}).encode())

    assert list(json.loads(msgspec.json.encode(client)).items()) == list(body.items())
    assert several.clients == (client,)
    assert responses.parse_clients(200, {}, b"{}").clients == ()
    assert "s3cr3t" not in repr(client)


def test_a_factor_of_another_kind_is_read_too() -> None:
    body = {
        "id": "f",
        "created_at": "t",
        "updated_at": "t",
        "status": "unverified",
        "factor_type": "webauthn",
        "phone": "",
        "last_challenged_at": None,
        "web_authn_aaguid": "x",
    }

    assert responses.parse_factor(200, {}, json.dumps(body).encode()).factor_type == "webauthn"
