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

# Wherever a mail with a link is asked for: ``redirect_to`` is where the link leads in the end, and must be on the
# provider's allow-list; with ``code_challenge`` (S256, RFC 7636 section 4.2) it leads there with a code for
# ``command.auth.oauth.exchange``, else with the session itself.


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
    redirect_to: str | None = None
    code_challenge: str | None = None


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
    INVITE = "invite"
    EMAIL_CHANGE = "email_change"


class SendOtpParams(SecretMessage, frozen=True, kw_only=True):
    """A code and a link are mailed: to sign in, or (``signup``, ``email_change``) the confirmation once more.

    ``create_user``: whether an unknown address signs up by it; of consequence for ``email`` and ``magiclink`` alone.
    """

    email: EmailText
    type: OtpType = OtpType.EMAIL
    create_user: bool = True
    redirect_to: str | None = None
    code_challenge: str | None = None


class VerifyOtpParams(SecretMessage, frozen=True, kw_only=True):
    """The code from the mail with the address it went to, or ``token_hash``, which the mail's link carries."""

    email: EmailText | None = None
    token: str | None = None
    token_hash: str | None = None
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


class IdTokenParams(SecretMessage, frozen=True, kw_only=True):
    """An ID token that another issuer gave (OpenID Connect Core section 2).

    ``access_token`` is that issuer's, where the ID token has an ``at_hash``; ``nonce`` in clear, where it has one.
    """

    provider: str
    id_token: str
    access_token: str | None = None
    nonce: str | None = None


class MfaFactor(Message, frozen=True, kw_only=True):
    """A second factor that a user has; it counts once its ``status`` is ``verified``. ``type``: ``totp``, or others."""

    id: Uuid
    type: str
    status: str
    friendly_name: str | None = None
    created_at: DateTimeText
    updated_at: DateTimeText


class EnrollMfaParams(SecretMessage, frozen=True, kw_only=True):
    """Begin to add an authenticator app; no two factors of a user share a name. ``issuer`` is what the app shows."""

    access_token: JwtText
    friendly_name: str | None = None
    issuer: str | None = None


class MfaEnrollment(SecretMessage, frozen=True, kw_only=True):
    """What an authenticator app needs, told once: ``uri`` (``otpauth:``) as a QR code, or ``secret`` by hand."""

    factor_id: Uuid
    type: str
    friendly_name: str | None = None
    secret: str
    uri: str


class UnenrollMfaParams(SecretMessage, frozen=True, kw_only=True):
    """Which factor goes; a verified one wants a token at ``aal2``."""

    access_token: JwtText
    factor_id: Uuid


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
    redirect_to: str | None = None
    code_challenge: str | None = None


class UpdateUserParams(SecretMessage, frozen=True, kw_only=True):
    """What changes of the bearer's user; in ``metadata`` a null removes the key.

    A new password may want ``nonce`` (``command.auth.reauthenticate`` mails it) or ``current_password``, as the
    provider is configured. A new address makes an anonymous user a lasting one; otherwise it waits for confirmation.
    """

    access_token: JwtText
    email: EmailText | None = None
    password: NewPassword | None = None
    metadata: dict[str, JsonValue] | None = None
    nonce: str | None = None
    current_password: str | None = None
    redirect_to: str | None = None
    code_challenge: str | None = None


class ReauthenticateParams(SecretMessage, frozen=True, kw_only=True):
    """Whose address the code goes to: the bearer's."""

    access_token: JwtText


class ListMfaParams(SecretMessage, frozen=True, kw_only=True):
    """Whose factors: the bearer's."""

    access_token: JwtText
