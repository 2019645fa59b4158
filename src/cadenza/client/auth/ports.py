"""The ports to whoever signs users in: the identity provider itself, or the backend over the WebSocket.

Above: the flows (``passwords``, ``codes``, ``redirects``, ``account``, ``mfa``). ``provider`` and ``socket`` implement
them. Each call raises ``IdentityError`` for a refusal and ``TransportError`` when out of reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from cadenza.client.auth.session import Session
from cadenza.client.auth.users import SecondFactor, UserRecord
from cadenza.protocol.auth import LogoutScope
from cadenza.protocol.auth.messages import Discreet
from cadenza.protocol.auth.words import VerifyType
from cadenza.schema.auth import AuthUser


class Landing(Discreet, frozen=True, kw_only=True):
    """Where a mailed link or a provider sends the browser in the end.

    Attributes:
        redirect_to: The address; empty for the provider's own site.
        code_challenge: S256 of the flow's verifier: the browser then brings a code. Empty: it brings the session.
    """

    redirect_to: str = ""
    code_challenge: str = ""


class UserChanges(Discreet, frozen=True, kw_only=True):
    """What changes of a user; None leaves it as it is. In ``metadata`` a None removes the key."""

    email: str | None = None
    password: str | None = None
    metadata: Mapping[str, object] | None = None
    nonce: str | None = None
    current_password: str | None = None


class TotpEnrollment(Discreet, frozen=True, kw_only=True):
    """What an authenticator app needs, told once. The factor counts for nothing until its first code was verified.

    Attributes:
        factor_id: For ``mfa.verify``.
        uri: ``otpauth:``, to be shown as a QR code.
        secret: The same, to be typed in.
        name: As the user called it.
    """

    factor_id: str
    uri: str
    secret: str
    name: str = ""


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge that waits for its code until ``expires_at`` (seconds since the epoch)."""

    id: str
    expires_at: float


class Grants(Protocol):
    """What yields a session at once."""

    async def password(self, email: str, password: str) -> Session:
        """Sign in."""
        ...

    async def sign_up(
        self, email: str, password: str, metadata: Mapping[str, object] | None, landing: Landing
    ) -> Session | None:
        """Make a user. None: the address must be confirmed first."""
        ...

    async def anonymous(self, metadata: Mapping[str, object] | None) -> Session:
        """Sign in as a new user without name or password."""
        ...

    async def id_token(self, provider: str, id_token: str, access_token: str | None, nonce: str | None) -> Session:
        """Sign in with an ID token that another issuer gave."""
        ...

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session."""
        ...


class Mails(Protocol):
    """What goes by mail."""

    async def send_code(
        self, email: str, *, create_user: bool, metadata: Mapping[str, object] | None, landing: Landing
    ) -> None:
        """Mail a code and a link."""
        ...

    async def recover(self, email: str, landing: Landing) -> None:
        """Mail what lets one in without the password."""
        ...

    async def resend(self, email: str, kind: VerifyType, landing: Landing) -> None:
        """Mail a confirmation once more."""
        ...

    async def verify_code(self, email: str, code: str, kind: VerifyType) -> Session | None:
        """Redeem a typed code. None: the other code of a change of address is still to come."""
        ...

    async def verify_link(self, token_hash: str, kind: VerifyType) -> Session | None:
        """Redeem what a mailed link carries, without following it."""
        ...


class Redirects(Protocol):
    """What goes through a browser."""

    async def provider_url(self, provider: str, landing: Landing, scopes: str, extra: Mapping[str, str] | None) -> str:
        """Where the browser begins."""
        ...

    async def exchange(self, code: str, verifier: str) -> Session:
        """Trade the code that it brought for a session, once."""
        ...


class Account(Protocol):
    """What a signed-in user does."""

    async def user(self, access_token: str) -> AuthUser:
        """Whose token it is."""
        ...

    async def update_user(self, access_token: str, changes: UserChanges, landing: Landing) -> AuthUser:
        """Change the user."""
        ...

    async def reauthenticate(self, access_token: str) -> None:
        """Mail the code that a new password may want."""
        ...

    async def sign_out(self, access_token: str, scope: LogoutScope) -> None:
        """End sessions."""
        ...


class Identities(Protocol):
    """A user's ways in. Only the provider itself is asked for these."""

    async def link_url(
        self, access_token: str, provider: str, landing: Landing, scopes: str, extra: Mapping[str, str] | None
    ) -> str:
        """Where it begins to add a way in to a signed-in user."""
        ...

    async def record(self, access_token: str) -> UserRecord:
        """The user with ways in and second factors."""
        ...

    async def unlink_identity(self, access_token: str, identity_id: str) -> None:
        """Remove a way in."""
        ...


class Factors(Protocol):
    """A user's second factors."""

    async def factors(self, access_token: str) -> tuple[SecondFactor, ...]:
        """Which there are."""
        ...

    async def enroll(self, access_token: str, name: str, issuer: str) -> TotpEnrollment:
        """Begin to add an authenticator app."""
        ...

    async def challenge(self, access_token: str, factor_id: str) -> Challenge:
        """Begin to prove a factor."""
        ...

    async def verify_factor(self, access_token: str, factor_id: str, challenge_id: str, code: str) -> Session:
        """Prove it: a session at ``aal2``."""
        ...

    async def unenroll(self, access_token: str, factor_id: str) -> None:
        """Remove a factor."""
        ...


class SignIn(Grants, Mails, Redirects, Account, Factors, Protocol):
    """The identity provider, or the backend on its behalf."""
