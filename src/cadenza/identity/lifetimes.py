"""When a session is over although nobody ended it: too old, too long unused, or another one has taken its place.

The rules and words are Supabase Auth's (``models.Session.CheckValidity``, ``internal/tokens/service.go``); they are
applied when a session is refreshed.

Above: ``sessions``. Below: ``config``, ``records``.
"""

from __future__ import annotations

from cadenza.identity import errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.records import Records, RefreshTokenRow, SessionRow
from cadenza.identity.times import instant


def why_over(
    config: IdentityConfig, records: Records, session: SessionRow, shown: RefreshTokenRow, now: int
) -> RefusalError | None:
    """Why a session cannot be refreshed any more, ``None`` if it can."""
    if _too_old(config, session, now):
        return errors.session_expired()
    used = _last_used(session, token_at=shown.updated_at)
    if _too_long_unused(config, used, now):
        return errors.session_expired("Inactivity")
    if config.single_session_per_user and _has_successor(config, records, session, used, now):
        return errors.session_expired("Revoked by Newer Login")
    return None


def _too_old(config: IdentityConfig, session: SessionRow, now: int) -> bool:
    lifetime = config.session_lifetime_seconds
    return lifetime is not None and now > session.created_at + instant(lifetime)


def _too_long_unused(config: IdentityConfig, used: int, now: int) -> bool:
    allowed = config.session_inactivity_seconds
    return allowed is not None and now > used + instant(allowed)


def _last_used(session: SessionRow, *, token_at: int = 0) -> int:
    """A session that was never refreshed was used last when it began, or when its token was revoked."""
    return session.refreshed_at if session.refreshed_at is not None else max(session.created_at, token_at)


def _has_successor(config: IdentityConfig, records: Records, session: SessionRow, used: int, now: int) -> bool:
    for other in records.sessions.of(session.user_id):
        since = _last_used(other)
        alive = not _too_old(config, other, now) and not _too_long_unused(config, since, now)
        if other.id != session.id and alive and since > used:
            return True
    return False
