"""The table of codes covers what was recorded, and says when a session is over."""

from __future__ import annotations

from typing import Any

from cadenza.protocol.auth import SESSION_OVER, Action, ErrorCode
from cadenza.protocol.auth.codes import CODES, action_for


def test_each_recorded_code_is_in_the_table_with_its_status(refusals: list[dict[str, Any]]) -> None:
    for refusal in refusals:
        body = refusal["body"]
        if "error" in body:
            continue
        code = body.get("error_code") or body["code"]
        assert refusal["status"] in CODES[code].statuses, code


def test_each_code_has_a_row_and_each_row_a_code() -> None:
    assert set(CODES) == set(ErrorCode)


def test_supabase_auths_own_list_is_here_whole() -> None:
    """2.196 names 108 beside ``unknown``, which its source forbids to use."""
    assert len(ErrorCode) == 108
    assert {code for code in ErrorCode if not CODES[code].statuses} == {
        ErrorCode.EMAIL_ADDRESS_NOT_PROVIDED,
        ErrorCode.WEBAUTHN_CREDENTIAL_NOT_FOUND,
    }


def test_a_session_is_over_only_where_a_refresh_can_never_succeed() -> None:
    assert all(action_for(400, code) is not Action.RETRY for code in SESSION_OVER)
    assert ErrorCode.OVER_REQUEST_RATE_LIMIT not in SESSION_OVER
    assert ErrorCode.BAD_JWT not in SESSION_OVER


def test_a_server_error_is_worth_a_retry_whatever_it_is_called() -> None:
    assert action_for(500, ErrorCode.REFRESH_TOKEN_NOT_FOUND) is Action.RETRY
    assert action_for(429, "") is Action.RETRY
    assert action_for(400, "") is Action.CORRECT
