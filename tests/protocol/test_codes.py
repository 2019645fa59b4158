"""The tables of Centrifugo's codes: complete, in their ranges, with the words that go on the wire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.protocol.codes import (
    API_ERRORS,
    CLIENT_ERRORS,
    DISCONNECTS,
    UNSUBSCRIBES,
    CodeOwner,
    ErrorCode,
    disconnect_code_owner,
    is_disconnect_final,
    is_unsubscribe_final,
)

#: That section of ``../shared/reference/centrifugo.md``.
REFERENCE = Path(__file__).resolve().parents[1] / "data" / "protocol" / "centrifugo-codes.md"

ERRORS = {
    100: "internal server error",
    101: "unauthorized",
    102: "unknown channel",
    103: "permission denied",
    104: "method not found",
    105: "already subscribed",
    106: "limit exceeded",
    107: "bad request",
    108: "not available",
    109: "token expired",
    110: "expired",
    111: "too many requests",
    112: "unrecoverable position",
    113: "concurrent pagination",
}
TEMPORARY = {100, 111, 113}
CLOSES = {
    3000: "connection closed",
    3001: "shutdown",
    3004: "internal server error",
    3005: "connection expired",
    3006: "subscription expired",
    3008: "slow",
    3009: "write error",
    3010: "insufficient state",
    3011: "force reconnect",
    3012: "no pong",
    3013: "too many requests",
    3014: "state invalidated",
    3500: "invalid token",
    3501: "bad request",
    3502: "stale",
    3503: "force disconnect",
    3504: "connection limit",
    3505: "channel limit",
    3506: "inappropriate protocol",
    3507: "permission denied",
    3508: "not available",
    3509: "too many errors",
}


def test_client_errors_are_centrifugos() -> None:
    assert {code: error.message for code, error in CLIENT_ERRORS.items()} == ERRORS
    assert {code for code, error in CLIENT_ERRORS.items() if error.temporary} == TEMPORARY
    assert {code.value for code in ErrorCode} == ERRORS.keys()


def test_api_errors_are_centrifugos() -> None:
    expected = {100, 102, 104, 107, 108, 112, 113}
    assert API_ERRORS.keys() == expected
    assert (API_ERRORS[104].message, API_ERRORS[113].message) == ("not found", "conflict")


def test_disconnects_are_centrifugos() -> None:
    assert {code: close.reason for code, close in DISCONNECTS.items()} == CLOSES


def test_unsubscribes_are_centrifugos() -> None:
    assert UNSUBSCRIBES.keys() == {0, 1, 2000, 2500, 2501, 2502}


def test_tables_agree_with_the_reference() -> None:
    text = REFERENCE.read_text().partition("### Codes")[2].partition("SDK rule")[0]
    named = re.findall(r"\b(\d{3,4}) ([a-z][a-z ]+)", text)
    found = {int(code): words.strip() for code, words in reversed(named)}  # the first mention names it
    for code, words in found.items():
        tables = {**UNSUBSCRIBES, **DISCONNECTS}
        ours = CLIENT_ERRORS[code].message if code in CLIENT_ERRORS else tables[code].reason
        assert words in ours or ours.startswith(words), code
    assert CLOSES.keys() <= found.keys()


@given(st.integers(0, 65_535))
def test_sdks_stop_at_exactly_the_final_ranges(code: int) -> None:
    assert is_disconnect_final(code) == (3500 <= code <= 3999 or 4500 <= code <= 4999)
    assert is_unsubscribe_final(code) == (code < 2500)


@pytest.mark.parametrize(
    ("code", "owner"),
    [(1009, CodeOwner.WEBSOCKET), (3000, CodeOwner.GATEWAY), (3999, CodeOwner.GATEWAY), (4500, CodeOwner.BACKEND)],
)
def test_each_code_has_an_owner(code: int, owner: CodeOwner) -> None:
    assert disconnect_code_owner(code) is owner
