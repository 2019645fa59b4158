"""Reads Supabase Auth's answers: status, headers and bytes in, typed values out.

What the provider refused is an ``IdentityError`` with its status, error code and, where it said so, how long to wait.
A success that cannot be read is a ``ProtocolError``: another service answered, or another version of this one.

Above: ``client.auth`` and ``backend``. Below: ``messages``, ``errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from cadenza.errors import ProtocolError
from cadenza.protocol.auth.errors import read_error
from cadenza.protocol.auth.messages import Health, OpenIdConfiguration, Session, Settings, User

_T = TypeVar("_T")

_SESSION: Final = msgspec.json.Decoder(Session)
_USER: Final = msgspec.json.Decoder(User)
_HEALTH: Final = msgspec.json.Decoder(Health)
_SETTINGS: Final = msgspec.json.Decoder(Settings)
_OPENID: Final = msgspec.json.Decoder(OpenIdConfiguration)


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
