"""Sign-in over the WebSocket (ours) and the contract's session and user.

Above: ``methods``. Below: scalars. Reprs hold no token, no password and no personal data.
"""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from cadenza.schema.scalars import (
    DateTimeText,
    EmailText,
    JsonValue,
    JwtText,
    Message,
    Nullable,
    Seconds,
    SecretMessage,
    UnixSeconds,
    Uuid,
)

#: Supabase's shortest password here.
NewPassword = Annotated[str, msgspec.Meta(min_length=8)]


class LogoutScope(enum.StrEnum):
    """Which of the user's sessions a sign-out ends."""

    LOCAL = "local"
    GLOBAL = "global"
    OTHERS = "others"


class AuthUserIdentity(SecretMessage, frozen=True, kw_only=True):
    """One way in of a user; ``AuthUserIdentitiesInner`` in the contract. Times are RFC 3339 text."""

    id: str | None = None
    user_id: Uuid | None = None
    identity_data: dict[str, JsonValue] | None = None
    provider: str | None = None
    last_sign_in_at: Nullable[DateTimeText] = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None


class AuthUserAppMetadata(Message, frozen=True, kw_only=True):
    """What the provider's operator says of a user; users cannot change it."""

    tenant_id: Nullable[str] = None
    environments: tuple[str, ...] | None = None


class AuthUser(SecretMessage, frozen=True, kw_only=True):
    """A user as the identity provider knows them; times are RFC 3339 text."""

    id: Uuid | None = None
    email: EmailText | None = None
    phone: Nullable[str] = None
    email_confirmed_at: Nullable[DateTimeText] = None
    phone_confirmed_at: Nullable[DateTimeText] = None
    last_sign_in_at: Nullable[DateTimeText] = None
    role: str | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None
    app_metadata: AuthUserAppMetadata | None = None
    user_metadata: dict[str, JsonValue] | None = None
    identities: Nullable[tuple[AuthUserIdentity, ...]] = None


class AuthSession(SecretMessage, frozen=True, kw_only=True):
    """A session. ``expires_at`` is in seconds since the epoch, ``expires_in`` in seconds from the answer."""

    access_token: JwtText | None = None
    refresh_token: str | None = None
    token_type: str | None = None
    expires_in: Seconds | None = None
    expires_at: UnixSeconds | None = None
    user: AuthUser | None = None


class SignupParams(SecretMessage, frozen=True, kw_only=True):
    """``metadata`` becomes the user's ``userMetadata``."""

    email: EmailText
    password: NewPassword
    metadata: dict[str, JsonValue] | None = None


class LoginParams(SecretMessage, frozen=True, kw_only=True):
    """An e-mail address and its password."""

    email: EmailText
    password: str


class RefreshParams(SecretMessage, frozen=True, kw_only=True):
    """A refresh token, which this uses up."""

    refresh_token: str


class LogoutParams(SecretMessage, frozen=True, kw_only=True):
    """Whose sessions end: the bearer's."""

    access_token: JwtText
    scope: LogoutScope = LogoutScope.LOCAL


class GetUserParams(SecretMessage, frozen=True, kw_only=True):
    """Whose user: the bearer's."""

    access_token: JwtText


class OtpType(enum.StrEnum):
    """What a one-time code proves."""

    EMAIL = "email"
    MAGICLINK = "magiclink"
    SIGNUP = "signup"
    RECOVERY = "recovery"


class SendOtpParams(SecretMessage, frozen=True, kw_only=True):
    """A code or a magic link is mailed."""

    email: EmailText
    type: OtpType = OtpType.EMAIL


class VerifyOtpParams(SecretMessage, frozen=True, kw_only=True):
    """The code from the mail."""

    email: EmailText
    token: str
    type: OtpType = OtpType.EMAIL


class StartOAuthParams(SecretMessage, frozen=True, kw_only=True):
    """Where to send the browser; ``code_challenge`` is S256 (RFC 7636 section 4.2)."""

    provider: str
    redirect_to: str
    code_challenge: str


class OAuthStart(SecretMessage, frozen=True, kw_only=True):
    """The address to open."""

    url: str


class ExchangeOAuthParams(SecretMessage, frozen=True, kw_only=True):
    """The code that the browser came back with, and the verifier it was asked for with."""

    code: str
    code_verifier: str


class ChallengeMfaParams(SecretMessage, frozen=True, kw_only=True):
    """Begin the second factor."""

    access_token: JwtText
    factor_id: Uuid


class MfaChallenge(Message, frozen=True, kw_only=True):
    """A challenge that waits for its code until ``expires_at`` (seconds)."""

    challenge_id: Uuid
    expires_at: UnixSeconds


class VerifyMfaParams(SecretMessage, frozen=True, kw_only=True):
    """The code of the second factor."""

    access_token: JwtText
    factor_id: Uuid
    challenge_id: Uuid
    code: str


class StepUpParams(SecretMessage, frozen=True, kw_only=True):
    """A token at ``aal2`` of the same user and session."""

    access_token: JwtText


class StepUp(Message, frozen=True, kw_only=True):
    """This connection's level, and until when (seconds)."""

    aal: str
    expires_at: UnixSeconds


class RecoverParams(SecretMessage, frozen=True, kw_only=True):
    """Where the mail goes that lets one in without the password."""

    email: EmailText


class UpdateUserParams(SecretMessage, frozen=True, kw_only=True):
    """What changes of the bearer's user."""

    access_token: JwtText
    email: EmailText | None = None
    password: NewPassword | None = None
    metadata: dict[str, JsonValue] | None = None
