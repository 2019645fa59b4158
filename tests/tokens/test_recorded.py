"""Tokens that the real Supabase Auth issued, and what the real Centrifugo answered to tokens, against ours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.tokens.kit import AUDIENCE, START, Clock, Provider, key_for, remote, signed_with, token, verifier

from cadenza.errors import (
    AuthError,
    KeysUnavailableError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.tokens.claims import check_form
from cadenza.tokens.jwks import RemoteKeySet, StaticKeySet
from cadenza.tokens.signer import SigningKey
from cadenza.tokens.verifier import Verifier

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "tokens"
REFERENCE = ROOT.parent / "shared" / "reference"
TOKENS = DATA / "supabase-tokens.json"
MATRIX = DATA / "centrifugo-auth-matrix.txt"
#: The secret of the recorded set-ups, ``supabase-auth-config/gotrue-G1.env``. Public, and of throw-away servers.
SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"


class Recording(msgspec.Struct, frozen=True):
    name: str
    access_token: str


class Recordings(msgspec.Struct, frozen=True):
    jwks: msgspec.Raw
    tokens: tuple[Recording, ...]


class Body(msgspec.Struct):
    access_token: str | None = None


class Response(msgspec.Struct):
    body: msgspec.Raw = msgspec.Raw(b"")


class Exchange(msgspec.Struct):
    name: str
    response: Response


RECORDED = msgspec.json.decode(TOKENS.read_bytes(), type=Recordings)


def extract(lines: bytes) -> bytes:
    """The tokens and the RS256 key set among the recorded exchanges."""
    tokens, jwks = [], None
    for line in lines.splitlines():
        exchange = msgspec.json.decode(line, type=Exchange)
        if not bytes(exchange.response.body).startswith(b"{"):
            continue
        if exchange.name == "jwks_rs256":
            jwks = exchange.response.body
        found = msgspec.json.decode(exchange.response.body, type=Body).access_token
        if found is not None and found.count(".") == 2:
            tokens.append({"name": exchange.name, "access_token": found})
    return msgspec.json.format(msgspec.json.encode({"jwks": jwks, "tokens": tokens})) + b"\n"


def test_the_data_is_what_was_recorded() -> None:
    """By digest everywhere, and by content where the recordings stand beside the repository."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in (TOKENS, MATRIX)}
    assert digests == {"supabase-tokens.json": "5838a64230700087", "centrifugo-auth-matrix.txt": "cb7f9ee9de5a4bb8"}
    if REFERENCE.is_dir():
        assert TOKENS.read_bytes() == extract((REFERENCE / "supabase-auth-exchanges.jsonl").read_bytes())
        assert MATRIX.read_bytes() == (REFERENCE / "centrifugo-auth-matrix.txt").read_bytes()


# Supabase Auth's tokens


def recorded_verifier(text: str, clock: Clock) -> Verifier:
    """Set up as the recorded server was: its secret or its key set, and its own address as the issuer."""
    read = check_form(text)
    clock.now = read.claims.iat or 0
    assert read.claims.iss is not None
    return Verifier(
        recorded_key_set(clock),
        issuer=read.claims.iss,
        audience=AUDIENCE,
        algorithms=["RS256", "HS256"],
        legacy_secret=SECRET,
        require_sub=True,
        clock=clock,
    )


def recorded_key_set(clock: Clock) -> RemoteKeySet:
    provider = Provider()
    provider.body = bytes(RECORDED.jwks)
    return remote(provider, clock)


def test_both_kinds_of_token_were_recorded() -> None:
    kinds = [check_form(recording.access_token).header.alg for recording in RECORDED.tokens]
    assert (kinds.count("HS256"), kinds.count("RS256")) == (41, 2)


@pytest.mark.parametrize("recording", RECORDED.tokens, ids=lambda recording: recording.name)
async def test_a_token_of_the_real_supabase_auth_verifies(recording: Recording) -> None:
    clock = Clock()
    checker = recorded_verifier(recording.access_token, clock)
    verified = await checker.verify(recording.access_token)
    assert verified.claims.session_id
    assert verified.claims.role in {"authenticated", "editor"}
    assert verified.claims.aal in {"aal1", "aal2"}
    assert verified.claims.amr
    clock.now = verified.exp or 0
    with pytest.raises(TokenExpiredError):
        await checker.verify(recording.access_token)


# Centrifugo's answers

Make = Callable[[], str]
STRANGER = SigningKey.generate("ES256", kid="key-1")
LEGACY = SigningKey.generate("HS256")

