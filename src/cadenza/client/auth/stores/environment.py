"""A session that comes in environment variables, for CI and containers: read, and never written back.

Above: ``place``. Below: ``memory``, ``settings`` (reads the variables), ``tokens.claims``.

A process cannot change its parent's environment. So a refreshed session is kept in this process alone, and the store
says so wherever it is shown. A refresh token from the environment serves one process at a time: the provider lets the
token that was refreshed last be presented once more, and ends the session when an older one comes (E1).
"""

from __future__ import annotations

import contextlib
from typing import Final

import msgspec

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.stores.memory import MemorySessionStore
from cadenza.client.settings import SessionVariables
from cadenza.errors import ConfigurationError, TokenFormatError
from cadenza.protocol import auth as provider
from cadenza.tokens.claims import check_form

_VARIABLE: Final = "CADENZA_SESSION"


class EnvironmentSessionStore(MemorySessionStore):
    """Begins with the session of the environment; what follows it stays in memory.

    Args:
        variables: ``CADENZA_SESSION``, or ``CADENZA_ACCESS_TOKEN`` and ``CADENZA_REFRESH_TOKEN``.
        ws_url: The gateway the session belongs to, unless the session says so itself.
        supabase_url: The provider, likewise.

    Raises:
        ConfigurationError: The variables hold no session.
    """

    def __init__(self, variables: SessionVariables, *, ws_url: str, supabase_url: str | None) -> None:
        super().__init__(_stored(variables, ws_url, supabase_url))

    @property
    def location(self) -> str:
        """Where it is, for a person to read."""
        return "the environment; a refreshed session is kept in memory, until this process ends"


def _stored(variables: SessionVariables, ws_url: str, supabase_url: str | None) -> StoredSession | None:
    if variables.session is not None:
        return _whole(variables.session, ws_url, supabase_url)
    if variables.access_token is None and variables.refresh_token is None:
        return None
    return StoredSession(
        ws_url=ws_url,
        supabase_url=supabase_url,
        session=_of_tokens(variables.access_token or "", variables.refresh_token or ""),
    )


def _whole(text: str, ws_url: str, supabase_url: str | None) -> StoredSession:
    """A stored session as a file has it, or the provider's own session object."""
    try:
        raw = text.encode()
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(raw, type=StoredSession)
        session = Session.from_provider(msgspec.json.decode(raw, type=provider.Session))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise _refused(_VARIABLE) from None  # the cause's text may quote a token
    return StoredSession(ws_url=ws_url, supabase_url=supabase_url, session=session)


def _of_tokens(access_token: str, refresh_token: str) -> Session:
    if not access_token:
        return Session(access_token="", refresh_token=refresh_token, expires_in=0.0, expires_at=0.0)
    try:
        claims = check_form(access_token).claims
    except TokenFormatError:
        raise _refused("CADENZA_ACCESS_TOKEN") from None
    bare = Session.from_access_token(access_token)
    if not refresh_token or claims.exp is None:
        return msgspec.structs.replace(bare, refresh_token=refresh_token, user_id=claims.sub or "")
    return Session(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_in=claims.exp - (claims.exp if claims.iat is None else claims.iat),
        expires_at=claims.exp,
        user_id=claims.sub or "",
    )


def _refused(variable: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} holds no session.",
        setting=variable,
        next_step="Set CADENZA_SESSION to a session object (JSON), or CADENZA_ACCESS_TOKEN and CADENZA_REFRESH_TOKEN.",
    )
