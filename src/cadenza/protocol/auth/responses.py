"""Reads Supabase Auth's answers: status, headers and bytes in, typed values out.

What the provider refused is an ``IdentityError`` with its status, error code and, where it said so, how long to wait.
A success that cannot be read is a ``ProtocolError``: another service answered, or another version of this one.

Above: ``client.auth`` and ``backend``. Below: ``messages``, ``errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from cadenza.errors import NotOfferedError, ProtocolError
from cadenza.protocol.auth.admin import AuditEntry, GeneratedLink, OAuthClient, OAuthClientList, UserList
from cadenza.protocol.auth.endpoints import TOTAL_COUNT_HEADER
from cadenza.protocol.auth.errors import read_error
from cadenza.protocol.auth.messages import (
    EnrolledFactor,
    Factor,
    FactorChallenge,
    HalfConfirmed,
    Health,
    OpenIdConfiguration,
    OtpSent,
    ProviderUrl,
    Session,
    Settings,
    UnenrolledFactor,
    User,
)
from cadenza.protocol.auth.own_data import AccountExport, DeletedAccount

_T = TypeVar("_T")

_LONGEST_COUNT: Final = 16

_SESSION: Final = msgspec.json.Decoder(Session)
_USER: Final = msgspec.json.Decoder(User)
_HEALTH: Final = msgspec.json.Decoder(Health)
_SETTINGS: Final = msgspec.json.Decoder(Settings)
_OPENID: Final = msgspec.json.Decoder(OpenIdConfiguration)
_OTP_SENT: Final = msgspec.json.Decoder(OtpSent)
_HALF: Final = msgspec.json.Decoder(HalfConfirmed)
_PROVIDER_URL: Final = msgspec.json.Decoder(ProviderUrl)
_ENROLLED: Final = msgspec.json.Decoder(EnrolledFactor)
_CHALLENGE: Final = msgspec.json.Decoder(FactorChallenge)
_UNENROLLED: Final = msgspec.json.Decoder(UnenrolledFactor)
_FACTOR: Final = msgspec.json.Decoder(Factor)
_FACTORS: Final = msgspec.json.Decoder(tuple[Factor, ...])
_USERS: Final = msgspec.json.Decoder(UserList)
_LINK: Final = msgspec.json.Decoder(GeneratedLink)
_AUDIT: Final = msgspec.json.Decoder(tuple[AuditEntry, ...])
_CLIENT: Final = msgspec.json.Decoder(OAuthClient)
_CLIENTS: Final = msgspec.json.Decoder(OAuthClientList)

_EXPORT: Final = msgspec.json.Decoder(AccountExport)
_DELETED: Final = msgspec.json.Decoder(DeletedAccount)
#: What a service answers that has no such endpoint, or not with that method.
_UNKNOWN_HERE: Final = frozenset({404, 405, 501})


class _Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Just enough to tell a session from a bare user."""

    access_token: msgspec.Raw = msgspec.Raw(b"")


_SHAPE: Final = msgspec.json.Decoder(_Shape)


def parse_sign_up(status: int, headers: Mapping[str, str], body: bytes) -> Session | User:
    """A session, or the user when the address must be confirmed first.

    Raises:
        IdentityError: The provider refused.
        ProtocolError: The answer cannot be read.
    """
    shape = _read(_SHAPE, status, headers, body, "sign-up")
    if bytes(shape.access_token):
        return _read(_SESSION, status, headers, body, "sign-up")
    return _read(_USER, status, headers, body, "sign-up")


def parse_session(status: int, headers: Mapping[str, str], body: bytes) -> Session:
    """The session of a grant. Raises as ``parse_sign_up`` does."""
    return _read(_SESSION, status, headers, body, "token")


def parse_user(status: int, headers: Mapping[str, str], body: bytes) -> User:
    """The user. Raises as ``parse_sign_up`` does."""
    return _read(_USER, status, headers, body, "user")


def parse_verify(status: int, headers: Mapping[str, str], body: bytes) -> Session | HalfConfirmed:
    """The session, or that the other code of a change of address is still to come. Raises as ``parse_sign_up`` does."""
    shape = _read(_SHAPE, status, headers, body, "verify")
    if bytes(shape.access_token):
        return _read(_SESSION, status, headers, body, "verify")
    return _read(_HALF, status, headers, body, "verify")


def parse_otp_sent(status: int, headers: Mapping[str, str], body: bytes) -> OtpSent:
    """That a code or link is on its way. Raises as ``parse_sign_up`` does."""
    return _read(_OTP_SENT, status, headers, body, "otp")


def parse_provider_url(status: int, headers: Mapping[str, str], body: bytes) -> ProviderUrl:
    """Where the browser goes. Raises as ``parse_sign_up`` does."""
    return _read(_PROVIDER_URL, status, headers, body, "authorize")


def parse_enrolled_factor(status: int, headers: Mapping[str, str], body: bytes) -> EnrolledFactor:
    """The factor to be verified, with what an authenticator app needs. Raises as ``parse_sign_up`` does."""
    return _read(_ENROLLED, status, headers, body, "factor")


