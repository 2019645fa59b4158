"""The verifier: the one place where a token becomes something to be believed.

Above: ``gateway`` at connect and refresh, ``backend`` where a token travels in params, tests.
Below: ``jwks`` finds keys, ``keys`` checks signatures, ``claims`` reads what was signed.

The order is fixed: form, header, key, signature, then claims: nothing a token says is used before its signature has
been checked, except the header's ``alg`` (compared with a list) and ``kid`` (looked up). RFC 8725 throughout.
"""

import base64
import binascii
import hmac
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec

from cadenza.errors import (
    ConfigurationError,
    TokenExpiredError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.tokens.claims import (
    ASYMMETRIC_ALGORITHMS,
    SYMMETRIC_ALGORITHMS,
    Claims,
    Header,
    SubscriptionGrant,
    decode_claims,
    decode_header,
)
from cadenza.tokens.compact import MAX_TOKEN_CHARACTERS, split
from cadenza.tokens.jwks import KeySet
from cadenza.tokens.keys import MAX_KID_CHARACTERS, VerificationKey

__all__ = ["DEFAULT_ALGORITHMS", "VerifiedToken", "Verifier"]

#: What an identity provider with asymmetric keys signs with.
DEFAULT_ALGORITHMS = ("ES256", "RS256", "EdDSA")

#: RFC 7518 section 3.2: at least as long as the digest. Supabase demands the same of its legacy secret.
MIN_SECRET_BYTES = 32
#: Enough for clocks that are kept; more would make ``exp`` a suggestion.
MAX_LEEWAY_SECONDS = 300.0

# Shared objects, not made anew per entry: a cache hit then touches memory that is warm.
_LONG_AGO, _NEVER = float("-inf"), float("inf")

_ACCEPTED_TYPES = frozenset({"jwt", "at+jwt"})


class VerifiedToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says, now known to come from the issuer, for this audience.

    Attributes:
        sub: The user, empty for a token without one.
        exp: Seconds since the epoch, ``None`` for a token without end.
        connection_expires_at: When a connection made with it ends: Centrifugo's ``expire_at`` where it is given (0 or
            less: never), else ``exp``. ``None``: never.
        channels: Channels to subscribe the connection to. Empty when ``subs`` is given, which takes precedence.
        subs: The same with options.
        info: What presence shows of the connection, JSON or bytes; empty when absent.
        meta: JSON that travels to the backend with each call; empty when absent.
        claims: All typed claims.
        alg: The algorithm it was signed with.
        kid: The key it was signed with, empty for the legacy secret.
    """

    sub: str
    exp: float | None
    connection_expires_at: float | None
    channels: tuple[str, ...]
    subs: Mapping[str, SubscriptionGrant]
    info: bytes
    meta: bytes
    claims: Claims
    alg: str
    kid: str

    @property
    def expire_at(self) -> int | None:
        """Centrifugo's claim of that name, as it stands."""
        return self.claims.expire_at

    def __repr__(self) -> str:
        return f"VerifiedToken(sub={self.sub!r}, exp={self.exp!r}, ...)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("sub", self.sub), ("exp", self.exp)]


class _Entry(NamedTuple):
    """A verified token, the key it hangs on (``None``: the legacy secret), and when it holds: from <= now < until."""

    token: VerifiedToken
    key: VerificationKey | None
    valid_from: float
    valid_until: float


