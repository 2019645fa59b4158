"""The audit log: sign-ins, refusals, revocations, what administrators did.

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records.table import Table


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``payload`` is JSON and holds no secret; ``user_id`` is whom it concerns, ``actor_id`` who did it."""

    id: str
    action: str
    actor_id: str | None
    user_id: str | None
    address: str
    payload: str
    created_at: int

    def __repr__(self) -> str:
        return f"<AuditRow {self.id} {self.action}>"


class AuditTable(Table[AuditRow]):
    """Entries are never changed; they outlive their user."""

    name = "audit_log"
    row = AuditRow

    def add(self, row: AuditRow) -> int:
        """Add an entry; its number, which grows by one with each."""
        self.insert(row)
        return int(self._execute("SELECT last_insert_rowid()").fetchone()[0])

    def forget(self, *, but: int) -> None:
        """Drop all entries but the newest ones."""
        self._execute("DELETE FROM audit_log WHERE rowid <= (SELECT max(rowid) FROM audit_log) - ?", but)

    def newest(self, *, limit: int, offset: int = 0) -> tuple[AuditRow, ...]:
        """Entries, newest first."""
        return self._all("1 ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?", limit, offset)

    def count(self) -> int:
        """How many there are."""
        return int(self._execute("SELECT count(*) FROM audit_log").fetchone()[0])

    def of(self, user_id: str) -> tuple[AuditRow, ...]:
        """What concerns a user, oldest first."""
        return self._all("user_id = ? ORDER BY created_at, rowid", user_id)
