"""RFC 8725, JSON Web Token Best Current Practices: every threat of section 2 and every practice of section 3.

Each test names its section. Attacks whose point is the key come with a verifier that has the honest key only; that no
key was fetched for them is counted at the provider. Here: algorithms, keys and signatures; what a token says is in
``test_rfc8725_contents.py``.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import OctKey
from tests.tokens.kit import (
    assert_refused,
    base64url,
    claims,
    forge,
    key_for,
    mac_with,
    signature_by,
    signature_of,
    signed_with,
    token,
    verifier,
    with_signature,
)

from cadenza.errors import ConfigurationError, TokenFormatError, TokenInvalidError
from cadenza.tokens.jwks import StaticKeySet

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALGORITHMS = ["ES256", "RS256", "EdDSA"]


def unsigned(_: bytes) -> bytes:
    return b""


def raw_signature(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# 2.1 Weak signatures and insufficient signature validation


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", " none", "none\x00"])
@pytest.mark.parametrize("signature", [b"", b"\x00", b"x" * 64])
async def test_none_is_no_algorithm(alg: str, signature: bytes) -> None:
    """Sections 2.1 and 3.2: ``none``, in every spelling, with and without a signature."""
    await assert_refused(forge({"alg": alg, "kid": "key-1"}, claims(), lambda _: signature))


async def test_a_signature_cut_off_is_no_token() -> None:
    """Section 2.1."""
    head = token().rpartition(".")[0]
    for text in (head, f"{head}.", forge({"alg": "ES256", "kid": "key-1"}, claims(), unsigned)):
        assert isinstance(await assert_refused(text), TokenFormatError)


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_public_key_is_no_shared_secret(alg: str) -> None:
    """Sections 2.1 and 3.1: RS256 (ES256, EdDSA) turned into HS256, the public key as the secret, however written."""
    public = key_for(alg).public_jwk()
    key = _public_key(alg)
    spellings = [
        key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        msgspec.json.encode(public),
        str(public.get("x", public.get("n"))).encode(),
        b"",
    ]
    checker = verifier(StaticKeySet([public]))
    for secret in spellings:
        await assert_refused(forge({"alg": "HS256", "kid": "key-1"}, claims(), mac_with(secret)), checker)
        # Even where HS256 is allowed, the secret is the configured one and nothing else.
        both = verifier(StaticKeySet([public]), algorithms=[alg, "HS256"], legacy_secret="s" * 32)
        await assert_refused(forge({"alg": "HS256", "kid": "key-1"}, claims(), mac_with(secret)), both)


def _public_key(alg: str) -> PublicKeyTypes:
    key = key_for(alg)._key
    assert not isinstance(key, OctKey)
    return key.public_key


def test_a_public_key_configured_as_the_secret_does_not_start() -> None:
    """Section 2.1: the other half of the confusion is ours to make."""
    pem = _public_key("RS256").public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError):
        verifier(algorithms=["HS256"], legacy_secret=pem)


@pytest.mark.parametrize("claimed", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("real", ["ES256", "RS256", "EdDSA"])
async def test_a_key_serves_its_own_algorithm_only(claimed: str, real: str) -> None:
    """Section 3.1: key type and curve are bound to the algorithm, all algorithms being allowed."""
    checker = verifier(StaticKeySet([key_for(real).public_jwk()]))
    text = signed_with({"alg": claimed}, key_for(real))
    if claimed == real:
        assert (await checker.verify(text)).alg == real
    else:
        assert isinstance(await assert_refused(text, checker), TokenInvalidError)


# 2.2 Weak symmetric keys


@pytest.mark.parametrize("secret", ["secret", "password", "s" * 31, b"\x00" * 31])
def test_a_weak_secret_does_not_start(secret: bytes | str) -> None:
    """Sections 2.2 and 3.5: RFC 7518 section 3.2, as long as the digest at least."""
    with pytest.raises(ConfigurationError):
        verifier(algorithms=["HS256"], legacy_secret=secret)


# 2.3 Incorrect composition of encryption and signature; 2.4 and 3.6 compression


async def test_an_encrypted_token_is_not_a_signed_one() -> None:
    """Section 2.3: five parts, and the header of one in three parts."""
    five = ".".join(base64url(part) for part in (b'{"alg":"dir","enc":"A256GCM"}', b"k", b"iv", b"text", b"tag"))
    assert isinstance(await assert_refused(five), TokenFormatError)
    for alg in ("dir", "RSA1_5", "RSA-OAEP", "ECDH-ES", "PBES2-HS256+A128KW"):
        await assert_refused(signed_with({"alg": alg, "enc": "A256GCM", "p2c": 2_000_000_000}))


async def test_nothing_is_ever_decompressed() -> None:
    """Sections 2.4 and 3.6: a bomb of claims, well signed, is not JSON and nothing more."""
    key = key_for()
    bomb = zlib.compress(b" " * 8_000_000 + b"{}")
    text = forge({"alg": "ES256", "kid": "key-1", "zip": "DEF"}, bomb[2:-4], signature_by(key))
    assert isinstance(await assert_refused(text), TokenFormatError)


# 2.5 Insecure use of elliptic curves; 3.3 and 3.4 validate operations and their inputs


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, 0),
        (0, 1),
        (1, 0),
        (P256_ORDER, P256_ORDER),
        (P256_ORDER, 1),
        (1, P256_ORDER),
        (P256_ORDER + 1, 1),
        (2**256 - 1, 2**256 - 1),
        (1, 1),
    ],
)
async def test_a_psychic_signature_proves_nothing(r: int, s: int) -> None:
    """Sections 3.3 and 3.4: r and s of nothing, and at the order of the curve (CVE-2022-21449)."""
    await assert_refused(with_signature(token(), raw_signature(r, s)))


async def test_a_signature_in_der_is_another_spelling_and_refused() -> None:
    """Section 3.3: RFC 7518 section 3.4 wants 64 bytes."""
    good = token()
    signature = signature_of(good)
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    await assert_refused(with_signature(good, der))


@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_signature_of_another_length_is_refused(alg: str) -> None:
    """Section 3.3."""
    good = token(key_for(alg))
    signature = signature_of(good)
    checker = verifier(StaticKeySet([key_for(alg).public_jwk()]))
    half = len(signature) // 2
    wider = signature[:half] + b"\x00" + signature[half:]  # r and s as they were, s with a zero before it
    for bad in (signature[:-1], signature + b"\x00", b"\x00" + signature, signature * 2, signature[:half], wider):
        await assert_refused(with_signature(good, bad), checker)


async def test_the_mirror_of_an_ecdsa_signature_says_the_same_of_the_same_claims() -> None:
    """Section 3.3, a note rather than a threat: (r, n - s) verifies as well, in every JOSE library.

    A token's text is therefore no identity: nothing may be keyed by it that must be unique (revocation is by
    ``session_id``). The claims are what was signed, to the byte.
    """
    good = token()
    signature = signature_of(good)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    mirrored = with_signature(good, raw_signature(r, P256_ORDER - s))
    checker = verifier()
    assert mirrored != good
    assert (await checker.verify(mirrored)).claims == (await checker.verify(good)).claims


@pytest.mark.parametrize(
    "point", [(0, 0), (1, 1), (SECP256R1().key_size, 2), (2**256 - 1, 2**256 - 1)], ids=["zero", "one", "off", "beyond"]
)
def test_a_point_off_the_curve_is_no_key(point: tuple[int, int]) -> None:
    """Sections 2.5 and 3.4: the invalid-curve attack needs a library that does not look."""
    x, y = (base64url(number.to_bytes(32, "big")) for number in point)
    with pytest.raises(ConfigurationError):
        StaticKeySet([{**key_for().public_jwk(), "x": x, "y": y}])


def test_every_section_has_its_test() -> None:
    """A docstring of this file or its other half opens with the sections it covers."""
    wanted = {f"2.{number}" for number in range(1, 10)} | {f"3.{number}" for number in range(1, 13)}
    cited: set[str] = set()
    for path in Path(__file__).parent.glob("test_rfc8725*.py"):
        for opening in re.findall(r'"""Sections? ([\d., and]+)', path.read_text()):
            cited |= set(re.findall(r"\d\.\d+", opening))
    assert cited == wanted
