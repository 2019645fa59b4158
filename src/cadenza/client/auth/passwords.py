"""Ways in without a mail and without a browser: password, sign-up, anonymous, another issuer's ID token.

Above: ``flows``. Below: ``host``, ``ports``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.client.auth.host import Flow
from cadenza.client.auth.ports import Landing
from cadenza.client.auth.session import Session


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sign-up.

    Attributes:
        session: The session, already in use; None when the address must be confirmed first.
    """

    session: Session | None

    @property
    def needs_confirmation(self) -> bool:
        """Whether the user must first follow the link in their mail, or type its code (``verify_code``)."""
        return self.session is None


class PasswordFlows(Flow):
    """Sign-in in one step."""

    async def sign_in_with_password(self, email: str, password: str) -> Session:
        """Sign in. ``session.needs_second_factor`` says whether ``mfa.verify`` should follow.

        Raises:
            IdentityError: Refused; ``error_code`` says why (``invalid_credentials``, ``email_not_confirmed``).
            TransportError: The provider, or the gateway, cannot be reached.
            ConfigurationError: The provider's address is not known.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        return await self._begin(await (await self._prepare()).password(email, password))

    async def sign_up(
        self, email: str, password: str, *, metadata: Mapping[str, object] | None = None, redirect_to: str = ""
    ) -> SignUp:
        """Make a user and, unless the address must be confirmed first, sign in.

        Args:
            email: The address.
            password: Eight characters or more.
            metadata: The user's own data.
            redirect_to: Where the confirmation's link leads in the end; the provider's site if not given.

        Raises:
            IdentityError: Refused (``user_already_exists``, ``weak_password``).
            TransportError: Out of reach.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        sign_in = await self._prepare()
        session = await sign_in.sign_up(email, password, metadata, Landing(redirect_to=redirect_to))
        return SignUp(session=None if session is None else await self._begin(session))

    async def sign_in_anonymously(self, *, metadata: Mapping[str, object] | None = None) -> Session:
        """Sign in as a new user without name or password; ``upgrade`` makes a lasting one of it.

        Raises:
            IdentityError: Refused (``anonymous_provider_disabled``).
            TransportError: Out of reach.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        return await self._begin(await (await self._prepare()).anonymous(metadata))

    async def sign_in_with_id_token(
        self, provider: str, id_token: str, *, access_token: str | None = None, nonce: str | None = None
    ) -> Session:
        """Sign in with an ID token that another issuer gave (OpenID Connect).

        Args:
            provider: As the provider is configured: ``google``, ``apple``, or an issuer's address.
            id_token: The token.
            access_token: That issuer's, where the ID token has an ``at_hash``.
            nonce: In clear; the ID token holds its SHA-256.

        Raises:
            IdentityError: Refused.
            TransportError: Out of reach.
            SessionStoreError: The session could not be kept; nothing was sent.
        """
        sign_in = await self._prepare()
        return await self._begin(await sign_in.id_token(provider, id_token, access_token, nonce))
