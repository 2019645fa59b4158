"""Answers become values or the one right error, whatever bytes arrive."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.errors import IdentityError, NotOfferedError, ProtocolError
from cadenza.protocol.auth import Session, User, responses
from cadenza.protocol.auth.errors import encode_error, read_error, wants_dated_form


def test_each_recorded_refusal_is_read(refusals: list[dict[str, Any]]) -> None:
    assert len(refusals) > 100
    for refusal in refusals:
        body = refusal["body"]
        error = read_error(refusal["status"], refusal["headers"], json.dumps(body).encode())

        expected = body.get("error_code") or body.get("code", "")
        assert (error.status, error.error_code) == (refusal["status"], expected)
        assert error.temporary == (refusal["status"] in {429, 500} or expected == "sms_send_failed")
        assert error.next_step


def test_each_recorded_refusal_is_written_alike(refusals: list[dict[str, Any]]) -> None:
    for refusal in refusals:
        body, dated = refusal["body"], "X-Supabase-Api-Version" in refusal["headers"]
        if "error" in body:  # OAuth's own form
            continue
        headers, written = encode_error(
            status=refusal["status"],
            error_code=body["code"] if dated else body["error_code"],
            message=body["message"] if dated else body["msg"],
            dated=dated,
            reasons=tuple(body.get("weak_password", {}).get("reasons", ())),
        )

        assert json.loads(written) == body
        assert headers == {name: value for name, value in refusal["headers"].items() if name != "Vary"}


def test_sign_up_yields_a_session_or_a_user_to_be_confirmed(exchanges: list[dict[str, Any]]) -> None:
    def read(name: str) -> Session | User:
        response = next(exchange["response"] for exchange in exchanges if exchange["name"] == name)
        return responses.parse_sign_up(200, response["headers"], json.dumps(response["body"]).encode())

    assert isinstance(read("signup_ok_autoconfirm"), Session)
    unconfirmed = read("signup_needs_confirmation")
    assert isinstance(unconfirmed, User)
    assert unconfirmed.confirmation_sent_at
    assert not unconfirmed.email_confirmed_at


@pytest.mark.parametrize(
    ("name", "parse"),
    [
        ("health", responses.parse_health),
        ("settings", responses.parse_settings),
        ("openid_configuration", responses.parse_openid_configuration),
        ("user_get_ok", responses.parse_user),
        ("password_ok", responses.parse_session),
    ],
)
def test_a_recorded_success_is_read_whole(name: str, parse: Any, exchanges: list[dict[str, Any]]) -> None:
    response = next(exchange["response"] for exchange in exchanges if exchange["name"] == name)
    body = json.dumps(response["body"]).encode()

    assert json.loads(msgspec.json.encode(parse(response["status"], response["headers"], body))) == response["body"]


def test_no_body_is_a_success_for_a_sign_out_and_a_refusal_is_not() -> None:
    responses.expect_success(204, {}, b"")
    with pytest.raises(IdentityError) as caught:
        responses.expect_success(403, {}, b'{"code":"session_not_found","message":"gone"}')
    assert caught.value.error_code == "session_not_found"


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"retry-after": "7"}, "", 7.0),
        ({"Retry-After": "Mon, 23 Nov 2026 08:00:30 GMT", "Date": "Mon, 23 Nov 2026 08:00:00 GMT"}, "", 30.0),
        ({"Retry-After": "Mon, 23 Nov 2026 08:00:00 GMT", "Date": "Mon, 23 Nov 2026 08:00:30 GMT"}, "", 0.0),
        ({"Retry-After": "Mon, 23 Nov 2026 08:00:30 GMT"}, "", None),
        ({"Retry-After": "soon"}, "", None),
        ({}, "For security purposes, you can only request this after 59 seconds.", 59.0),
        ({}, "", None),
    ],
)
def test_how_long_to_wait_is_read_from_where_it_stands(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    error = read_error(429, headers, json.dumps({"code": "over_request_rate_limit", "message": message}).encode())

    assert error.retry_after_seconds == seconds
    assert error.temporary


def test_httpx_headers_do_as_well() -> None:
    headers = httpx.Headers({"X-Sb-Error-Code": "bad_jwt", "RETRY-AFTER": "3"})

    error = read_error(403, headers, b"<html>")

    assert (error.error_code, error.retry_after_seconds) == ("bad_jwt", 3.0)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"\xff\xfe", b"null", b"[]", b'{"code":[1]}', b"[" * 9999])
def test_a_page_of_a_proxy_is_an_error_with_its_status_alone(body: bytes) -> None:
    error = read_error(502, {}, body)

    assert (error.status, error.error_code, error.temporary) == (502, "", True)


def test_a_message_is_short_printable_and_without_addresses() -> None:
    said = "user ann@example.com \x1b[31m\r\nSet-Cookie: a=b " + "x" * 5000

    error = read_error(400, {}, json.dumps({"code": "validation_failed", "message": said}).encode())

    assert "ann@" not in str(error)
    assert "\x1b" not in error.message
    assert "\n" not in error.message
    assert len(error.message) < 400


def test_an_unknown_code_is_judged_by_its_status() -> None:
    assert not read_error(422, {}, b'{"code":"brand_new","message":"no"}').temporary
    assert read_error(503, {}, b'{"code":"brand_new","message":"no"}').temporary


def test_what_cannot_be_read_is_a_protocol_error_that_quotes_nothing() -> None:
    body = b'{"access_token":"eyJsecret","refresh_token":"abcdefghijkl","expires_in":"soon"}'

    with pytest.raises(ProtocolError) as caught:
        responses.parse_session(200, {}, body)

    assert "eyJsecret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@settings(deadline=None)
@given(status=st.integers(100, 599), body=st.binary(max_size=300), headers=st.dictionaries(st.text(), st.text()))
def test_garbage_raises_only_the_two_errors(status: int, body: bytes, headers: dict[str, str]) -> None:
    for parse in (responses.parse_sign_up, responses.parse_session, responses.parse_user, responses.parse_settings):
        with pytest.raises((IdentityError, ProtocolError)):
            parse(status, headers, body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = ["code", "error_code", "msg", "message", "error", "error_description", "weak_password"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), json_values))
def test_an_error_body_is_never_the_cause_of_another_error(body: dict[str, Any]) -> None:
    assert read_error(400, {}, json.dumps(body).encode()).status == 400


@pytest.mark.parametrize(
    ("version", "form"),
    [
        ("2024-01-01", "dated"),
        ("2025-06-30", "dated"),
        ("2023-12-31", "undated"),
        ("", "undated"),
        (None, "undated"),
        ("latest", "undated"),
        ("2024-13-45", "undated"),
        ("20240101", "undated"),
        ("2024-W01-1", "undated"),
    ],
)
def test_the_dated_form_is_for_whoever_asks_for_its_date_or_a_later_one(version: str | None, form: str) -> None:
    assert wants_dated_form(version) is (form == "dated")


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("parse", [responses.parse_account_export, responses.parse_deleted_account])
def test_a_provider_without_such_an_endpoint_does_not_offer_it(status: int, parse: Any) -> None:
    with pytest.raises(NotOfferedError) as caught:
        parse(status, {"content-type": "text/plain"}, b"404 page not found\n" if status == 404 else b"")
    assert (caught.value.status, caught.value.temporary) == (status, False)
    assert "administrator" in caught.value.next_step


def test_a_refusal_by_one_that_has_it_is_what_it_says() -> None:
    body = b'{"code":"user_not_found","message":"User not found"}'
    with pytest.raises(IdentityError) as caught:
        responses.parse_account_export(404, {}, body)
    assert (type(caught.value), caught.value.error_code) == (IdentityError, "user_not_found")
