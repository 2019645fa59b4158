"""OpenID issuers: their discovery documents and key sets, and the ID tokens they sign.

A document is believed for ten minutes, one is fetched at a time, and it must be about the issuer that was asked for
(OpenID Connect Discovery 1.0 section 4.3). Signature, issuer and times of an ID token are checked by
``tokens.verifier``; audience, nonce and ``at_hash`` (OpenID Connect Core section 3.1.3.7) by whoever asked for it.

Above: ``oidc``, ``grants.id_token``. Below: ``web``, ``tokens``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from cadenza.errors import AuthError
from cadenza.identity.providers.web import ProviderError, Web, require_safe
from cadenza.tokens.claims import decode_claims
from cadenza.tokens.compact import split
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.verifier import Verifier

_DISCOVERY: Final = "/.well-known/openid-configuration"
_BELIEVED_SECONDS: Final = 600.0
#: Azure has an issuer for each tenant.
_MOST_ISSUERS: Final = 64
_HASHES: Final = {"ES256": "sha256", "RS256": "sha256", "EdDSA": "sha512"}
#: Between the issuer's clock and ours.
_LEEWAY_SECONDS: Final = 5


class IdTokenError(Exception):
    """An ID token that is not believed."""


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a discovery document (OpenID Connect Discovery 1.0 section 3, RFC 9207 section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


class IdToken(msgspec.Struct, frozen=True, kw_only=True):
    """An ID token whose signature, issuer and times are good."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    nonce: str
    at_hash: str
    algorithm: str
    claims: Mapping[str, object]

    def __repr__(self) -> str:
        return "<IdToken>"

    def is_bound_to(self, access_token: str) -> bool:
        """Whether ``at_hash``, where there is one, is of that access token."""
        if not self.at_hash:
            return True
        digest = hashlib.new(_HASHES[self.algorithm], access_token.encode()).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
        return hmac.compare_digest(half, self.at_hash.encode())


class Issuer:
    """One issuer, discovered."""

    def __init__(self, document: Discovery, keys: RemoteKeySet, *, clock: Callable[[], float]) -> None:
        self.document = document
        self.keys = keys
        self._clock = clock

    async def believe(self, token: str, *, issuer: str = "") -> IdToken:
        """Check an ID token.

        Args:
            token: In compact form.
            issuer: Another name it may go by; empty: the one it was discovered under.

        Raises:
            IdTokenError: It is not this issuer's, or not good now.
        """
        try:
            claims = decode_claims(split(token).payload)
            audiences = (claims.aud,) if isinstance(claims.aud, str) else claims.aud or ()
            if not audiences or not audiences[0]:
                raise IdTokenError("The token is for nobody.")
            # The audience is compared by whoever knows which ones are theirs, and has words of its own for it.
            verifier = Verifier(
                self.keys,
                issuer=issuer or self.document.issuer,
                audience=audiences[0],
                clock=self._clock,
                leeway_seconds=_LEEWAY_SECONDS,
                cache_size=0,
            )
            verified = await verifier.verify(token)
        except (AuthError, ProviderError) as error:
            raise IdTokenError(str(error)) from error
        raw = msgspec.json.decode(split(token).payload, type=dict[str, object])
        return IdToken(
            issuer=issuer or self.document.issuer,
            subject=verified.sub,
            audiences=audiences,
            nonce=_text(raw, "nonce"),
            at_hash=_text(raw, "at_hash"),
            algorithm=verified.alg,
            claims=raw,
        )


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


class Issuers:
    """Discovers them and keeps what it learned.

    Args:
        web: Asks.
        clock: Seconds since the epoch.
    """

    def __init__(self, web: Web, *, clock: Callable[[], float]) -> None:
        self._web = web
        self._clock = clock
        self._known: dict[str, tuple[float, Issuer]] = {}
        self._discovering: dict[str, asyncio.Lock] = {}

    async def of(self, issuer: str) -> Issuer:
        """The issuer of that address.

        Raises:
            ProviderError: It cannot be discovered, or the document is another's.
        """
        lock = self._discovering.setdefault(issuer, asyncio.Lock())
        try:
            async with lock:
                return await self._known_or_discovered(issuer)
        finally:
            if self._discovering.get(issuer) is lock and not lock.locked():
                del self._discovering[issuer]

    async def _known_or_discovered(self, issuer: str) -> Issuer:
        at, known = self._known.get(issuer, (0.0, None))
        if known is not None and 0 <= self._clock() - at < _BELIEVED_SECONDS:
            return known
        document = await self._discover(issuer)
        if known is not None and known.document.jwks_uri == document.jwks_uri:
            keys = known.keys
        else:
            keys = RemoteKeySet(lambda: self._web.get_keys(document.jwks_uri), clock=self._clock)
        found = Issuer(document, keys, clock=self._clock)
        self._known[issuer] = (self._clock(), found)
        await self._bound()
        return found

    async def close(self) -> None:
        """End fetches under way."""
        for _, known in self._known.values():
            await known.keys.aclose()

    async def _discover(self, issuer: str) -> Discovery:
        answer = await self._web.get_object(issuer.rstrip("/") + _DISCOVERY)
        try:
            document = msgspec.convert(answer, Discovery)
        except msgspec.ValidationError:
            raise ProviderError("the discovery document lacks what it must have") from None
        if document.issuer != issuer:
            raise ProviderError("the discovery document is another issuer's")
        endpoints = (document.authorization_endpoint, document.token_endpoint, document.jwks_uri)
        for endpoint in (*endpoints, document.userinfo_endpoint or issuer):
            require_safe(endpoint, named_by=issuer)
        return document

    async def _bound(self) -> None:
        while len(self._known) > _MOST_ISSUERS:
            _, gone = self._known.pop(next(iter(self._known)))
            await gone.keys.aclose()
