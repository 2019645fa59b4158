"""`cadenza token inspect`: everything a token says, nothing that lets another use it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadenza.tokens.signer import Signer, SigningKey

_CLAIMS: dict[str, Any] = {
    "iss": "http://127.0.0.1:54321/auth/v1",
    "sub": "9f1c6a0e-7c1a-4a43-8d0f-6a8f0d9a2c11",
    "aud": "authenticated",
    "email": "ada@example.com",
    "app_metadata": {"provider": "email"},
}


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate("ES256")


def _token(key: SigningKey, **claims: object) -> str:
    return Signer(key).sign({**_CLAIMS, "exp": int(time.time()) + 3600 + 30, **claims})


def test_a_piped_token_is_shown_with_its_end_and_its_user(cadenza: Callable[..., Any], key: SigningKey) -> None:
    ran = cadenza("token", "inspect", "-", stdin=_token(key) + "\n")
    assert ran.code == 0
    assert "ES256" in ran.out
    assert key.kid in ran.out
    assert "in 1 hour" in ran.out
    assert "ada@example.com (9f1c6a0e-7c1a-4a43-8d0f-6a8f0d9a2c11), to be taken by authenticated" in ran.out
    assert '{"provider":"email"}' in ran.out
    assert ran.err == ""


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_neither_the_signature_nor_any_part_of_the_token_is_shown(
    cadenza: Callable[..., Any], key: SigningKey, options: tuple[str, ...]
) -> None:
    token = _token(key)
    ran = cadenza("token", "inspect", "-", *options, stdin=token)
    assert ran.code == 0
    for part in token.split("."):
        assert part not in ran.out + ran.err


def test_json_says_when_it_ends(cadenza: Callable[..., Any], key: SigningKey) -> None:
    shown = json.loads(cadenza("token", "inspect", "-", "--json", stdin=_token(key)).out)
    assert shown["header"]["alg"] == "ES256"
    assert shown["claims"]["email"] == "ada@example.com"
    assert shown["expired"] is False
    assert 3600 <= shown["expiresInSeconds"] <= 3630
    assert "problem" not in shown


def test_an_expired_token_says_since_when(cadenza: Callable[..., Any], key: SigningKey) -> None:
    ran = cadenza("token", "inspect", "-", stdin=_token(key, exp=int(time.time()) - 2 * 86400 - 60))
    assert ran.code == 0
    assert "2 days ago" in ran.out


def test_a_bearer_header_is_taken_for_its_token(cadenza: Callable[..., Any], key: SigningKey) -> None:
    assert cadenza("token", "inspect", "-", stdin=f"Bearer {_token(key)}").code == 0


def test_a_token_that_no_server_could_take_is_shown_with_its_problem(
    cadenza: Callable[..., Any], key: SigningKey
) -> None:
    ran = cadenza("token", "inspect", "-", stdin=_token(key, sub=""))
    assert ran.code == 1
    assert "The token has no sub." in ran.out


def test_claims_no_calendar_has_are_shown_as_they_stand(cadenza: Callable[..., Any], key: SigningKey) -> None:
    ran = cadenza("token", "inspect", "-", stdin=_token(key, auth_time=10**300, exp=99999999999999))
    assert ran.code == 0
    assert "99999999999999" in ran.out


@pytest.mark.parametrize(
    "given",
    ["", "not a token", "a.b", "a.b.c", "eyJhbGciOiJub25lIn0..", "ünïcode.a.b", "x" * 20000],
    ids=["nothing", "words", "two parts", "three words", "unsigned", "beyond ascii", "huge"],
)
def test_what_is_no_token_ends_with_2_and_is_not_repeated(cadenza: Callable[..., Any], given: str) -> None:
    ran = cadenza("token", "inspect", "-", stdin=given)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert not given or given not in ran.err


def test_bytes_that_are_no_text_end_with_2(cadenza: Callable[..., Any]) -> None:
    ran = cadenza("token", "inspect", "-", stdin=b"\xff\xfe\x00")
    assert ran.code == 2
    assert "UTF-8" in ran.err


def test_a_token_given_as_an_argument_is_refused_without_repeating_it(
    cadenza: Callable[..., Any], key: SigningKey
) -> None:
    token = _token(key)
    ran = cadenza("token", "inspect", token)
    assert ran.code == 2
    assert "pipe it in" in ran.err
    assert not any(part in ran.err for part in token.split("."))


def test_without_a_token_and_without_a_session_the_next_step_is_to_sign_in(cadenza: Callable[..., Any]) -> None:
    ran = cadenza("token", "inspect")
    assert ran.code == 3
    assert "cadenza login" in ran.err


def test_a_claim_cannot_write_to_the_terminal(cadenza: Callable[..., Any], key: SigningKey) -> None:
    ran = cadenza("token", "inspect", "-", stdin=_token(key, email="a\x1b[2Jb\nExpires  never"))
    assert "\x1b" not in ran.out
    assert "\nExpires  never" not in ran.out


def test_a_file_redirected_in_needs_no_dash(
    cadenza: Callable[..., Any], key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token.txt"
    file.write_text(_token(key))
    from cadenza.cli import main

    with file.open() as redirected:
        monkeypatch.setattr("sys.stdin", redirected)
        assert main(["token", "inspect"]) == 0


def test_a_claim_that_the_gateway_reads_in_its_own_way_is_warned_of(
    cadenza: Callable[..., Any], key: SigningKey
) -> None:
    """Row A10."""
    meta = {"session_id": "s1", "aal": "aal1", "role": "authenticated"}
    ran = cadenza("token", "inspect", "-", stdin=_token(key, meta=meta, info={"name": "Ada"}))
    assert ran.code == 0
    assert "Warning: info: Everybody" in ran.out
    ran = cadenza("token", "inspect", "-", "--json", stdin=_token(key, meta=meta, channel="news"))
    assert ran.code == 1
    (warning,) = json.loads(ran.out)["warnings"]
    assert (warning["claim"], warning["fatal"]) == ("channel", True)
    assert "3500" in warning["message"]
    assert "warnings" not in json.loads(cadenza("token", "inspect", "-", "--json", stdin=_token(key, meta=meta)).out)
