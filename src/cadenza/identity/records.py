"""The rows of the database as values, and the statements that read and write them.

Nothing is decided here: users and sessions are rules over these rows. One transaction sees one ``Records``. Instants
are microseconds since the epoch, JSON is text, ids are UUIDs in text.

Above: ``users``, ``sessions``. Below: ``store`` opens the transaction; ``migrations`` makes the tables.
"""

from __future__ import annotations

import sqlite3
from typing import TypeVar

import msgspec


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A user. ``email`` is lower case; ``password_hash`` is argon2's, cost and salt inside."""

    id: str
    aud: str
    role: str
    email: str | None
    password_hash: str | None
    email_confirmed_at: int | None
    confirmation_sent_at: int | None
    last_sign_in_at: int | None
    app_metadata: str
    user_metadata: str
    is_anonymous: bool
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<UserRow {self.id}>"


class IdentityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One way in: ``subject`` is the user's id at ``provider``."""

    id: str
    user_id: str
    provider: str
    subject: str
    email: str | None
    data: str
    last_sign_in_at: int | None
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<IdentityRow {self.id}>"


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. ``amr`` is JSON: how and when the user proved who they are."""

    id: str
    user_id: str
    aal: str
    amr: str
    created_at: int
    refreshed_at: int | None


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


_Row = TypeVar("_Row", bound=msgspec.Struct)


class Records:
    """The statements, over a connection that is inside a transaction. Lives as long as the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # Users

    def user_by_id(self, user_id: str) -> UserRow | None:
        """The user of that id."""
        return self._one(UserRow, "SELECT * FROM users WHERE id = ?", user_id)

    def user_by_email(self, email: str) -> UserRow | None:
        """The user of that address, which is lower case."""
        return self._one(UserRow, "SELECT * FROM users WHERE email = ?", email)

    def insert_user(self, user: UserRow) -> None:
        """Add a user; address and id are unique."""
        self._insert("users", user)

    def update_user(self, user: UserRow) -> None:
        """Write all of a user's columns but the id and when it was made."""
        self._connection.execute(
            "UPDATE users SET aud = ?, role = ?, email = ?, password_hash = ?, email_confirmed_at = ?, "
            "confirmation_sent_at = ?, last_sign_in_at = ?, app_metadata = ?, user_metadata = ?, is_anonymous = ?, "
            "updated_at = ? WHERE id = ?",
            (
                user.aud,
                user.role,
                user.email,
                user.password_hash,
                user.email_confirmed_at,
                user.confirmation_sent_at,
                user.last_sign_in_at,
                user.app_metadata,
                user.user_metadata,
                user.is_anonymous,
                user.updated_at,
                user.id,
            ),
        )

    # Identities

    def identities_of(self, user_id: str) -> tuple[IdentityRow, ...]:
        """A user's ways in, oldest first."""
        return self._all(IdentityRow, "SELECT * FROM identities WHERE user_id = ? ORDER BY created_at, id", user_id)

    def insert_identity(self, identity: IdentityRow) -> None:
        """Add a way in; provider and subject together are unique."""
        self._insert("identities", identity)

    def update_identity_data(self, identity_id: str, data: str, at: int) -> None:
        """Write what a provider says of the user."""
        self._connection.execute("UPDATE identities SET data = ?, updated_at = ? WHERE id = ?", (data, at, identity_id))

    # Sessions

    def session_by_id(self, session_id: str) -> SessionRow | None:
        """The session of that id."""
        return self._one(SessionRow, "SELECT * FROM sessions WHERE id = ?", session_id)

    def insert_session(self, session: SessionRow) -> None:
        """Add a session."""
        self._insert("sessions", session)

    def session_refreshed(self, session_id: str, at: int) -> None:
        """Note when a session was refreshed last."""
        self._connection.execute("UPDATE sessions SET refreshed_at = ? WHERE id = ?", (at, session_id))

    def delete_session(self, session_id: str) -> None:
        """End a session; its refresh tokens go with it."""
        self._connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    def delete_sessions_of(self, user_id: str, *, but: str | None = None) -> None:
        """End all of a user's sessions, or all but one."""
        self._connection.execute("DELETE FROM sessions WHERE user_id = ? AND id IS NOT ?", (user_id, but))

    # Refresh tokens

    def refresh_token_by_digest(self, digest: bytes) -> RefreshTokenRow | None:
        """The token of that digest."""
        return self._one(RefreshTokenRow, "SELECT * FROM refresh_tokens WHERE digest = ?", digest)

    def active_refresh_token(self, session_id: str) -> RefreshTokenRow | None:
        """A session's newest token that is not revoked."""
        return self._one(
            RefreshTokenRow,
            "SELECT * FROM refresh_tokens WHERE session_id = ? AND revoked = 0 ORDER BY id DESC LIMIT 1",
            session_id,
        )

    def insert_refresh_token(
        self, *, session_id: str, seed: bytes, digest: bytes, parent_id: int | None, at: int
    ) -> None:
        """Add a token, active; a digest is unique."""
        self._connection.execute(
            "INSERT INTO refresh_tokens (session_id, seed, digest, parent_id, revoked, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, 0, ?, ?)",
            (session_id, seed, digest, parent_id, at, at),
        )

    def revoke_refresh_token(self, token_id: int, at: int) -> None:
        """Revoke one token; if it is revoked already, its interval starts again."""
        self._connection.execute("UPDATE refresh_tokens SET revoked = 1, updated_at = ? WHERE id = ?", (at, token_id))

    def revoke_family(self, session_id: str, at: int) -> None:
        """Revoke all of a session's tokens that are active."""
        self._connection.execute(
            "UPDATE refresh_tokens SET revoked = 1, updated_at = ? WHERE session_id = ? AND revoked = 0",
            (at, session_id),
        )

    def forget_refresh_tokens(self, session_id: str, *, revoked_before: int) -> None:
        """Drop a session's tokens revoked long ago, except the parents of active ones."""
        self._connection.execute(
            "DELETE FROM refresh_tokens WHERE session_id = :session AND revoked = 1 AND updated_at < :before "
            "AND id NOT IN (SELECT parent_id FROM refresh_tokens "
            "WHERE session_id = :session AND revoked = 0 AND parent_id IS NOT NULL)",
            {"session": session_id, "before": revoked_before},
        )

    # Below the statements

    def _one(self, kind: type[_Row], statement: str, *parameters: str | bytes) -> _Row | None:
        row = self._connection.execute(statement, parameters).fetchone()
        return None if row is None else _read(kind, row)

    def _all(self, kind: type[_Row], statement: str, *parameters: str | bytes) -> tuple[_Row, ...]:
        return tuple(_read(kind, row) for row in self._connection.execute(statement, parameters))

    def _insert(self, table: str, row: msgspec.Struct) -> None:
        names = row.__struct_fields__
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names of ours only
        self._connection.execute(statement, tuple(getattr(row, name) for name in names))


def _read(kind: type[_Row], row: sqlite3.Row) -> _Row:
    # Not strict: SQLite has no booleans.
    return msgspec.convert(dict(row), kind, strict=False)
