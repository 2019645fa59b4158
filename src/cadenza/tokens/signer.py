"""Signing keys and the signer: what an identity provider issues tokens with.

Above: ``identity``; tests. Below: ``claims`` (a signer issues nothing its own reader would refuse), joserfc for JWKs,
cryptography for signatures.

Keys are JWKs in the form Supabase Auth's ``GOTRUE_JWT_KEYS`` takes: ``kid``, ``alg``, ``use`` and ``key_ops`` are set.
"""

import base64
import hmac
import math
from collections.abc import Mapping
from typing import cast

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import base64_to_int, urlsafe_b64decode

from cadenza.errors import ConfigurationError, TokenFormatError, UsageError, ValidationError
from cadenza.tokens.claims import decode_claims
from cadenza.tokens.keys import MAX_KID_CHARACTERS, MIN_RSA_BITS, P256_BYTES

__all__ = ["Signer", "SigningKey"]

_AnyKey = ECKey | RSAKey | OKPKey | OctKey

_SECRET_BITS = 256
_TIMES = ("exp", "nbf", "iat")


class SigningKey:
    """A private key, its id, and the one algorithm it signs with: ES256, RS256, EdDSA, or HS256 for legacy tokens.

    Made by ``generate`` or ``from_jwk``; its representation shows the id and the algorithm.
    """

    __slots__ = ("_key", "alg", "kid")

    def __init__(self, key: _AnyKey, *, alg: str, kid: str) -> None:
        self._key = key
        self.alg = alg
        self.kid = kid

    @classmethod
    def generate(cls, alg: str = "ES256", *, kid: str | None = None) -> "SigningKey":
        """Make a new key.

        Args:
            alg: The algorithm.
            kid: Its id; by default the key's thumbprint (RFC 7638), and none for a shared secret, whose thumbprint
                would help to guess it.

        Raises:
            UsageError: The algorithm is not one of ours, or the id is unusable.
        """
        key: _AnyKey
        match alg:
            case "ES256":
                key = ECKey.generate_key("P-256", private=True)
            case "RS256":
                key = RSAKey.generate_key(MIN_RSA_BITS, private=True)
            case "EdDSA":
                key = OKPKey.generate_key("Ed25519", private=True)
            case "HS256":
                key = OctKey.generate_key(_SECRET_BITS, private=True)
            case _:
                raise UsageError("A signing key is for ES256, RS256, EdDSA or HS256.")
        return cls(key, alg=alg, kid=_kid(key, kid))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "SigningKey":
        """Read a private JWK, as ``private_jwk`` gives it or as ``GOTRUE_JWT_KEYS`` holds it.

        Raises:
            ConfigurationError: It is not a sound private key for one of our algorithms.
        """
        try:
            key, alg = _import(jwk)
        except (ValueError, TypeError, KeyError, AttributeError, JoseError, UnsupportedAlgorithm) as error:
            # Without the cause: what the library says of it may quote the key.
            del error
            raise _rejected("it cannot be read") from None
        if not key.is_private:
            raise _rejected("it is not private")
        if jwk.get("alg", alg) != alg:
            raise _rejected("its alg does not fit its type")
        if jwk.get("use", "sig") != "sig":
            raise _rejected("it is not for signatures")
        operations = jwk.get("key_ops", ["sign"])
        if not isinstance(operations, list | tuple) or "sign" not in operations:
            raise _rejected("it is not for signing")
        kid = jwk.get("kid")
        if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_CHARACTERS):
            raise _rejected(f"its kid is not a text of 1 to {MAX_KID_CHARACTERS} characters")
        return cls(key, alg=alg, kid=_kid(key, kid))

    def private_jwk(self) -> dict[str, object]:
        """The whole key, to be stored where only the provider can read it."""
        return self._jwk(private=True, operations=["sign", "verify"])

    def public_jwk(self) -> dict[str, object]:
        """What may be published.

        Raises:
            UsageError: The key is a shared secret: it has no public half.
        """
        if isinstance(self._key, OctKey):
            raise UsageError("A shared secret has no public half.")
        return self._jwk(private=False, operations=["verify"])

    def secret(self) -> bytes:
        """The shared secret of an HS256 key.

        Raises:
            UsageError: The key is not for HS256.
        """
        if not isinstance(self._key, OctKey):
            raise UsageError("Only an HS256 key is a shared secret.")
        return self._key.raw_value

    def _jwk(self, *, private: bool, operations: list[str]) -> dict[str, object]:
        members = cast("dict[str, object]", self._key.as_dict(private=private))
        identity = {"kid": self.kid} if self.kid else {}
        return {**members, **identity, "alg": self.alg, "use": "sig", "key_ops": operations}

    def sign(self, payload: bytes) -> str:
        """Sign claims already encoded; ``Signer`` does it for claims in Python."""
        header = {"alg": self.alg, "kid": self.kid, "typ": "JWT"} if self.kid else {"alg": self.alg, "typ": "JWT"}
        signing_input = _base64url(msgspec.json.encode(header)) + b"." + _base64url(payload)
        return (signing_input + b"." + _base64url(_signature(self._key, signing_input))).decode()

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r}, alg={self.alg!r})"