class Verifier:
    """Verifies access tokens of one issuer for one audience.

    Args:
        keys: The issuer's public keys. ``StaticKeySet([])`` when there is only a legacy secret.
        issuer: The exact ``iss``.
        audience: What ``aud`` must be, or contain.
        algorithms: The algorithms allowed. The token never chooses another.
        legacy_secret: The shared secret of HS256 tokens, which must then be in ``algorithms`` as well. Whoever has the
            secret can sign as anyone, and Supabase's public anon key is such a token (row A5): migrate away from it.
        require_exp: Refuse a token that never expires.
        require_sub: Refuse a token without a user. The gateway leaves this off: it has its own answer, 3507.
        allowed_roles: If given, ``role`` must be one of these.
        refuse_future_iat: Refuse a token issued in the future. Off: ``iat`` bounds nothing (RFC 7519 section 4.1.6),
            Centrifugo ignores it, and a clock a second slow would refuse every fresh token.
        leeway_seconds: How far the issuer's clock may differ when ``exp``, ``nbf`` and ``iat`` are judged.
        clock: Seconds since the epoch.
        cache_size: How many verified tokens are kept, by digest, least recently used out. 0 keeps none.

    Raises:
        ConfigurationError: An argument is missing, weak or contradictory.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        algorithms: Collection[str] = DEFAULT_ALGORITHMS,
        legacy_secret: bytes | str | None = None,
        require_exp: bool = True,
        require_sub: bool = False,
        allowed_roles: Collection[str] | None = None,
        refuse_future_iat: bool = False,
        leeway_seconds: float = 0,
        clock: Callable[[], float],
        cache_size: int = 8192,
    ) -> None:
        self._keys = keys
        self._issuer = _required(issuer, "issuer")
        self._audience = _required(audience, "audience")
        self._secret = _secret_bytes(legacy_secret)
        self._algorithms = _allow_list(algorithms, has_secret=self._secret is not None)
        self._require_exp = require_exp
        self._require_sub = require_sub
        self._allowed_roles = None if allowed_roles is None else frozenset(allowed_roles)
        self._refuse_future_iat = refuse_future_iat
        if not 0 <= leeway_seconds <= MAX_LEEWAY_SECONDS:
            raise ConfigurationError(
                f"The leeway must be between 0 and {MAX_LEEWAY_SECONDS:g} seconds.", setting="leeway_seconds"
            )
        self._leeway = leeway_seconds
        self._clock = clock
        if cache_size < 0:
            raise ConfigurationError("The cache size cannot be negative.", setting="cache_size")
        self._cache_size = cache_size
        self._cache: OrderedDict[bytes, _Entry] = OrderedDict()

    @property
    def cached_tokens(self) -> int:
        """How many verified tokens are held."""
        return len(self._cache)

    def cached(self, token: str) -> VerifiedToken | None:
        """The token as verified before, if it still holds: not expired, its key still in the set.

        Never waits and never raises; ``None`` means that ``verify`` must be asked.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        try:
            digest = sha256(token.encode()).digest()
        except UnicodeEncodeError:  # a lone surrogate: no text, and no token
            return None
        entry = self._cache.get(digest)
        if entry is None:
            return None
        verified, key, valid_from, valid_until = entry
        now = self._clock()
        if key is not None:
            keys, since, until = self._keys.believed
            if not since <= now < until:
                return None  # the key set must be asked first
            if keys.get(key.kid) is not key:
                valid_until = _LONG_AGO
        if not valid_from <= now < valid_until:
            del self._cache[digest]
            return None
        self._cache.move_to_end(digest)
        return verified

    async def verify(self, token: str) -> VerifiedToken:
        """Verify a token.

        Raises:
            TokenFormatError: It is not a token of the required form.
            TokenInvalidError: Signature, algorithm, key, issuer, audience or another claim is refused.
            TokenExpiredError: It was good.
            TokenNotYetValidError: It will be good.
            KeysUnavailableError: Nothing can be said of it, for want of keys. Temporary.
        """
        known = self.cached(token)
        if known is not None:
            return known
        parts = split(token)
        header = decode_header(parts.header)
        self._require_acceptable(header)
        key = await self._check_signature(header, parts.signing_input, parts.signature)
        claims = decode_claims(parts.payload)
        self._require_time(claims)
        self._require_origin(claims)
        verified = _verified(claims, alg=header.alg, kid="" if key is None else key.kid)
        self._remember(token, verified, key)
        return verified

    def __repr__(self) -> str:
        return f"Verifier(issuer={self._issuer!r}, audience={self._audience!r}, algorithms={sorted(self._algorithms)})"

    # Header and signature

    def _require_acceptable(self, header: Header) -> None:
        if header.alg not in self._algorithms:
            raise TokenInvalidError("The token's algorithm is not allowed.")
        if header.crit or header.b64:
            raise TokenInvalidError("The token's header demands an extension (crit, b64).")
        if header.cty:
            raise TokenInvalidError("The token holds another token (cty).")
        if header.typ is not None and header.typ.lower().removeprefix("application/") not in _ACCEPTED_TYPES:
            raise TokenInvalidError("The token's type is not that of an access token.")

    async def _check_signature(self, header: Header, signing_input: bytes, signature: bytes) -> VerificationKey | None:
        if header.alg in SYMMETRIC_ALGORITHMS:
            key, good = None, self._secret is not None and _hs256_verifies(self._secret, signing_input, signature)
        else:
            key = await self._find_key(header)
            good = key.verifies(signing_input, signature)
        if not good:
            raise TokenInvalidError("The token's signature is not the issuer's.")
        return key

    async def _find_key(self, header: Header) -> VerificationKey:
        kid = header.kid
        if not kid or len(kid) > MAX_KID_CHARACTERS:
            raise TokenInvalidError("The token's header has no usable kid.")
        key = await self._keys.find(kid)
        if key.alg != header.alg:
            raise TokenInvalidError("The token's algorithm is not that of its key.")
        return key

    # Claims, in Centrifugo's order: an expired token of another issuer counts as expired

    def _require_time(self, claims: Claims) -> None:
        now = self._clock()
        if claims.exp is None:
            if self._require_exp:
                raise TokenInvalidError("The token has no exp.")
        elif claims.exp + self._leeway <= now:
            raise TokenExpiredError("The token has expired.")
        if claims.nbf is not None and claims.nbf - self._leeway > now:
            raise TokenNotYetValidError("The token is not valid yet (nbf).")
        if self._refuse_future_iat and claims.iat is not None and claims.iat - self._leeway > now:
            raise TokenNotYetValidError("The token was issued in the future (iat).")

    def _require_origin(self, claims: Claims) -> None:
        if not claims.is_for(self._audience):
            raise TokenInvalidError("The token is for another audience.")
        if claims.iss != self._issuer:
            raise TokenInvalidError("The token is of another issuer.")
        if self._require_sub and not claims.sub:
            raise TokenInvalidError("The token has no sub.")
        if self._allowed_roles is not None and claims.role not in self._allowed_roles:
            raise TokenInvalidError("The token's role is not allowed.")

    def _remember(self, token: str, verified: VerifiedToken, key: VerificationKey | None) -> None:
        if not self._cache_size:
            return
        claims = verified.claims
        digest = sha256(token.encode()).digest()
        self._cache[digest] = _Entry(
            token=verified,
            key=key,
            valid_from=_LONG_AGO if claims.nbf is None else claims.nbf - self._leeway,
            valid_until=_NEVER if claims.exp is None else claims.exp + self._leeway,
        )
        self._cache.move_to_end(digest)
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)


