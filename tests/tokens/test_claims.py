"""``check_form``: what is refused before it goes on the wire, with no key and no extra installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.tokens.kit import (
    AUDIENCE,
    ISSUER,
    START,
    USER,
    forge,
    key_for,
    signature_by,
    signed_raw,
    signed_with,
    token,
)

import cadenza.tokens
from cadenza.errors import TokenFormatError
from cadenza.tokens import Claims, check_form


def test_a_good_token_is_read_whole() -> None:
    read = check_form(token(unknown_claim={"x": 1}), issuer=ISSUER, audience=AUDIENCE)
    assert (read.header.alg, read.header.kid, read.header.typ) == ("ES256", "key-1", "JWT")
    assert (read.claims.iss, read.claims.sub, read.claims.exp) == (ISSUER, USER, START + 3600)
    assert (read.claims.role, read.claims.aal, read.claims.is_anonymous) == ("authenticated", "aal1", False)
    assert msgspec.json.decode(read.claims_json)["unknown_claim"] == {"x": 1}
    assert msgspec.json.decode(read.header_json)["kid"] == "key-1"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA", "HS256"])
def test_every_known_algorithm_passes(alg: str) -> None:
    assert check_form(token(key_for(alg))).header.alg == alg


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "es256", "HS384", "RS512", "ES384", "PS256", "RSA-OAEP"])
def test_an_unknown_algorithm_is_named_as_the_fault(alg: str) -> None:
    with pytest.raises(TokenFormatError, match="alg"):
        check_form(signed_with({"alg": alg}))


@pytest.mark.parametrize("kid", [None, ""])
def test_an_asymmetric_token_needs_a_kid(kid: str | None) -> None:
    with pytest.raises(TokenFormatError, match="kid"):
        check_form(signed_with({"kid": kid}))


def test_a_symmetric_token_needs_none() -> None:
    assert check_form(signed_with({"kid": None}, key_for("HS256"))).header.kid is None


@pytest.mark.parametrize("header", [{"alg": 1}, {"alg": None}, {"kid": 7}, {"typ": ["JWT"]}])
def test_a_header_of_another_type_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(TokenFormatError, match="header"):
        check_form(signed_with(header))


@pytest.mark.parametrize(("name", "value"), [("sub", None), ("sub", ""), ("exp", None)])
def test_a_token_without_subject_or_end_is_refused(name: str, value: object) -> None:
    with pytest.raises(TokenFormatError, match=name):
        check_form(token(None, **{name: value}))


def test_an_end_of_null_is_no_end() -> None:
    with pytest.raises(TokenFormatError, match="exp"):
        check_form(signed_raw(b'{"sub":"u","exp":null}'))


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:54321/auth/v1/", "HTTP://127.0.0.1:54321/auth/v1", ""])
def test_the_issuer_is_compared_to_the_letter(issuer: str) -> None:
    with pytest.raises(TokenFormatError, match="iss"):
        check_form(token(), issuer=issuer)


def test_the_audience_is_one_or_one_of_several() -> None:
    assert check_form(token(aud=["other", AUDIENCE]), audience=AUDIENCE).claims.aud == ("other", AUDIENCE)
    for aud in ("other", ["other"], [], AUDIENCE + "x", None):
        with pytest.raises(TokenFormatError, match="aud"):
            check_form(token(aud=aud), audience=AUDIENCE)


def test_neither_is_asked_for_where_it_is_not_known() -> None:
    assert check_form(token(iss=None, aud=None)).claims.sub == USER


def test_the_time_is_the_servers_business() -> None:
    """H5: the server's refusal, not the client's clock, is the truth."""
    assert check_form(token(exp=1, nbf=int(START) + 9_000_000)).claims.exp == 1


@pytest.mark.parametrize(
    "member",
    [
        b'"sub":42',
        b'"sub":["u"]',
        b'"iss":1',
        b'"aud":1',
        b'"aud":[1]',
        b'"aud":{"a":1}',
        b'"exp":"1795430000"',
        b'"exp":true',
        b'"exp":1e999',
        b'"exp":[1]',
        b'"nbf":"1"',
        b'"iat":false',
        b'"role":["admin"]',
        b'"session_id":1',
        b'"is_anonymous":"no"',
        b'"amr":"password"',
        b'"channels":"a"',
        b'"channels":[1]',
        b'"subs":["a"]',
        b'"subs":{"a":1}',
        b'"subs":{"a":{"override":{"presence":true}}}',
        b'"expire_at":"1"',
        b'"expire_at":1.5',
        b'"expire_at":9223372036854775808',
        b'"b64info":1',
        b'"channel":1',
    ],
)
def test_a_claim_of_another_type_is_refused_by_name(member: bytes) -> None:
    """Row A10: what Centrifugo gives a meaning to has Centrifugo's type; numeric ``sub`` was seen refused."""
    name = member.split(b'"')[1]
    with pytest.raises(TokenFormatError) as caught:
        check_form(signed_raw(b'{"s":"u",' + member + b"}"))
    assert f"$.{name.decode()}" in str(caught.value)


def test_null_counts_as_absent_where_centrifugo_reads_it_so() -> None:
    read = check_form(signed_raw(b'{"sub":"u","exp":1,"channels":null,"subs":null,"expire_at":null,"aud":null}'))
    assert read.claims == Claims(sub="u", exp=1)


@pytest.mark.parametrize("payload", [b"[]", b'"x"', b"1", b"null", b"true", b"not json", b'{"sub":"u","sub":"v"}'])
def test_claims_that_are_no_object_or_say_it_twice_are_refused(payload: bytes) -> None:
    with pytest.raises(TokenFormatError):
        check_form(signed_raw(payload))


def test_a_header_that_says_it_twice_is_refused() -> None:
    key = key_for()
    with pytest.raises(TokenFormatError, match="twice"):
        check_form(forge(b'{"alg":"none","alg":"ES256","kid":"key-1"}', {"sub": "u", "exp": 1}, signature_by(key)))


@pytest.mark.parametrize("text", ["", "garbage", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ä.b.c"])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(TokenFormatError):
        check_form(text)


def test_no_representation_or_error_shows_the_token_or_the_person() -> None:
    text = token(email="secret@example.com")
    read = check_form(text)
    shown = f"{read!r} {read.claims!r} {read.__rich_repr__()!r} {read.claims.__rich_repr__()!r}"
    assert USER in shown
    assert "secret@example.com" not in shown
    with pytest.raises(TokenFormatError) as caught:
        check_form(text, issuer="https://elsewhere.example")
    for part in text.split("."):
        assert part not in f"{shown} {caught.value}"


def test_the_door_opens_without_the_server_extra() -> None:
    """Architecture, direction rule 3: a test connects from a bare install."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in {'cryptography', 'joserfc', 'httpx'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import cadenza.tokens, cadenza.tokens.claims\n"
    )
    source = str(Path(cadenza.tokens.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_door_shows_what_it_is_meant_to() -> None:
    assert cadenza.tokens.__all__ == ["Claims", "Header", "UnverifiedToken", "check_form"]
