"""Flows under way: a sign-in that left through a browser or a mail and comes back with a code (RFC 7636).

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records.table import Table


class FlowStateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One flow; its id travels as ``state`` to a provider and back.

    ``code_digest`` is there once a code was issued. ``challenge`` is empty for the implicit flow. What a provider gave,
    and what we must still prove to it, stands sealed in ``secrets``. ``method`` is what the session's ``amr`` will say.
    """

    id: str
    user_id: str | None = None
    code_digest: bytes | None = None
    challenge: str = ""
    challenge_method: str = ""
    provider: str
    method: str
    redirect_to: str = ""
    linking_user_id: str | None = None
    secrets: bytes | None = None
    code_issued_at: int | None = None
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<FlowStateRow {self.id}>"


class FlowStateTable(Table[FlowStateRow]):
    """A code's digest is unique."""

    name = "flow_states"
    row = FlowStateRow

    def by_code(self, digest: bytes) -> FlowStateRow | None:
        """The flow whose code has that digest."""
        return self._first("code_digest = ?", digest)

    def latest_of(self, user_id: str, method: str) -> FlowStateRow | None:
        """A user's newest flow of that method."""
        return self._first("user_id = ? AND method = ? ORDER BY created_at DESC, id DESC", user_id, method)

    def of(self, user_id: str) -> tuple[FlowStateRow, ...]:
        """A user's flows, oldest first; those that add a way in to the user, too."""
        return self._all("user_id = ?1 OR linking_user_id = ?1 ORDER BY created_at, rowid", user_id)

    def forget(self, *, made_before: int, but: int) -> None:
        """Drop the flows nobody came back from, and the oldest where there are more than ``but``."""
        self._execute(
            "DELETE FROM flow_states WHERE created_at < ? OR rowid <= (SELECT max(rowid) FROM flow_states) - ?",
            made_before,
            but,
        )
