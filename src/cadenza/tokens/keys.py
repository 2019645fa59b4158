"""A public key that checks signatures, and the reading of a JSON Web Key Set into such keys (RFC 7517).

Above: ``jwks`` keeps sets of them, ``verifier`` asks them, ``signer`` makes their private halves.
Below: ``compact``; joserfc reads a JWK, cryptography checks a signature.

A key is bound to exactly one algorithm when it is read, so no token can choose how its key is used (RFC 8725 section
3.1), and it is parsed then, never per token.
"""

from collections.abc import Callable, Mapping

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

from cadenza.errors import ProtocolError, TokenFormatError
from cadenza.tokens.compact import decode_json

__all__ = [
    "MAX_KID_CHARACTERS",
    "MAX_RSA_BITS",
    "MIN_RSA_BITS",
    "P256_BYTES",
    "Jwk",
    "KeyRejectedError",
    "VerificationKey",
    "parse_key",
    "parse_key_set",
]

#: A longer ``kid`` is refused unseen.
MAX_KID_CHARACTERS = 256
#: RFC 7518 section 3.3 demands 2048; beyond 8192 one check costs milliseconds.
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192

#: The length of a coordinate, and of each half of an ES256 signature.
P256_BYTES = 32

_Check = Callable[[bytes, bytes], None]


class KeyRejectedError(Exception):
    """This JWK is not used. ``malformed`` tells a broken or dangerous one from one that is merely not for us."""

    def __init__(self, reason: str, *, malformed: bool) -> None:
        super().__init__(reason)
        self.malformed = malformed


