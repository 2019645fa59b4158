"""Access tokens: what they claim, and whose a bearer is.

The claims are Supabase Auth's, in its order, with ``meta`` on top as its access-token hook would put it there:
Centrifugo hands ``meta`` to the backend with every call, whole.

Above: ``sessions`` issues, ``handlers`` asks who calls. Below: ``access_token_hook``, ``tokens.signer``,
``tokens.verifier``, ``records``.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from cadenza.errors import AuthError, TokenExpiredError, TokenFormatError, TokenNotYetValidError
from cadenza.identity.access_token_hook import meta_of, session_channel
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError, bad_jwt, no_authorization
from cadenza.identity.keys import KeyRing
from cadenza.identity.records import SessionRow, UserRow
from cadenza.tokens.claims import Claims, decode_claims, decode_header
from cadenza.tokens.compact import split
from cadenza.tokens.verifier import DEFAULT_ALGORITHMS, Verifier

_BEARER: Final = re.compile(r"bearer (\S+)", re.IGNORECASE)
_REFUSED: Final = "invalid JWT: unable to parse or verify signature, "


class AccessTokens:
    """Issues and believes them.

    Args:
        config: Issuer, audience, lifetime.
        keys: What to sign with, and what is believed.
        clock: Seconds since the epoch.
    """

    def __init__(self, config: IdentityConfig, keys: KeyRing, *, clock: Callable[[], float]) -> None:
        self._config = config
        self._keys = keys
        self._clock = clock
        self._verifier = Verifier(
            keys,
            issuer=config.token_issuer,
            audience=config.audience,
            algorithms=DEFAULT_ALGORITHMS if keys.shared_secret is None else (*DEFAULT_ALGORITHMS, "HS256"),
            legacy_secret=keys.shared_secret,
            clock=clock,
        )

    def issue(self, user: UserRow, session: SessionRow, *, lifetime_seconds: int) -> tuple[str, int]:
        """A token for a user's session, and when it expires (seconds since the epoch).

        A lifetime that is not positive gives a token that has expired already: tests need such.
        """
        now = int(self._clock())
        expires_at = now + lifetime_seconds
        issued_at = min(now, expires_at - 1)
        return self._keys.signer.sign(
            self._claims(user, session, issued_at=issued_at, expires_at=expires_at)
        ), expires_at

    async def believe(self, headers: Mapping[str, str]) -> Claims:
        """The claims of a request's bearer, which names a user.

        Raises:
            RefusalError: ``no_authorization`` or ``bad_jwt``.
        """
        claims = await self.believe_anyone(headers)
        if not claims.sub:
            raise bad_jwt("invalid claim: missing sub claim")
        return claims

    async def believe_anyone(self, headers: Mapping[str, str]) -> Claims:
        """The claims of a request's bearer, which may name no user, as an administrator's does not.

        Raises:
            RefusalError: ``no_authorization`` or ``bad_jwt``.
        """
        bearer = _BEARER.fullmatch(headers.get("authorization", ""))
        if bearer is None:
            raise no_authorization()
        token = bearer.group(1)
        try:
            return (await self._verifier.verify(token)).claims
        except AuthError as error:
            service = self._service_claims(token)
            if service is None:
                raise _refusal(token, error) from None
            return service

    def _service_claims(self, token: str) -> Claims | None:
        """The claims of a service key, if it is one: signed with the shared secret, for an administrator's role.

        Supabase's service keys name neither this issuer nor an audience, and Supabase Auth asks for neither.
        """
        secret = self._keys.shared_secret
        if secret is None:
            return None
        try:
            parts = split(token)
            claims = decode_claims(parts.payload)
            is_hs256 = decode_header(parts.header).alg == "HS256"
        except AuthError:
            return None
        signed = hmac.compare_digest(hmac.digest(secret, parts.signing_input, "sha256"), parts.signature)
        alive = claims.exp is None or self._clock() < claims.exp
        return claims if is_hs256 and signed and alive and claims.role in self._config.admin_roles else None

    def _claims(self, user: UserRow, session: SessionRow, *, issued_at: int, expires_at: int) -> dict[str, object]:
        app_metadata = msgspec.json.decode(user.app_metadata, type=dict[str, object])
        claims: dict[str, object] = {
            "iss": self._config.token_issuer,
            "sub": user.id,
            "aud": user.aud,
            "exp": expires_at,
            "iat": issued_at,
            "email": user.email or "",
            "phone": user.phone or "",
            "app_metadata": app_metadata,
            "user_metadata": msgspec.json.decode(user.user_metadata),
            "role": user.role,
            "aal": session.aal,
            "amr": msgspec.json.decode(session.amr),
            "session_id": session.id,
            "is_anonymous": user.is_anonymous,
            "meta": meta_of(session.id, session.aal, user.role, app_metadata),
        }
        if self._config.session_channel_claim:
            claims["channels"] = [session_channel(session.id)]
        return claims


def _refusal(token: str, error: AuthError) -> RefusalError:
    """Supabase Auth's words for what is wrong with a token."""
    if isinstance(error, TokenExpiredError):
        return bad_jwt(_REFUSED + "token has invalid claims: token is expired")
    if isinstance(error, TokenNotYetValidError):
        return bad_jwt(_REFUSED + "token has invalid claims: token is not valid yet")
    if not isinstance(error, TokenFormatError):
        return bad_jwt(_REFUSED + "token signature is invalid: signature is invalid")
    if token.count(".") != 2:  # noqa: PLR2004 - header.payload.signature
        return bad_jwt(_REFUSED + "token is malformed: token contains an invalid number of segments")
    return bad_jwt(_REFUSED + "token is malformed: could not be decoded")
