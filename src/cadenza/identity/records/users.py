"""Users and their ways in.

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cadenza.identity.records.table import Table


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A user. ``email`` is lower case, ``phone`` digits; ``password_hash`` is argon2's, cost and salt inside.

    ``new_email`` waits for its confirmation; ``email_change_status`` counts the halves of a double one that are in.
    """

    id: str
    aud: str
    role: str
    email: str | None
    phone: str | None = None
    password_hash: str | None
    email_confirmed_at: int | None
    phone_confirmed_at: int | None = None
    invited_at: int | None = None
    confirmation_sent_at: int | None
    recovery_sent_at: int | None = None
    reauthentication_sent_at: int | None = None
    new_email: str | None = None
    email_change_sent_at: int | None = None
    email_change_status: int = 0
    new_phone: str | None = None
    phone_change_sent_at: int | None = None
    last_sign_in_at: int | None
    app_metadata: str
    user_metadata: str
    is_anonymous: bool
    banned_until: int | None = None
    deleted_at: int | None = None
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


_FOUND: Final = (
    "aud = ?1 AND (?2 = '' OR pg_like(email, '%' || ?2 || '%') "
    "OR pg_ilike(json_extract(user_metadata, '$.full_name'), '%' || ?2 || '%'))"
)


class UserTable(Table[UserRow]):
    """Address, number and id are unique."""

    name = "users"
    row = UserRow

    def by_email(self, email: str) -> UserRow | None:
        """The user of that address, which is lower case."""
        return self._first("email = ?", email)

    def by_phone(self, phone: str) -> UserRow | None:
        """The user of that number, digits alone."""
        return self._first("phone = ?", phone)

    def page(self, audience: str, part: str, *, newest_first: bool, limit: int, offset: int) -> tuple[UserRow, ...]:
        """An audience's users by age; with a part of an address or, in any case, of a full name: those who have it."""
        direction = "DESC" if newest_first else "ASC"
        order = f"ORDER BY created_at {direction}, rowid {direction}"
        return self._all(f"{_FOUND} {order} LIMIT ?3 OFFSET ?4", audience, part, limit, offset)

    def count(self, audience: str, part: str) -> int:
        """How many those are."""
        counted = self._execute(f"SELECT count(*) FROM users WHERE {_FOUND}", audience, part)  # noqa: S608 - ours
        return int(counted.fetchone()[0])


class IdentityTable(Table[IdentityRow]):
    """Provider and subject together are unique."""

    name = "identities"
    row = IdentityRow

    def of(self, user_id: str) -> tuple[IdentityRow, ...]:
        """A user's ways in, oldest first."""
        return self._all("user_id = ? ORDER BY created_at, rowid", user_id)

    def by_subject(self, provider: str, subject: str) -> IdentityRow | None:
        """Whoever that provider calls so."""
        return self._first("provider = ? AND subject = ?", provider, subject)

    def of_email(self, email: str) -> tuple[IdentityRow, ...]:
        """Whatever ways in have that address, which is lower case; oldest first."""
        return self._all("email = ? ORDER BY created_at, rowid", email)

    def update_data(self, identity_id: str, data: str, at: int) -> None:
        """Write what a provider says of the user."""
        self._execute("UPDATE identities SET data = ?, updated_at = ? WHERE id = ?", data, at, identity_id)
