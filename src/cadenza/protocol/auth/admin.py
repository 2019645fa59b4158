"""What admins ask of Supabase Auth and what they are told, as frozen structs in the order and spelling of the wire.

Above: ``requests`` and ``responses``, ``cadenza.identity``. Below: ``messages``. Source: the recorded exchanges; for
``admin/oauth/clients``, which they lack, Supabase Auth's ``internal/api/oauthserver``.
"""

from __future__ import annotations

import msgspec

from cadenza.protocol.auth.messages import Discreet, User


class AdminUserBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /admin/users`` and ``PUT /admin/users/{id}``. ``ban_duration``: a Go duration (``24h``), or ``none``."""

    id: str | None = None
    aud: str | None = None
    role: str | None = None
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    password_hash: str | None = None
    email_confirm: bool | None = None
    phone_confirm: bool | None = None
    user_metadata: dict[str, object] | None = None
    app_metadata: dict[str, object] | None = None
    ban_duration: str | None = None


class AdminDeleteBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``DELETE /admin/users/{id}``. Softly: the row stays, its personal data hashed."""

    should_soft_delete: bool | None = None


class AdminFactorBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``PUT /admin/users/{id}/factors/{id}``."""

    friendly_name: str | None = None
    phone: str | None = None


class InviteBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /invite``."""

    email: str | None = None
    data: dict[str, object] | None = None


class GenerateLinkBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /admin/generate_link``. ``password`` with ``signup`` alone, ``new_email`` with a change of address."""

    type: str | None = None
    email: str | None = None
    new_email: str | None = None
    password: str | None = None
    data: dict[str, object] | None = None
    redirect_to: str | None = None


class UserList(Discreet, frozen=True, kw_only=True):
    """``GET /admin/users``. How many there are in all stands in ``X-Total-Count``, the pages in ``Link``."""

    users: tuple[User, ...]
    aud: str


class GeneratedLink(User, frozen=True, kw_only=True, omit_defaults=True):
    """The user, and the link and code that would have been in the mail."""

    action_link: str
    email_otp: str
    hashed_token: str
    verification_type: str
    redirect_to: str

    def __repr__(self) -> str:
        return f"<GeneratedLink {self.verification_type} of user {self.id}>"


class AuditEntry(Discreet, frozen=True, kw_only=True):
    """One line of ``GET /admin/audit``. ``payload``: ``action``, ``actor_id``, ``actor_username``, ``traits`` ..."""

    id: str
    payload: dict[str, object]
    created_at: str
    ip_address: str


class OAuthClientBody(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``POST`` and ``PUT /admin/oauth/clients``: a third-party application (RFC 7591 section 2).

    An update changes what is there, and leaves the rest; ``client_type`` is settled at registration.
    """

    redirect_uris: tuple[str, ...] | None = None
    client_type: str | None = None
    token_endpoint_auth_method: str | None = None
    grant_types: tuple[str, ...] | None = None
    client_name: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None


class OAuthClient(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """A third-party application. ``client_secret`` only in the answer that made it."""

    client_id: str
    client_secret: str = ""
    client_type: str
    redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = ""
    grant_types: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    client_name: str = ""
    client_uri: str = ""
    logo_uri: str = ""
    registration_type: str = ""
    created_at: str
    updated_at: str


class OAuthClientList(Discreet, frozen=True, kw_only=True, omit_defaults=True):
    """``GET /admin/oauth/clients``: all of them, in one page."""

    clients: tuple[OAuthClient, ...] = ()
