"""Properties: garbage raises only ``AuthError``, no changed bit passes, signing and verifying are inverse."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tokens.kit import (
    at_once,
    base64url,
    claims,
    forge,
    key_for,
    signature_by,
    token,
    verifier,
)

from cadenza.errors import AuthError, ProtocolError
from cadenza.tokens.claims import check_form
from cadenza.tokens.compact import MAX_TOKEN_CHARACTERS
from cadenza.tokens.jwks import StaticKeySet
from cadenza.tokens.keys import parse_key_set
from cadenza.tokens.signer import Signer
from cadenza.tokens.verifier import Verifier

ALGORITHMS = ["ES256", "RS256", "EdDSA", "HS256"]
KEYS = {alg: key_for(alg, kid=alg) for alg in ALGORITHMS}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
header_names = st.sampled_from(["alg", "kid", "typ", "cty", "crit", "b64", "jwk", "jku", "zip", "x"])
claim_names = st.sampled_from(
    [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "role",
        "amr",
        "channels",
        "subs",
        "info",
        "b64info",
        "meta",
        "expire_at",
    ]
)
parts = st.binary(max_size=60).map(base64url) | st.text(max_size=40)


def checker_of_all() -> Verifier:
    public = [KEYS[alg].public_jwk() for alg in ("ES256", "RS256", "EdDSA")]
    return verifier(StaticKeySet(public), algorithms=ALGORITHMS, legacy_secret=KEYS["HS256"].secret())


CHECKER = checker_of_all()


def judge(text: str) -> bool:
    """Whether the token passes. Anything but a verdict is a defect."""
    assert CHECKER.cached(text) is None
    try:
        check_form(text)
    except AuthError:
        well_formed = False
    else:
        well_formed = True
    try:
        verified = at_once(CHECKER.verify(text))
    except AuthError:
        return False
    assert well_formed or not verified.sub or verified.exp is None
    CHECKER._cache.clear()
    return True


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=200) | st.lists(parts, min_size=1, max_size=5).map(".".join))
def test_garbage_is_refused_and_raises_nothing_else(text: str) -> None:
    assert not judge(text)


@settings(deadline=None, max_examples=20)
@given(st.text(min_size=1, max_size=3), st.integers(MAX_TOKEN_CHARACTERS - 3, MAX_TOKEN_CHARACTERS * 4))
def test_garbage_of_any_length_is_refused(unit: str, length: int) -> None:
    assert not judge((unit * length)[:length])


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(header_names, json_values, max_size=5),
    st.dictionaries(claim_names, json_values, max_size=6),
    st.sampled_from(ALGORITHMS),
    st.sampled_from(["its own", "the key's"]),
)
def test_any_header_and_claims_well_signed_get_a_verdict(
    header: dict[str, object], odd: dict[str, object], alg: str, alg_and_kid: str
) -> None:
    """The signature holds, so what is judged is the rest."""
    key = KEYS[alg]
    members = {**header, "alg": alg, "kid": alg} if alg_and_kid == "the key's" else header
    judge(forge(members, {**claims(), **odd}, signature_by(key)))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=80))
def test_any_bytes_in_three_parts_get_a_verdict(header: bytes, payload: bytes, signature: bytes) -> None:
    assert not judge(forge(header, payload, lambda _: signature))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_well_signed_get_a_verdict(payload: bytes) -> None:
    assert not judge(forge({"alg": "EdDSA", "kid": "EdDSA"}, payload, signature_by(KEYS["EdDSA"])))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_changed_bit_of_a_good_token_passes(alg: str) -> None:
    """All of them, not a sample."""
    good = token(KEYS[alg], email=None, phone=None, amr=None, app_metadata=None, user_metadata=None)
    assert judge(good)
    data = good.encode()
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            assert not judge(changed.decode("latin-1")), (position, bit)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_shortened_or_lengthened_token_passes(alg: str) -> None:
    good = token(KEYS[alg])
    for length in range(len(good)):
        assert not judge(good[:length])
        assert not judge(good[length + 1 :])
    for extra in ("A", "=", ".", " ", "\n", "\x00", "AAAA", ".AAAA"):
        assert not judge(good + extra)
        assert not judge(extra + good)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(ALGORITHMS),
    st.text(min_size=1, max_size=40),
    st.dictionaries(st.text(max_size=10).map("x_".__add__), json_values, max_size=4),
    st.lists(st.text(max_size=20), max_size=4),
)
def test_what_is_signed_verifies_to_the_same_claims(
    alg: str, sub: str, extra: dict[str, object], channels: list[str]
) -> None:
    signed = Signer(KEYS[alg]).sign(claims(sub=sub, channels=channels, **extra))
    verified = at_once(CHECKER.verify(signed))
    read = check_form(signed)
    assert verified.sub == sub
    assert verified.channels == tuple(channels)
    assert verified.claims == read.claims
    assert CHECKER.cached(signed) is verified
    CHECKER._cache.clear()


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300) | json_values.map(lambda value: repr(value).replace("'", '"').encode()))
def test_any_key_set_document_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert parse_key_set(body) == {}


jwk_members = st.fixed_dictionaries(
    {"kty": st.sampled_from(["EC", "RSA", "OKP", "oct", "", "X"])},
    optional={
        "kid": st.sampled_from(["a", "b", ""]),
        "crv": st.sampled_from(["P-256", "Ed25519", "P-384", ""]),
        "alg": st.sampled_from(["ES256", "RS256", "EdDSA", "none"]),
        "use": st.sampled_from(["sig", "enc"]),
        "key_ops": st.lists(st.sampled_from(["verify", "sign"]), max_size=2),
        **{name: st.binary(max_size=40).map(base64url) | st.text(max_size=8) for name in ("x", "y", "n", "e")},
    },
)


@settings(deadline=None, max_examples=300)
@given(st.lists(jwk_members | json_values, max_size=4))
def test_any_member_of_a_key_set_is_used_or_passed_over(members: list[object]) -> None:
    try:
        keys = parse_key_set(msgspec.json.encode({"keys": members}))
    except ProtocolError:
        return
    # Only a full-length Ed25519 point can be right by chance, and it must say what it is.
    assert all(key.alg == "EdDSA" for key in keys.values())