ACCEPTED = "connected"
CASES: dict[str, tuple[Make, type[AuthError] | str]] = {
    "valid (real)": (token, ACCEPTED),
    "expired at connect": (lambda: token(exp=int(START) - 1), TokenExpiredError),
    "bad signature (other key, same kid)": (lambda: token(STRANGER), TokenInvalidError),
    "unknown kid": (lambda: signed_with({"kid": "another"}), TokenInvalidError),
    "no kid": (lambda: signed_with({"kid": None}), TokenInvalidError),
    "HS256 legacy signed w/ jwt secret": (lambda: token(LEGACY), TokenInvalidError),
    "garbage token": (lambda: "garbage", TokenFormatError),
    "garbage a.b.c": (lambda: "a.b.c", TokenFormatError),
    "wrong audience": (lambda: token(aud="other"), TokenInvalidError),
    "aud list incl.": (lambda: token(aud=["other", AUDIENCE]), ACCEPTED),
    "wrong issuer": (lambda: token(iss="http://other"), TokenInvalidError),
    "no sub": (lambda: token(sub=None), ACCEPTED),
    "no exp": (lambda: token(exp=None), TokenInvalidError),
    "nbf in future": (lambda: token(nbf=int(START) + 60), TokenNotYetValidError),
    "refresh garbage": (lambda: "garbage", TokenFormatError),
    "refresh with good token": (token, ACCEPTED),
    "[JWKS endpoint down] valid token": (token, KeysUnavailableError),
    "[JWKS endpoint down] expired token": (lambda: token(exp=int(START) - 1), KeysUnavailableError),
}
#: Ours on purpose (``decisions.md``, "Codes"), and what the recording says instead.
DIFFERENT = {
    "no exp": "connected",
    "[JWKS endpoint down] valid token": "3500",
    "[JWKS endpoint down] expired token": "3500",
}
#: Rows about the connection, not about one token: the gateway's tests have them.
OF_THE_GATEWAY = {
    "no token (anonymous allowed)",
    "empty token",
    "rpc before connect -> see below",
    "refresh with other user's token",
    "refresh with expired token",
    "anon rpc whoami",
    "expiry mid-connection, no refresh (exp +3s)",
    "[anon disallowed] no token",
    "[disallow_anonymous_connection_tokens] token w/o sub",
    "[expired_close_delay 2s] expiry +2s",
    "[anon disallowed] anonymous supabase user",
}
#: What the gateway answers to each of our errors, in the matrix's words.
ANSWER_TO = {
    TokenFormatError: "3500",
    TokenInvalidError: "3500",
    TokenExpiredError: "109",
    TokenNotYetValidError: "109",
    KeysUnavailableError: "100",
}


def recorded_answers() -> dict[str, str]:
    answers = {}
    for case in MATRIX.read_text().split("\n--- ")[1:]:
        name, _, lines = case.partition("\n")
        refresh = name.startswith("refresh")
        line = lines.splitlines()[1 if refresh else 0]
        closed = re.search(r"CLOSE (\d+)", line)
        error = re.search(r'"code":(\d+)', line)
        found = closed or error
        answers[name] = found.group(1) if found else ACCEPTED
    return answers


def test_every_recorded_case_is_here_or_the_gateways() -> None:
    assert recorded_answers().keys() == CASES.keys() | OF_THE_GATEWAY
    assert DIFFERENT.keys() <= CASES.keys()


@pytest.mark.parametrize("name", CASES)
async def test_a_token_is_judged_as_centrifugo_judged_it_or_differs_on_purpose(name: str) -> None:
    make, expected = CASES[name]
    clock = Clock()
    provider = Provider(key_for())
    if "endpoint down" in name:
        provider.go_down()
    checker = verifier(remote(provider, clock), clock)
    if isinstance(expected, str):
        await checker.verify(make())
        ours = ACCEPTED
    else:
        with pytest.raises(expected) as caught:
            await checker.verify(make())
        ours = ANSWER_TO[type(caught.value)]
    recorded = recorded_answers()[name]
    if name in DIFFERENT:
        assert (recorded, ours != recorded) == (DIFFERENT[name], True)
    else:
        assert ours == recorded


def test_the_static_set_reads_the_recorded_key() -> None:
    class Document(msgspec.Struct):
        keys: list[dict[str, object]]

    keys = StaticKeySet(msgspec.json.decode(RECORDED.jwks, type=Document).keys)
    assert list(keys.believed.keys) == ["9354b6af-91b5-4761-833b-11ce4f54eceb"]