def _hs256_verifies(secret: bytes, signing_input: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(secret, signing_input, "sha256"), signature)


def _verified(claims: Claims, *, alg: str, kid: str) -> VerifiedToken:
    if claims.channel:
        raise TokenInvalidError("A connection token cannot hold a channel claim.")
    subs = {channel: _unpacked(grant) for channel, grant in (claims.subs or {}).items()}
    if claims.expire_at is None:
        connection_expires_at = claims.exp
    else:
        connection_expires_at = float(claims.expire_at) if claims.expire_at > 0 else None
    return VerifiedToken(
        sub=claims.sub or "",
        exp=claims.exp,
        connection_expires_at=connection_expires_at,
        channels=() if subs else claims.channels or (),
        subs=subs,
        info=_decode_base64(claims.b64info) or _json(claims.info),
        meta=_json(claims.meta),
        claims=claims,
        alg=alg,
        kid=kid,
    )


def _unpacked(grant: SubscriptionGrant) -> SubscriptionGrant:
    """Put what stands in base64 where it would stand otherwise; it goes before what stands there."""
    if not grant.b64info and not grant.b64data:
        return grant
    return msgspec.structs.replace(
        grant,
        info=msgspec.Raw(_decode_base64(grant.b64info)) or grant.info,
        data=msgspec.Raw(_decode_base64(grant.b64data)) or grant.data,
    )


def _json(raw: msgspec.Raw) -> bytes:
    text = bytes(raw)
    return b"" if text == b"null" else text


def _decode_base64(text: str | None) -> bytes:
    if not text:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise TokenInvalidError("A base64 claim of the token is not base64.") from None


def _required(value: str, setting: str) -> str:
    # Row A4: without these two, any token of the same key would do.
    if not value:
        raise ConfigurationError(f"A verifier needs the {setting} that tokens must name.", setting=setting)
    return value


def _allow_list(algorithms: Collection[str], *, has_secret: bool) -> frozenset[str]:
    allowed = frozenset([algorithms] if isinstance(algorithms, str) else algorithms)
    known = ASYMMETRIC_ALGORITHMS | SYMMETRIC_ALGORITHMS
    if not allowed or not allowed <= known:
        raise ConfigurationError(f"The algorithms must be some of {', '.join(sorted(known))}.", setting="algorithms")
    if ("HS256" in allowed) != has_secret:
        raise ConfigurationError(
            "HS256 needs both: its name among the algorithms and the legacy secret.", setting="legacy_secret"
        )
    return allowed


def _secret_bytes(secret: bytes | str | None) -> bytes | None:
    if secret is None:
        return None
    data = secret.encode() if isinstance(secret, str) else secret
    if len(data) < MIN_SECRET_BYTES:
        raise ConfigurationError(
            f"The legacy secret is shorter than {MIN_SECRET_BYTES} bytes: it can be guessed from one token.",
            setting="legacy_secret",
        )
    if _is_key_text(data.lstrip()):
        # A public key as a secret is the oldest algorithm confusion (RFC 8725 section 2.1).
        raise ConfigurationError("The legacy secret looks like a key, not like a secret.", setting="legacy_secret")
    return data


def _is_key_text(data: bytes) -> bool:
    """Whether it is PEM, OpenSSH's or JSON. A brace alone says nothing: of random secrets one in 256 begins with it."""
    if data.startswith(b"{"):
        return b'"kty"' in data or b'"keys"' in data
    return data.startswith((b"-----BEGIN", b"ssh-", b"ecdsa-"))
