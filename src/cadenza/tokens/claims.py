"""What a token says: its header and claims, and the check of its form that needs no key.

Above: the SDK (before a token goes on the wire), ``verifier`` (after the signature), the command line.
Below: ``compact``. A bare install has all of it.

Types are those of RFC 7519, of Supabase Auth's access token and of the claims Centrifugo gives a meaning to
(``channels``, ``subs``, ``info``, ``b64info``, ``meta``, ``expire_at``, ``channel``; row A10). A claim of another type
is refused, as Centrifugo does; ``null`` counts as absent, as it does in Go. Unknown claims are ignored.
"""

from typing import Annotated

import msgspec

from cadenza.errors import TokenFormatError
from cadenza.tokens.compact import MAX_TOKEN_CHARACTERS, decode_json, split

__all__ = [
    "ASYMMETRIC_ALGORITHMS",
    "MAX_TOKEN_CHARACTERS",
    "SYMMETRIC_ALGORITHMS",
    "AuthenticationMethod",
    "Claims",
    "Header",
    "SubscriptionFlag",
    "SubscriptionGrant",
    "SubscriptionOverride",
    "UnverifiedToken",
    "check_form",
    "decode_claims",
    "decode_header",
]

#: What Supabase Auth signs with and Cadenza verifies. Nothing else is known, above all not ``none``.
ASYMMETRIC_ALGORITHMS = frozenset({"ES256", "RS256", "EdDSA"})
SYMMETRIC_ALGORITHMS = frozenset({"HS256"})
_KNOWN_ALGORITHMS = ASYMMETRIC_ALGORITHMS | SYMMETRIC_ALGORITHMS

_ABSENT = msgspec.Raw(b"")
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The header members that matter (RFC 7515 section 4.1).

    ``jku``, ``jwk``, ``x5u`` and ``x5c`` are not here: a key that comes with the token proves nothing, so they are
    never read (RFC 8725 section 3.10).
    """

    alg: str
    kid: str | None = None
    typ: str | None = None
    cty: msgspec.Raw = _ABSENT
    crit: msgspec.Raw = _ABSENT
    b64: msgspec.Raw = _ABSENT


class AuthenticationMethod(msgspec.Struct, frozen=True, kw_only=True):
    """One way the user proved who they are (Supabase's ``amr`` entries), and when, in seconds since the epoch."""

    method: str
    timestamp: float = 0


class SubscriptionFlag(msgspec.Struct, frozen=True, kw_only=True):
    """Centrifugo's wrapped boolean."""

    value: bool = False


class SubscriptionOverride(msgspec.Struct, frozen=True, kw_only=True):
    """Channel options that a token sets for one server-side subscription."""

    presence: SubscriptionFlag | None = None
    join_leave: SubscriptionFlag | None = None
    force_push_join_leave: SubscriptionFlag | None = None
    force_recovery: SubscriptionFlag | None = None
    force_positioning: SubscriptionFlag | None = None


class SubscriptionGrant(msgspec.Struct, frozen=True, kw_only=True):
    """One server-side subscription of the ``subs`` claim. ``info`` and ``data`` are JSON, the ``b64`` ones base64."""

    info: msgspec.Raw = _ABSENT
    b64info: str | None = None
    data: msgspec.Raw = _ABSENT
    b64data: str | None = None
    override: SubscriptionOverride | None = None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """A token's claims. Times are seconds since the epoch; raw members are JSON text, empty when absent.

    The representation shows the issuer and the subject only: a token holds personal data.
    """

    iss: str | None = None
    sub: str | None = None
    aud: str | tuple[str, ...] | None = None
    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None
    jti: str | None = None

    # Supabase Auth
    role: str | None = None
    session_id: str | None = None
    aal: str | None = None
    amr: tuple[AuthenticationMethod | str, ...] | None = None
    is_anonymous: bool | None = None
    client_id: str | None = None
    email: str | None = None
    phone: str | None = None
    app_metadata: msgspec.Raw = _ABSENT
    user_metadata: msgspec.Raw = _ABSENT

    # Centrifugo
    channel: str | None = None
    channels: tuple[str, ...] | None = None
    subs: dict[str, SubscriptionGrant] | None = None
    info: msgspec.Raw = _ABSENT
    b64info: str | None = None
    meta: msgspec.Raw = _ABSENT
    expire_at: _Int64 | None = None

    def is_for(self, audience: str) -> bool:
        """Whether ``audience`` is the audience, or one of them (RFC 7519 section 4.1.3)."""
        if isinstance(self.aud, str):
            return self.aud == audience
        return self.aud is not None and audience in self.aud

    def __repr__(self) -> str:
        return f"Claims(iss={self.iss!r}, sub={self.sub!r}, ...)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("iss", self.iss), ("sub", self.sub)]


class UnverifiedToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says of itself. Nobody has checked that it is true.

    Attributes:
        header: The header.
        claims: The claims.
        header_json: The whole header as it stood.
        claims_json: All claims as they stood, unknown ones too. Personal data: never log it.
    """

    header: Header
    claims: Claims
    header_json: bytes
    claims_json: bytes

    def __repr__(self) -> str:
        return f"UnverifiedToken(alg={self.header.alg[:16]!r}, claims={self.claims!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("alg", self.header.alg[:16]), ("claims", self.claims)]


_HEADER = msgspec.json.Decoder(Header)
_CLAIMS = msgspec.json.Decoder(Claims)


def decode_header(raw: bytes) -> Header:
    """Decode a header. Raises TokenFormatError."""
    return decode_json(raw, _HEADER, "token's header members")


def decode_claims(raw: bytes) -> Claims:
    """Decode claims. Raises TokenFormatError."""
    return decode_json(raw, _CLAIMS, "token's claims")


def check_form(token: str, *, issuer: str | None = None, audience: str | None = None) -> UnverifiedToken:
    """Check that a token is one the gateway could accept, without a key, before it goes on the wire.

    Three base64url parts; a header with a known ``alg``, and ``kid`` if the algorithm is asymmetric; ``sub`` and
    ``exp``; ``iss`` and ``aud`` where they are known. Neither the signature nor the time is looked at.

    Args:
        token: The access token.
        issuer: The issuer it must name, if known.
        audience: The audience it must be for, if known.

    Raises:
        TokenFormatError: It is not, and no server would take it. The message names the part at fault.
    """
    parts = split(token)
    header = decode_header(parts.header)
    claims = decode_claims(parts.payload)
    _require_known_key(header)
    _require_claims(claims, issuer, audience)
    return UnverifiedToken(header=header, claims=claims, header_json=parts.header, claims_json=parts.payload)


def _require_known_key(header: Header) -> None:
    if header.alg not in _KNOWN_ALGORITHMS:
        raise TokenFormatError(f"The token's alg is none of {', '.join(sorted(_KNOWN_ALGORITHMS))}.")
    if header.alg in ASYMMETRIC_ALGORITHMS and not header.kid:
        raise TokenFormatError("The token's header has no kid.")


def _require_claims(claims: Claims, issuer: str | None, audience: str | None) -> None:
    if not claims.sub:
        raise TokenFormatError("The token has no sub.")
    if claims.exp is None:
        raise TokenFormatError("The token has no exp.")
    if issuer is not None and claims.iss != issuer:
        raise TokenFormatError(f"The token's iss is not {issuer!r}.")
    if audience is not None and not claims.is_for(audience):
        raise TokenFormatError(f"The token's aud does not name {audience!r}.")
