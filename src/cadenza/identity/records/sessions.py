"""Sessions and the chains of refresh tokens that keep them alive.

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records.table import Table


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. ``amr`` is JSON: how and when the user proved who they are, newest first.

    ``factor_id`` is the second factor that raised it; ``user_agent`` and ``address`` are of whoever used it last.
    """

    id: str
    user_id: str
    aal: str
    amr: str
    factor_id: str | None = None
    user_agent: str | None = None
    address: str | None = None
    created_at: int
    refreshed_at: int | None

    def __repr__(self) -> str:
        return f"<SessionRow {self.id}>"


class RefreshTokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a session's chain of refresh tokens. ``updated_at`` is when it was revoked, once it is."""

    id: int
    session_id: str
    seed: bytes
    digest: bytes
    parent_id: int | None
    revoked: bool
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<RefreshTokenRow {self.id}>"


class SessionTable(Table[SessionRow]):
    """A session's refresh tokens go with it."""

    name = "sessions"
    row = SessionRow

    def of(self, user_id: str) -> tuple[SessionRow, ...]:
        """A user's sessions, oldest first."""
        return self._all("user_id = ? ORDER BY created_at, id", user_id)

    def refreshed(self, session_id: str, at: int, *, user_agent: str | None, address: str | None) -> None:
        """Note when a session was refreshed last, and by whom."""
        self._execute(
            "UPDATE sessions SET refreshed_at = ?, user_agent = ?, address = ? WHERE id = ?",
            at,
            user_agent,
            address,
            session_id,
        )

    def of_factor(self, factor_id: str) -> tuple[SessionRow, ...]:
        """The sessions that a second factor raised."""
        return self._all("factor_id = ?", factor_id)

    def delete_below(self, user_id: str, aal: str) -> None:
        """End a user's sessions of a lower level."""
        self._execute("DELETE FROM sessions WHERE user_id = ? AND aal < ?", user_id, aal)

    def delete_of(self, user_id: str, *, but: str | None = None) -> None:
        """End all of a user's sessions, or all but one."""
        self._execute("DELETE FROM sessions WHERE user_id = ? AND id IS NOT ?", user_id, but)


class RefreshTokenTable(Table[RefreshTokenRow]):
    """A digest is unique; an id never comes twice."""

    name = "refresh_tokens"
    row = RefreshTokenRow

    def by_digest(self, digest: bytes) -> RefreshTokenRow | None:
        """The token of that digest."""
        return self._first("digest = ?", digest)

    def active(self, session_id: str) -> RefreshTokenRow | None:
        """A session's newest token that is not revoked."""
        return self._first("session_id = ? AND revoked = 0 ORDER BY id DESC LIMIT 1", session_id)

    def add(self, *, session_id: str, seed: bytes, digest: bytes, parent_id: int | None, at: int) -> None:
        """Add a token, active; its id is the database's."""
        self._execute(
            "INSERT INTO refresh_tokens (session_id, seed, digest, parent_id, revoked, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, 0, ?, ?)",
            session_id,
            seed,
            digest,
            parent_id,
            at,
            at,
        )

    def revoke(self, token_id: int, at: int) -> None:
        """Revoke one token; if it is revoked already, its interval starts again."""
        self._execute("UPDATE refresh_tokens SET revoked = 1, updated_at = ? WHERE id = ?", at, token_id)

    def revoke_family(self, session_id: str, at: int) -> None:
        """Revoke all of a session's tokens that are active."""
        self._execute(
            "UPDATE refresh_tokens SET revoked = 1, updated_at = ? WHERE session_id = ? AND revoked = 0",
            at,
            session_id,
        )

    def forget(self, session_id: str, *, revoked_before: int) -> None:
        """Drop a session's tokens revoked long ago, except the parents of active ones."""
        self._execute(
            "DELETE FROM refresh_tokens WHERE session_id = ?1 AND revoked = 1 AND updated_at < ?2 "
            "AND id NOT IN (SELECT parent_id FROM refresh_tokens "
            "WHERE session_id = ?1 AND revoked = 0 AND parent_id IS NOT NULL)",
            session_id,
            revoked_before,
        )