def _import(jwk: Mapping[str, object]) -> tuple[_AnyKey, str]:
    """The key and its algorithm, with nothing of the JWK but the key material: the rest is checked by hand."""
    members = cast("dict[str, str | list[str]]", {name: jwk[name] for name in jwk if name in _MATERIAL})
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            return ECKey.import_key(members), "ES256"
        case "OKP", "Ed25519":
            return OKPKey.import_key(members), "EdDSA"
        case "RSA", _:
            _require_strength(base64_to_int(str(members["n"])).bit_length(), MIN_RSA_BITS)
            return RSAKey.import_key(members), "RS256"
        case "oct", _:
            _require_strength(len(urlsafe_b64decode(str(members["k"]).encode())) * 8, _SECRET_BITS)
            return OctKey.import_key(members), "HS256"
        case _:
            raise _rejected("its type is not one of EC with P-256, RSA, OKP with Ed25519, oct")


def _require_strength(bits: int, least: int) -> None:
    # Before joserfc sees it, which only warns of short keys, and says so on the console.
    if bits < least:
        raise _rejected("it is too short")


_MATERIAL = frozenset({"kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "k"})


def _signature(key: _AnyKey, signing_input: bytes) -> bytes:
    # By cryptography rather than joserfc, whose EdDSA warns that RFC 9864 renames it. Supabase and Centrifugo know
    # only the old name.
    if isinstance(key, OctKey):
        return hmac.digest(key.raw_value, signing_input, "sha256")
    private = key.private_key
    match private:
        case EllipticCurvePrivateKey():
            r, s = decode_dss_signature(private.sign(signing_input, ECDSA(SHA256())))
            return r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")
        case RSAPrivateKey():
            return private.sign(signing_input, PKCS1v15(), SHA256())
        case Ed25519PrivateKey():
            return private.sign(signing_input)
    raise UsageError("The signing key is not private.")


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _kid(key: _AnyKey, kid: str | None) -> str:
    if kid is None:
        return "" if isinstance(key, OctKey) else key.thumbprint()
    if not kid or len(kid) > MAX_KID_CHARACTERS:
        raise UsageError(f"A kid has 1 to {MAX_KID_CHARACTERS} characters.")
    return kid


def _rejected(reason: str) -> ConfigurationError:
    return ConfigurationError(f"The signing key cannot be used: {reason}.", setting="signing_key")


class Signer:
    """Issues tokens.

    Args:
        key: The key to sign with.
    """

    def __init__(self, key: SigningKey) -> None:
        self.key = key

    def sign(self, claims: Mapping[str, object]) -> str:
        """Make a token of these claims, in compact form.

        Args:
            claims: Any JSON; members that ``tokens.claims.Claims`` knows must have its types.

        Raises:
            ValidationError: A claim has another type, or is no JSON, or a time is not finite.
        """
        for name in _TIMES:
            value = claims.get(name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValidationError("A time must be finite.", field=name)
        try:
            payload = msgspec.json.encode(claims)
            decode_claims(payload)
        except (TypeError, ValueError, TokenFormatError) as error:
            raise ValidationError(
                "The claims cannot be signed: a member has the wrong type.", field="claims"
            ) from error
        return self.key.sign(payload)

    def __repr__(self) -> str:
        return f"Signer({self.key!r})"
