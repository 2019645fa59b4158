"""The ID-token grant: another issuer's word for who somebody is, for a session.

The token must be of a configured provider, good now, for a client of ours, and bound to what the caller shows: the
nonce it was asked for with (hashed in the token), the access token it came with (``at_hash``).

Above: ``parts``. Below: ``providers``, ``linking``, ``sessions``.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from cadenza.identity.errors import validation_failed
from cadenza.identity.exchange import Request, decode_body
from cadenza.identity.linking import Linking, Waiting
from cadenza.identity.oauth import METHOD
from cadenza.identity.oauth_errors import (
    OAuthRefusalError,
    provider_disabled,
    provider_unreachable,
)
from cadenza.identity.providers import IdToken, IdTokenError, OidcProvider, ProviderError, Providers
from cadenza.identity.providers.oidc import Apple, Azure, said_issuer
from cadenza.identity.records import Records
from cadenza.identity.sessions import Caller, Opened, Sessions
from cadenza.identity.store import Store
from cadenza.protocol.auth import IdTokenGrantBody, Session

_LOG: Final = logging.getLogger(__name__)
_INVALID: Final = "invalid request"
_LONGEST_ECHO: Final = 64


class IdTokenGrant:
    """See the module.

    Args:
        store: For transactions.
        providers: Those that are configured.
        linking: Says whose user it is.
        sessions: Opens one.
        caller_of: Says who calls, where a way in is added.
    """

    def __init__(
        self,
        *,
        store: Store,
        providers: Providers,
        linking: Linking,
        sessions: Sessions,
        caller_of: Callable[[Request], Awaitable[Caller]],
    ) -> None:
        self._store = store
        self._providers = providers
        self._linking = linking
        self._sessions = sessions
        self._caller_of = caller_of

    async def exchange(self, request: Request) -> Session:
        """The session of whoever the token is about."""
        asked = decode_body(request.body, IdTokenGrantBody)
        if not asked.id_token:
            raise OAuthRefusalError(_INVALID, "id_token required")
        if not asked.provider and not (asked.client_id and asked.issuer):
            raise OAuthRefusalError(_INVALID, "provider or client_id and issuer required")
        target = await self._linking_user(request, asked)
        provider = self._provider(asked, asked.id_token)
        token = await _believed(provider, asked.id_token, asked.access_token or "")
        _require_ours(provider, token)
        if not provider.config.skip_nonce_check:
            _require_nonce(token, asked.nonce or "")
        profile = provider.read(token)

        def open_session(records: Records) -> Opened | Waiting:
            if target is not None:
                user = self._linking.link(records, target, profile, provider=provider.name, agent=request.agent)
            else:
                user = self._linking.sign_in(
                    records,
                    profile,
                    provider=provider.name,
                    email_optional=provider.config.email_optional,
                    agent=request.agent,
                )
            if isinstance(user, Waiting):
                return user
            return self._sessions.open(records, user, method=METHOD, agent=request.agent, provider=provider.name)

        opened = await self._store.write(open_session)
        if isinstance(opened, Waiting):
            await self._linking.turn_away(opened)
        return self._sessions.hand_out(opened)

    async def _linking_user(self, request: Request, asked: IdTokenGrantBody) -> str | None:
        if not asked.link_identity:
            return None
        if not request.headers.get("authorization"):
            raise OAuthRefusalError(_INVALID, "Linking requires a valid user access token in Authorization")
        return (await self._caller_of(request)).user.id

    def _provider(self, asked: IdTokenGrantBody, token: str) -> OidcProvider:
        """The provider that is named, by its name or by its issuer."""
        name = (asked.provider or "").lower()
        found = self._providers.get(name) if name else self._providers.of_issuer(asked.issuer or "")
        _require_own_issuer(name, token, asked.issuer or "")
        if found is None and name in _HAVE_ISSUERS:
            raise provider_disabled(_HAVE_ISSUERS[name])
        if not isinstance(found, OidcProvider):
            shown = name[:_LONGEST_ECHO].encode("unicode_escape").decode()
            raise validation_failed(f'Custom OIDC provider "{shown}" not allowed')
        return found


#: Providers with ID tokens, and what they are called where they are not configured.
_HAVE_ISSUERS: Final = {
    "apple": "https://appleid.apple.com",
    "azure": "https://login.microsoftonline.com",
    "google": "https://accounts.google.com",
    "keycloak": "",
}
_OWN_ISSUERS: Final = {"apple": ("Apple", Apple.is_own), "azure": ("Azure", Azure.is_own)}


def _require_own_issuer(name: str, token: str, expected: str) -> None:
    """Whose token it says it is, where a provider has several names."""
    if name not in _OWN_ISSUERS:
        return
    shown, is_own = _OWN_ISSUERS[name]
    said = said_issuer(token)
    if not said:
        raise validation_failed(f"Unable to detect issuer in ID token for {shown} provider")
    if not is_own(said):
        article = "an Apple" if name == "apple" else "an Azure"
        raise validation_failed(f"Detected ID token issuer is not {article} ID token issuer")
    if expected and expected != said:
        raise validation_failed("Provided issuer does not match ID token issuer")


async def _believed(provider: OidcProvider, token: str, access_token: str) -> IdToken:
    try:
        believed = await provider.believe(token)
    except IdTokenError as error:
        _LOG.info("ID token of %s refused: %s", provider.name, error)
        raise OAuthRefusalError(_INVALID, "Bad ID token") from None
    except ProviderError as error:
        _LOG.warning("OAuth provider %s: %s", provider.name, error)
        raise provider_unreachable() from error
    if access_token and not believed.is_bound_to(access_token):
        raise OAuthRefusalError(_INVALID, "Bad ID token")
    if not believed.subject:
        raise OAuthRefusalError(_INVALID, "Missing sub claim in id_token")
    return believed


def _require_ours(provider: OidcProvider, token: IdToken) -> None:
    if not set(provider.client_ids) & set(token.audiences):
        shown = " ".join(token.audiences)[:_LONGEST_ECHO]
        raise OAuthRefusalError(_INVALID, f"Unacceptable audience in id_token: [{shown}]")


def _require_nonce(token: IdToken, nonce: str) -> None:
    if bool(token.nonce) != bool(nonce):
        raise OAuthRefusalError(_INVALID, "Passed nonce and nonce in id_token should either both exist or not.")
    hashed = hashlib.sha256(nonce.encode()).hexdigest()
    if nonce and not hmac.compare_digest(hashed.encode(), token.nonce.encode()):
        raise OAuthRefusalError("invalid nonce", "Nonces mismatch")
