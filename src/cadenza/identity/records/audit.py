"""The audit log: sign-ins, refusals, revocations, what administrators did.

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import enum

import msgspec

from cadenza.identity.records.table import Table


class Cause(enum.StrEnum):
    """Who can cause an entry: whoever finds the provider, who is somebody here, or an administrator."""

    ANYONE = "anyone"
    USER = "user"
    ADMIN = "admin"


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``payload`` is JSON and holds no secret; ``user_id`` is whom it concerns, ``actor_id`` who did it."""

    id: str
    action: str
    actor_id: str | None
    user_id: str | None
    address: str
    cause: str
    payload: str
    created_at: int

    def __repr__(self) -> str:
        return f"<AuditRow {self.id} {self.action}>"


class AuditTable(Table[AuditRow]):
    """Entries outlive their user; nothing changes one but that user's wish to be forgotten."""

    name = "audit_log"
    row = AuditRow

    def add(self, row: AuditRow) -> int:
        """Add an entry; its number, which grows by one with each."""
        self.insert(row)
        return int(self._execute("SELECT last_insert_rowid()").fetchone()[0])

    def forget(self, cause: Cause, *, but: int) -> None:
        """Drop all entries of a cause but the newest ones."""
        # Written so that the index over causes finds the last one to go, with no entry read.
        self._execute(
            "DELETE FROM audit_log WHERE cause = ?1 AND rowid <= "
            "(SELECT rowid FROM audit_log WHERE cause = ?1 ORDER BY rowid DESC LIMIT 1 OFFSET ?2)",
            cause.value,
            but,
        )

    def newest(
        self, *, limit: int, offset: int = 0, fields: tuple[str, ...] = (), part: str = ""
    ) -> tuple[AuditRow, ...]:
        """Entries, newest first; with fields of the payload: those that have the part in one, in any case."""
        where = f"{_found(fields, part)} ORDER BY created_at DESC, rowid DESC LIMIT ?2 OFFSET ?3"
        return self._all(where, part, limit, offset)

    def count(self, fields: tuple[str, ...] = (), part: str = "") -> int:
        """How many those are."""
        counted = self._execute(f"SELECT count(*) FROM audit_log WHERE {_found(fields, part)}", part)  # noqa: S608 - ours
        return int(counted.fetchone()[0])

    def of(self, user_id: str) -> tuple[AuditRow, ...]:
        """What concerns a user, oldest first."""
        return self._all("user_id = ? ORDER BY created_at, rowid", user_id)


def _found(fields: tuple[str, ...], part: str) -> str:
    if not fields or not part:
        return "?1 = ?1"
    return " OR ".join(f"pg_ilike(json_extract(payload, '$.{name}'), '%' || ?1 || '%')" for name in fields)
