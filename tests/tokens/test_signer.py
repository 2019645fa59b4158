"""Signing keys: how they are made, stored and published, and what a signer refuses to sign."""

from __future__ import annotations

import math

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import import_key
from tests.tokens.kit import AUDIENCE, ISSUER, USER, base64url, claims, key_for, verifier

from cadenza.errors import ConfigurationError, UsageError, ValidationError
from cadenza.tokens.claims import check_form
from cadenza.tokens.jwks import StaticKeySet
from cadenza.tokens.signer import Signer, SigningKey

ASYMMETRIC = ["ES256", "RS256", "EdDSA"]
ALL = [*ASYMMETRIC, "HS256"]
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


@pytest.mark.parametrize("alg", ALL)
async def test_what_is_signed_verifies_also_after_the_key_was_stored(alg: str) -> None:
    key = SigningKey.generate(alg)
    stored = msgspec.json.decode(msgspec.json.encode(key.private_jwk()))
    again = SigningKey.from_jwk(stored)
    assert (again.alg, again.kid, again.private_jwk()) == (key.alg, key.kid, key.private_jwk())
    if alg == "HS256":
        checker = verifier(StaticKeySet([]), algorithms=[alg], legacy_secret=key.secret())
    else:
        checker = verifier(StaticKeySet([key.public_jwk()]))
    assert (await checker.verify(Signer(again).sign(claims()))).sub == USER


@pytest.mark.parametrize("alg", ["ES256", "RS256", "HS256"])
def test_another_library_reads_what_we_sign(alg: str) -> None:
    key = key_for(alg)
    stranger = import_key(key.private_jwk() if alg == "HS256" else key.public_jwk())  # type: ignore[arg-type]
    decoded = jwt.decode(Signer(key).sign(claims()), stranger, algorithms=[alg])
    assert decoded.claims == claims()
    assert decoded.header == {"alg": alg, "kid": "key-1", "typ": "JWT"}


def test_another_library_reads_our_eddsa_too() -> None:
    key = key_for("EdDSA")
    stranger = import_key(key.public_jwk())  # type: ignore[arg-type]  # joserfc's dict is invariant
    with pytest.warns(match="RFC 9864"):
        assert jwt.decode(Signer(key).sign(claims()), stranger, algorithms=["EdDSA"]).claims == claims()


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_the_published_half_is_as_supabase_publishes_it(alg: str) -> None:
    public = key_for(alg).public_jwk()
    assert (public["alg"], public["kid"], public["use"], public["key_ops"]) == (alg, "key-1", "sig", ["verify"])
    assert not PRIVATE_MEMBERS & public.keys()


@pytest.mark.parametrize("alg", ALL)
def test_the_stored_key_is_as_gotrue_takes_it(alg: str) -> None:
    """``reference/supabase-auth.md``: one key has ``sign`` in ``key_ops``; each has ``kid`` and ``alg``."""
    private = key_for(alg).private_jwk()
    assert (private["alg"], private["kid"], private["use"]) == (alg, "key-1", "sig")
    assert "sign" in str(private["key_ops"])


def test_a_key_without_a_name_is_named_by_its_thumbprint_and_a_secret_is_not() -> None:
    """RFC 7638 section 7: the thumbprint of a secret helps to guess it."""
    key = SigningKey.generate()
    assert SigningKey.from_jwk({**key.private_jwk(), "kid": None} | {}).kid == key.kid
    assert len(key.kid) == 43
    secret = SigningKey.generate("HS256")
    assert secret.kid == ""
    assert check_form(Signer(secret).sign(claims())).header.kid is None


def test_a_shared_secret_has_no_public_half() -> None:
    with pytest.raises(UsageError):
        key_for("HS256").public_jwk()
    assert len(key_for("HS256").secret()) == 32
    with pytest.raises(UsageError):
        key_for("ES256").secret()


@pytest.mark.parametrize("alg", ["none", "HS512", "ES384", "PS256", ""])
def test_no_other_algorithm_is_made(alg: str) -> None:
    with pytest.raises(UsageError):
        SigningKey.generate(alg)


@pytest.mark.parametrize("kid", ["", "k" * 257])
def test_an_unusable_id_is_refused(kid: str) -> None:
    with pytest.raises(UsageError):
        SigningKey.generate(kid=kid)
    with pytest.raises(ConfigurationError):
        SigningKey.from_jwk({**key_for().private_jwk(), "kid": kid})


@pytest.mark.parametrize(
    ("alg", "change"),
    [
        ("ES256", {"kty": None}),
        ("ES256", {"kty": "AKP"}),
        ("ES256", {"crv": "P-384"}),
        ("ES256", {"d": None}),
        ("ES256", {"d": base64url(b"\x00" * 32)}),
        ("ES256", {"d": "!"}),
        ("ES256", {"d": 5}),
        ("ES256", {"x": base64url(b"\x01" * 32)}),
        ("ES256", {"alg": "RS256"}),
        ("ES256", {"use": "enc"}),
        ("ES256", {"key_ops": ["verify"]}),
        ("ES256", {"key_ops": "sign"}),
        ("ES256", {"kid": 7}),
        ("EdDSA", {"crv": "X25519"}),
        ("EdDSA", {"d": None}),
        ("RS256", {"d": None}),
        ("RS256", {"n": None}),
        ("RS256", {"n": base64url(b"\xf1" * 128)}),
        ("HS256", {"k": None}),
        ("HS256", {"k": base64url(b"x" * 31)}),
        ("HS256", {"alg": "HS512"}),
    ],
)
def test_a_stored_key_that_is_unsound_is_refused_without_being_shown(alg: str, change: dict[str, object]) -> None:
    whole = {**key_for(alg).private_jwk(), **change}
    with pytest.raises(ConfigurationError) as caught:
        SigningKey.from_jwk({name: value for name, value in whole.items() if value is not None})
    assert caught.value.setting == "signing_key"
    assert caught.value.__cause__ is None
    for member in PRIVATE_MEMBERS & key_for(alg).private_jwk().keys():
        assert str(key_for(alg).private_jwk()[member]) not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        {"sub": 42},
        {"exp": "tomorrow"},
        {"exp": math.nan},
        {"exp": math.inf},
        {"nbf": -math.inf},
        {"aud": [1]},
        {"channels": "all"},
        {"expire_at": 2**63},
        {"app_metadata": object()},
        {"user_metadata": {1 + 2j: 1}},
    ],
)
def test_a_signer_issues_nothing_its_own_verifier_would_not_read(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Signer(key_for()).sign({**claims(), **bad})


def test_any_other_json_is_signed_as_it_stands() -> None:
    extra = {"custom": {"a": [1, 2.5, None, "ü"]}, "meta": {"session_id": "s", "aal": "aal1"}}
    read = check_form(Signer(key_for()).sign({**claims(), **extra}), issuer=ISSUER, audience=AUDIENCE)
    assert msgspec.json.decode(read.claims_json) == {**claims(), **extra}


@pytest.mark.parametrize("alg", ALL)
def test_no_representation_shows_the_private_half(alg: str) -> None:
    key = key_for(alg)
    shown = f"{key!r} {key} {Signer(key)!r}"
    assert shown == f"{key!r} {key!r} Signer({key!r})"
    for member in PRIVATE_MEMBERS & key.private_jwk().keys():
        assert str(key.private_jwk()[member]) not in shown
