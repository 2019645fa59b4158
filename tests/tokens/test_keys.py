"""Which JWKs become keys, and how a key set document is read."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.tokens.kit import base64url, key_for, signature_by

from cadenza.errors import ProtocolError
from cadenza.tokens.keys import MAX_KID_CHARACTERS, Jwk, KeyRejectedError, parse_key, parse_key_set
from cadenza.tokens.signer import SigningKey

ALGORITHMS = ["ES256", "RS256", "EdDSA"]


def jwk(key: str = "ES256", /, **changes: object) -> dict[str, object]:
    members = {**key_for(key).public_jwk(), **changes}
    return {name: value for name, value in members.items() if value is not None}


def parse(members: dict[str, object]) -> str:
    return parse_key(msgspec.convert(members, Jwk)).alg


def document(*keys: object) -> bytes:
    return msgspec.json.encode({"keys": keys})


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_checks_its_own_signatures_and_no_others(alg: str) -> None:
    key = parse_key(msgspec.convert(jwk(alg), Jwk))
    signature = signature_by(key_for(alg))(b"signed")
    assert (key.alg, key.kid) == (alg, "key-1")
    assert key.verifies(b"signed", signature)
    assert not key.verifies(b"signeD", signature)
    assert not key.verifies(b"signed", signature[:-1])
    assert not key.verifies(b"signed", b"")
    assert not key.verifies(b"signed", signature_by(SigningKey.generate(alg))(b"signed"))


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("absent", ["alg", "use", "key_ops"])
def test_what_a_jwk_may_leave_out_it_may_leave_out(alg: str, absent: str) -> None:
    assert parse(jwk(alg, **{absent: None})) == alg


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "RS512"},
        {"alg": "ECDH-ES"},
        {"kty": "oct"},
        {"kty": "AKP"},
    ],
)
def test_a_key_for_something_else_is_not_used(alg: str, change: dict[str, object]) -> None:
    with pytest.raises(KeyRejectedError) as caught:
        parse(jwk(alg, **change))
    assert not caught.value.malformed


@pytest.mark.parametrize(
    ("alg", "change"),
    [
        ("ES256", {"alg": "RS256"}),
        ("RS256", {"alg": "ES256"}),
        ("EdDSA", {"alg": "ES256"}),
        ("ES256", {"crv": "P-384"}),
        ("ES256", {"crv": "secp256k1"}),
        ("EdDSA", {"crv": "X25519"}),
        ("EdDSA", {"crv": "Ed448"}),
    ],
)
def test_an_algorithm_is_bound_to_its_key_type_and_curve(alg: str, change: dict[str, object]) -> None:
    """RFC 8725 sections 3.1 and 3.2; RFC 7518 section 3.4."""
    with pytest.raises(KeyRejectedError):
        parse(jwk(alg, **change))


@pytest.mark.parametrize(
    ("alg", "change"),
    [
        ("ES256", {"kid": None}),
        ("ES256", {"kid": ""}),
        ("ES256", {"kid": "k" * (MAX_KID_CHARACTERS + 1)}),
        ("ES256", {"x": None}),
        ("ES256", {"y": None}),
        ("ES256", {"x": ""}),
        ("ES256", {"x": "!"}),
        ("ES256", {"x": base64url(bytes(32)), "y": base64url(bytes(32))}),  # the origin
        ("ES256", {"x": base64url(b"\x01" * 32), "y": base64url(b"\x01" * 32)}),  # off the curve
        ("ES256", {"x": base64url(b"\xff" * 32)}),  # beyond the field
        ("RS256", {"n": None}),
        ("RS256", {"e": None}),
        ("RS256", {"e": base64url(b"\x01")}),
        ("RS256", {"e": base64url(b"\x02")}),
        ("RS256", {"n": base64url(b"\xff" * 128)}),  # 1024 bits
        ("EdDSA", {"x": None}),
        ("EdDSA", {"x": base64url(b"short")}),
    ],
)
def test_unsound_key_material_is_refused(alg: str, change: dict[str, object]) -> None:
    """RFC 8725 sections 2.5, 3.4 (a point off the curve) and 3.5 (weak keys)."""
    with pytest.raises(KeyRejectedError) as caught:
        parse(jwk(alg, **change))
    assert caught.value.malformed


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_rsa_key_is_refused(bits: int) -> None:
    """RFC 7518 section 3.3; RFC 8725 section 3.5."""
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    n = base64url(numbers.n.to_bytes((bits + 7) // 8, "big"))
    with pytest.raises(KeyRejectedError, match=str(bits)):
        parse(jwk("RS256", n=n))


def test_an_absurdly_long_rsa_key_is_refused() -> None:
    """One check with it would stop the gateway for milliseconds."""
    with pytest.raises(KeyRejectedError, match="16384"):
        parse(jwk("RS256", n=base64url(b"\xff" * 2048)))


@pytest.mark.parametrize("alg", [*ALGORITHMS, "HS256"])
def test_a_published_private_key_is_not_believed(alg: str) -> None:
    with pytest.raises(KeyRejectedError, match="private") as caught:
        parse({**key_for(alg).private_jwk(), "kid": "key-1"})
    assert caught.value.malformed


def test_a_set_keeps_the_good_keys_and_passes_over_the_rest() -> None:
    """RFC 7517 section 5."""
    body = document(
        jwk("ES256", kid="good"),
        jwk("RS256", kid="enc", use="enc"),
        {"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"},
        {"kty": 7},
        "not an object",
        jwk("EdDSA", kid="also", x5c=["MIIB"], x5u="https://evil.example/cert", unknown={"a": 1}),
    )
    assert {kid: key.alg for kid, key in parse_key_set(body).items()} == {"good": "ES256", "also": "EdDSA"}


def test_two_keys_under_one_id_are_both_passed_over() -> None:
    other = SigningKey.generate("ES256", kid="key-1").public_jwk()
    body = document(jwk(), other, jwk("EdDSA", kid="single"))
    assert list(parse_key_set(body)) == ["single"]
    third = SigningKey.generate("ES256", kid="key-1").public_jwk()
    assert list(parse_key_set(document(jwk(), other, third, jwk("EdDSA", kid="single")))) == ["single"]


def test_a_set_of_nothing_but_doubtful_keys_is_an_error() -> None:
    """Not a withdrawal of every key: nobody meant that."""
    with pytest.raises(ProtocolError):
        parse_key_set(document(jwk(), SigningKey.generate("ES256", kid="key-1").public_jwk()))


def test_the_same_key_twice_is_one() -> None:
    assert list(parse_key_set(document(jwk(), jwk(use=None)))) == ["key-1"]


def test_a_set_without_keys_or_with_others_keys_is_an_empty_set() -> None:
    assert parse_key_set(document()) == {}
    assert parse_key_set(document(jwk(use="enc"))) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"[]",
        b"null",
        b"{}",
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":[],"keys":[]}',
        b'{"keys":[',
        b"\xff\xfe",
        b"[" * 50_000,
        document({"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"}),
        document(1),
    ],
)
def test_a_document_that_is_no_sound_key_set_is_an_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_key_set(body)


def test_representations_show_ids_only() -> None:
    key = parse_key(msgspec.convert(jwk(), Jwk))
    assert repr(key) == "VerificationKey(kid='key-1', alg='ES256')"
    private = msgspec.convert({**key_for().private_jwk()}, Jwk)
    assert str(key_for().private_jwk()["d"]) not in repr(private)
