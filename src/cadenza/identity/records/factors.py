"""Second factors and the challenges put to them.

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records.table import Table


class FactorRow(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor. ``secret`` is sealed; ``last_step`` is the time step of the code used last (RFC 6238 5.2)."""

    id: str
    user_id: str
    friendly_name: str | None
    factor_type: str
    status: str
    secret: bytes
    last_step: int | None = None
    last_challenged_at: int | None = None
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<FactorRow {self.id}>"


class ChallengeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A question put to a factor; ``address`` is whoever asked for it."""

    id: str
    factor_id: str
    address: str
    verified_at: int | None = None
    created_at: int


class FactorTable(Table[FactorRow]):
    """A user's names for factors are unique."""

    name = "factors"
    row = FactorRow

    def of(self, user_id: str) -> tuple[FactorRow, ...]:
        """A user's factors, oldest first."""
        return self._all("user_id = ? ORDER BY created_at, id", user_id)


class ChallengeTable(Table[ChallengeRow]):
    """They go with their factor."""

    name = "challenges"
    row = ChallengeRow

    def of(self, factor_id: str) -> tuple[ChallengeRow, ...]:
        """A factor's challenges, oldest first."""
        return self._all("factor_id = ? ORDER BY created_at, rowid", factor_id)

    def drop_of(self, factor_id: str) -> None:
        """Remove a factor's challenges."""
        self._execute("DELETE FROM challenges WHERE factor_id = ?", factor_id)
