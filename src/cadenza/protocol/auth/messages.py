"""Supabase Auth's bodies as frozen structs, both ways, in the order and spelling of the wire (snake_case).

Times are RFC 3339 text exactly as the provider wrote it (up to nine digits of a second). Secrets and personal data
never show in a ``repr``. Unknown fields are ignored by readers.

Above: ``requests`` and ``responses`` on the asking side, ``cadenza.identity`` on the answering one.
"""

from __future__ import annotations

import enum
from typing import Any  # only in __rich_repr__, whose supertype has it

import msgspec


class Discreet(msgspec.Struct, frozen=True, kw_only=True):
    """A message that holds secrets or personal data: its ``repr`` shows the type and nothing else."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # msgspec gives structs one; rich would print every field
        return []


class LogoutScope(enum.StrEnum):
    """Which sessions a sign-out ends."""

    GLOBAL = "global"
    LOCAL = "local"
    OTHERS = "others"


class GrantType(enum.StrEnum):
    """The grants of ``POST /token`` this stack asks for."""

    PASSWORD = "password"  # noqa: S105 - a grant's name
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a grant's name


# What is asked. `None` reads like an absent field, as it does in Supabase Auth.


class SignupBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /signup``."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None
    data: dict[str, object] | None = None


class PasswordGrantBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /token?grant_type=password``."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None


class RefreshTokenGrantBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /token?grant_type=refresh_token``."""

    refresh_token: str | None = None


class UserUpdateBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``PUT /user``. In ``data`` a null removes the key; ``app_metadata`` is refused (``not_admin``)."""

    email: str | None = None
    phone: str | None = None
    password: str | None = None
    data: dict[str, object] | None = None
    app_metadata: dict[str, object] | None = None


# What is answered.


class Identity(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """One way in that a user has: ``id`` is the user's id at that provider, ``identity_id`` this row's."""

    identity_id: str
    id: str
    user_id: str
    identity_data: dict[str, object]
    provider: str
    last_sign_in_at: str | None = None
    created_at: str
    updated_at: str
    email: str | None = None


class User(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """A user as ``/user`` and sessions show it. ``app_metadata`` is the provider's, ``user_metadata`` the user's."""

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
    last_sign_in_at: str | None = None
    app_metadata: dict[str, object]
    user_metadata: dict[str, object]
    identities: tuple[Identity, ...]
    created_at: str
    updated_at: str
    banned_until: str | None = None
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
    """

    access_token: str
    token_type: str
    expires_in: int
    expires_at: int
    refresh_token: str
    user: User
    weak_password: WeakPassword | msgspec.UnsetType | None = msgspec.UNSET

    def __repr__(self) -> str:
        return f"<Session of user {self.user.id}, expires_at={self.expires_at}>"


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
