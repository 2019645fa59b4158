"""Supabase Auth's answers as frozen structs, in the order, omission and spelling of the wire (snake_case).

Times are RFC 3339 text exactly as the provider wrote it (up to nine digits of a second). Secrets and personal data
never show in a ``repr``. Unknown fields are ignored by readers. What is asked stands in ``bodies``, what admins ask and
are told in ``admin``.

Above: ``responses`` on the asking side, ``cadenza.identity`` on the answering one.
"""

from __future__ import annotations

from typing import Any  # only in __rich_repr__, whose supertype has it

import msgspec


class Discreet(msgspec.Struct, frozen=True, kw_only=True):
    """A message that holds secrets or personal data: its ``repr`` shows the type and nothing else."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # msgspec gives structs one; rich would print every field
        return []


class Identity(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """One way in that a user has: ``id`` is the user's id at that provider, ``identity_id`` this row's.

    ``identity_data`` is absent where it is empty: of a user who was deleted softly.
    """

    identity_id: str
    id: str
    user_id: str
    identity_data: dict[str, object] = {}
    provider: str
    last_sign_in_at: str | None = None
    created_at: str
    updated_at: str
    email: str | None = None


class Factor(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """A second factor that a user has. ``status``: ``verified``, or ``unverified`` while it counts for nothing."""

    id: str
    created_at: str
    updated_at: str
    status: str
    friendly_name: str = ""
    factor_type: str
    phone: str
    last_challenged_at: str | None


class User(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """A user as ``/user`` and sessions show it. ``app_metadata`` is the provider's, ``user_metadata`` the user's.

    ``confirmed_at`` is absent in the answer that has just confirmed the user (it is the database's own column).
    ``identities`` is null, not empty, where an admin lists users.
    """

    id: str
    aud: str
    role: str
    email: str
    email_confirmed_at: str | None = None
    invited_at: str | None = None
    phone: str
    phone_confirmed_at: str | None = None
    confirmation_sent_at: str | None = None
    confirmed_at: str | None = None
    recovery_sent_at: str | None = None
    new_email: str | None = None
    email_change_sent_at: str | None = None
    new_phone: str | None = None
    phone_change_sent_at: str | None = None
    reauthentication_sent_at: str | None = None
    last_sign_in_at: str | None = None
    app_metadata: dict[str, object]
    user_metadata: dict[str, object]
    factors: tuple[Factor, ...] = ()
    identities: tuple[Identity, ...] | None
    created_at: str
    updated_at: str
    banned_until: str | None = None
    deleted_at: str | None = None
    is_anonymous: bool

    def __repr__(self) -> str:
        return f"<User {self.id}>"


class WeakPassword(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a password is weak: ``length``, ``characters``, ``pwned``. ``message`` only beside a session."""

    message: str = ""
    reasons: tuple[str, ...] = ()


class Session(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """What signing in and refreshing yield. ``expires_in`` seconds from the answer on, ``expires_at`` seconds (epoch).

    ``weak_password`` is on the wire only after the password grant, where null means that the password is fine.
    ``provider_token`` and ``provider_refresh_token`` are the OAuth provider's own, given once, after signing in there.
    """

    access_token: str
    token_type: str
    expires_in: int
    expires_at: int
    refresh_token: str
    user: User
    provider_token: str | None = None
    provider_refresh_token: str | None = None
    weak_password: WeakPassword | msgspec.UnsetType | None = msgspec.UNSET

    def __repr__(self) -> str:
        return f"<Session of user {self.user.id}, expires_at={self.expires_at}>"


class Totp(Discreet, frozen=True, kw_only=True):
    """What an authenticator app needs, shown once: an SVG of the QR code, the secret, the ``otpauth:`` address."""

    qr_code: str
    secret: str
    uri: str


class EnrolledFactor(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /factors``. The factor counts for nothing until its first code has been verified."""

    id: str
    type: str
    friendly_name: str
    totp: Totp | None = None
    phone: str = ""


class FactorChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """``POST /factors/{id}/challenge``. ``expires_at``: seconds (epoch)."""

    id: str
    type: str
    expires_at: int


class UnenrolledFactor(msgspec.Struct, frozen=True, kw_only=True):
    """``DELETE /factors/{id}``."""

    id: str


class OtpSent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /otp``, ``/resend``: ``message_id`` only for text messages."""

    message_id: str = ""


class HalfConfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """``POST /verify``, the first of the two codes of a change of address: the other one is still to come."""

    code: str = "200"
    msg: str = "Confirmation link accepted. Please proceed to confirm link sent to the other email"


class ProviderUrl(Discreet, frozen=True, kw_only=True):
    """``GET /user/identities/authorize``: where the browser goes. The address holds the flow's ``state``."""

    url: str


class Empty(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that says nothing: ``{}``."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """``GET /health``."""

    version: str
    name: str
    description: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``GET /settings``: what a sign-in page needs to know. ``external``: which ways in are open."""

    external: dict[str, bool]
    disable_signup: bool
    mailer_autoconfirm: bool
    phone_autoconfirm: bool
    sms_provider: str
    saml_enabled: bool
    saml_private_key_next_configured: bool = False
    passkeys_enabled: bool = False


class OpenIdConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """``GET /.well-known/openid-configuration`` (OpenID Connect Discovery 1.0 section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    scopes_supported: tuple[str, ...] = ()
    response_types_supported: tuple[str, ...] = ()
    response_modes_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ()
    subject_types_supported: tuple[str, ...] = ()
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    claims_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