class Jwk(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a JWK that are read. The private ones are here only to be refused."""

    kty: str
    kid: str | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None
    d: object = None
    k: object = None

    def __repr__(self) -> str:
        return f"Jwk(kty={self.kty!r}, kid={self.kid!r}, ...)"


class VerificationKey:
    """One public key, its ``kid``, and the one algorithm it is for.

    Attributes:
        kid: The key's id, never empty.
        alg: ES256, RS256 or EdDSA.
        thumbprint: RFC 7638; two keys with the same one are the same key.
    """

    __slots__ = ("_check", "_members", "alg", "kid", "thumbprint")

    def __init__(self, *, kid: str, alg: str, thumbprint: str, members: Mapping[str, str], check: _Check) -> None:
        self.kid = kid
        self.alg = alg
        self.thumbprint = thumbprint
        self._members = members
        self._check = check

    def verifies(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's over ``signing_input``."""
        try:
            self._check(signing_input, signature)
        except InvalidSignature:
            return False
        return True

    def public_jwk(self) -> dict[str, str]:
        """The key as a JWKS shows it, with ``use`` and ``alg``: Centrifugo passes over a key that has no ``use``."""
        return {**self._members, "kid": self.kid, "alg": self.alg, "use": "sig"}

    def is_same_as(self, other: "VerificationKey") -> bool:
        """Whether a token checked by one is as good as checked by the other."""
        return self.kid == other.kid and self.alg == other.alg and self.thumbprint == other.thumbprint

    def __repr__(self) -> str:
        return f"VerificationKey(kid={self.kid!r}, alg={self.alg!r})"


def _es256(key: EllipticCurvePublicKey) -> _Check:
    scheme = ECDSA(SHA256())

    def check(signing_input: bytes, signature: bytes) -> None:
        # RFC 7518 section 3.4: r and s as two 32-byte numbers, never the DER that OpenSSL wants.
        if len(signature) != 2 * P256_BYTES:
            raise InvalidSignature
        r = int.from_bytes(signature[:P256_BYTES], "big")
        s = int.from_bytes(signature[P256_BYTES:], "big")
        key.verify(encode_dss_signature(r, s), signing_input, scheme)

    return check


def _rs256(key: RSAPublicKey) -> _Check:
    padding, digest = PKCS1v15(), SHA256()

    def check(signing_input: bytes, signature: bytes) -> None:
        key.verify(signature, signing_input, padding, digest)

    return check


def _eddsa(key: Ed25519PublicKey) -> _Check:
    def check(signing_input: bytes, signature: bytes) -> None:
        key.verify(signature, signing_input)

    return check


def parse_key(jwk: Jwk) -> VerificationKey:
    """Make a key that checks signatures of a public JWK.

    Raises:
        KeyRejectedError: It is not one of ours, or not a sound public key.
    """
    _require_public_signing_key(jwk)
    try:
        alg, thumbprint, members, check = _READERS[jwk.kty](jwk)
    except KeyError:
        raise KeyRejectedError(f"key type {jwk.kty[:16]!r} is not used", malformed=False) from None
    except (ValueError, TypeError, AttributeError, JoseError, UnsupportedAlgorithm) as error:
        # Off the curve, not base64url, a number out of range: whatever the libraries call it.
        raise KeyRejectedError("the key material is unsound", malformed=True) from error
    if jwk.alg is not None and jwk.alg != alg:
        raise KeyRejectedError(f"alg {jwk.alg[:16]!r} is not used with this key type", malformed=False)
    if not jwk.kid:
        raise KeyRejectedError("the key has no kid", malformed=True)
    return VerificationKey(kid=jwk.kid, alg=alg, thumbprint=thumbprint, members=members, check=check)


def _require_public_signing_key(jwk: Jwk) -> None:
    if jwk.d is not None or jwk.k is not None:
        raise KeyRejectedError("the key is private, and published", malformed=True)
    if jwk.kid is not None and len(jwk.kid) > MAX_KID_CHARACTERS:
        raise KeyRejectedError("the kid is too long", malformed=True)
    if jwk.use is not None and jwk.use != "sig":
        raise KeyRejectedError("the key is not for signatures", malformed=False)
    if jwk.key_ops is not None and "verify" not in jwk.key_ops:
        raise KeyRejectedError("the key is not for verifying", malformed=False)


_Read = tuple[str, str, dict[str, str], _Check]


def _read_ec(jwk: Jwk) -> _Read:
    if jwk.crv != "P-256":
        raise KeyRejectedError("the curve is not P-256", malformed=jwk.crv is None)
    members = _members(kty="EC", crv="P-256", x=jwk.x, y=jwk.y)
    key = ECKey.import_key({**members})
    public = key.public_key
    if not isinstance(public.curve, SECP256R1):
        raise KeyRejectedError("the curve is not P-256", malformed=True)
    return "ES256", key.thumbprint(), members, _es256(public)


def _read_rsa(jwk: Jwk) -> _Read:
    members = _members(kty="RSA", n=jwk.n, e=jwk.e)
    # Before joserfc sees it, which only warns of short keys, and says so on the console.
    bits = base64_to_int(jwk.n or "").bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise KeyRejectedError(f"an RSA key of {bits} bits is not used", malformed=True)
    key = RSAKey.import_key({**members})
    return "RS256", key.thumbprint(), members, _rs256(key.public_key)


def _read_okp(jwk: Jwk) -> _Read:
    if jwk.crv != "Ed25519":
        raise KeyRejectedError("the curve is not Ed25519", malformed=jwk.crv is None)
    members = _members(kty="OKP", crv="Ed25519", x=jwk.x)
    key = OKPKey.import_key({**members})
    public = key.public_key
    if not isinstance(public, Ed25519PublicKey):
        raise KeyRejectedError("the curve is not Ed25519", malformed=True)
    return "EdDSA", key.thumbprint(), members, _eddsa(public)


_READERS: Mapping[str, Callable[[Jwk], _Read]] = {"EC": _read_ec, "RSA": _read_rsa, "OKP": _read_okp}


def _members(**members: str | None) -> dict[str, str]:
    """The public members, all of them there (RFC 7517 section 5: a key that misses one is ignored)."""
    present: dict[str, str] = {}
    for name, value in members.items():
        if not value:
            raise KeyRejectedError(f"the key has no {name}", malformed=True)
        present[name] = value
    return present


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    keys: tuple[msgspec.Raw, ...]


_DOCUMENT = msgspec.json.Decoder(_Document)
_JWK = msgspec.json.Decoder(Jwk)


def parse_key_set(body: bytes) -> dict[str, VerificationKey]:
    """Read a JWKS document into the keys that can be used, by ``kid``.

    A key of another kind or for another use is passed over (RFC 7517 section 5), and so is one that is broken. Two
    different keys under one ``kid`` are both passed over: which was meant cannot be known.

    Raises:
        ProtocolError: The document is not a key set, or holds only broken keys.
    """
    try:
        document = decode_json(body, _DOCUMENT, "key set members")
    except TokenFormatError:
        raise ProtocolError("The key set is not a JWKS document.") from None
    keys: dict[str, VerificationKey] = {}
    ambiguous: set[str] = set()
    malformed = False
    for raw in document.keys:
        try:
            key = parse_key(_JWK.decode(raw))
        except msgspec.DecodeError:
            malformed = True
        except KeyRejectedError as error:
            malformed = malformed or error.malformed
        else:
            known = keys.setdefault(key.kid, key)
            if not known.is_same_as(key):
                ambiguous.add(key.kid)
    for kid in ambiguous:
        del keys[kid]
    if not keys and (malformed or ambiguous):
        raise ProtocolError("The key set holds no sound key.")
    return keys