def parse_factor_challenge(status: int, headers: Mapping[str, str], body: bytes) -> FactorChallenge:
    """The challenge to answer. Raises as ``parse_sign_up`` does."""
    return _read(_CHALLENGE, status, headers, body, "challenge")


def parse_unenrolled_factor(status: int, headers: Mapping[str, str], body: bytes) -> UnenrolledFactor:
    """Which factor is gone. Raises as ``parse_sign_up`` does."""
    return _read(_UNENROLLED, status, headers, body, "factor")


def parse_factor(status: int, headers: Mapping[str, str], body: bytes) -> Factor:
    """One factor, as an admin sees it. Raises as ``parse_sign_up`` does."""
    return _read(_FACTOR, status, headers, body, "factor")


def parse_factors(status: int, headers: Mapping[str, str], body: bytes) -> tuple[Factor, ...]:
    """All factors of a user, as an admin sees them. Raises as ``parse_sign_up`` does."""
    return _read(_FACTORS, status, headers, body, "factors")


def parse_user_list(status: int, headers: Mapping[str, str], body: bytes) -> UserList:
    """A page of users. Raises as ``parse_sign_up`` does."""
    return _read(_USERS, status, headers, body, "users")


def parse_generated_link(status: int, headers: Mapping[str, str], body: bytes) -> GeneratedLink:
    """The user, the link and the code. Raises as ``parse_sign_up`` does."""
    return _read(_LINK, status, headers, body, "generate_link")


def parse_audit(status: int, headers: Mapping[str, str], body: bytes) -> tuple[AuditEntry, ...]:
    """A page of the audit log. Raises as ``parse_sign_up`` does."""
    return _read(_AUDIT, status, headers, body, "audit")


def parse_client(status: int, headers: Mapping[str, str], body: bytes) -> OAuthClient:
    """One third-party application. Raises as ``parse_sign_up`` does."""
    return _read(_CLIENT, status, headers, body, "client")


def parse_clients(status: int, headers: Mapping[str, str], body: bytes) -> OAuthClientList:
    """All third-party applications. Raises as ``parse_sign_up`` does."""
    return _read(_CLIENTS, status, headers, body, "clients")


def parse_account_export(status: int, headers: Mapping[str, str], body: bytes) -> AccountExport:
    """All that is kept of a user. Raises as ``parse_sign_up`` does; ``NotOfferedError``: the provider has no such."""
    _expect_offered(status, headers, body, "export", "reads the user in its database, or with GET /admin/users/ID")
    return _read(_EXPORT, status, headers, body, "export")


def parse_deleted_account(status: int, headers: Mapping[str, str], body: bytes) -> DeletedAccount:
    """Who is gone. Raises as ``parse_account_export`` does."""
    _expect_offered(status, headers, body, "delete", "deletes the user with DELETE /admin/users/ID")
    return _read(_DELETED, status, headers, body, "deletion")


def _expect_offered(status: int, headers: Mapping[str, str], body: bytes, verb: str, instead: str) -> None:
    """Supabase Auth has neither: what it answers then is its router's, without an error code."""
    if status in _UNKNOWN_HERE and not read_error(status, headers, body).error_code:
        raise NotOfferedError(
            f"This identity provider does not let users {verb} their account themselves; Supabase Auth does not.",
            status=status,
            next_step=f"Ask whoever runs it: an administrator {instead}.",
        )


def parse_health(status: int, headers: Mapping[str, str], body: bytes) -> Health:
    """The provider's name and version. Raises as ``parse_sign_up`` does."""
    return _read(_HEALTH, status, headers, body, "health")


def parse_settings(status: int, headers: Mapping[str, str], body: bytes) -> Settings:
    """Which ways in are open. Raises as ``parse_sign_up`` does."""
    return _read(_SETTINGS, status, headers, body, "settings")


def parse_openid_configuration(status: int, headers: Mapping[str, str], body: bytes) -> OpenIdConfiguration:
    """Issuer and key set address. Raises as ``parse_sign_up`` does."""
    return _read(_OPENID, status, headers, body, "openid-configuration")


def expect_success(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Any success will do (a sign-out answers 204 with no body). Raises ``IdentityError`` otherwise."""
    if not _succeeded(status):
        raise read_error(status, headers, body)


def total_count(headers: Mapping[str, str]) -> int | None:
    """How many there are in all, beside a page of a list; ``None`` where the answer does not say."""
    fields = {name.lower(): value for name, value in headers.items()}
    value = fields.get(TOTAL_COUNT_HEADER.lower(), "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < _LONGEST_COUNT else None


def _succeeded(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - HTTP's class of successes


def _read(decoder: msgspec.json.Decoder[_T], status: int, headers: Mapping[str, str], body: bytes, what: str) -> _T:
    expect_success(status, headers, body)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # `from None`: msgspec's text may quote what it could not read, and a session is what it was reading.
        message = f"The identity provider's {what} answer is not what Supabase Auth sends."
        raise ProtocolError(
            message, next_step="Check that the address configured is that of Supabase Auth, prefix included."
        ) from None
