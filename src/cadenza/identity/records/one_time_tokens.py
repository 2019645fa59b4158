"""One-time tokens: what a mail's link or code is known by. Never the link or the code itself, only keyed digests.

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import enum

import msgspec

from cadenza.identity.records.table import Table


class TokenKind(enum.StrEnum):
    """What a one-time token is good for; Supabase Auth's words. A user has at most one of each."""

    CONFIRMATION = "confirmation_token"
    RECOVERY = "recovery_token"
    REAUTHENTICATION = "reauthentication_token"
    EMAIL_CHANGE_NEW = "email_change_token_new"
    EMAIL_CHANGE_CURRENT = "email_change_token_current"
    PHONE_CHANGE = "phone_change_token"


class OneTimeTokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """``digest`` is the link's, ``code_digest`` the code's; ``relates_to`` the address or number it was sent to.

    ``pkce`` says that following the link yields a code for whoever holds the verifier, not a session.
    """

    id: str
    user_id: str
    kind: str
    digest: bytes
    code_digest: bytes
    relates_to: str
    pkce: bool = False
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<OneTimeTokenRow {self.id}>"


class OneTimeTokenTable(Table[OneTimeTokenRow]):
    """User and kind together are unique."""

    name = "one_time_tokens"
    row = OneTimeTokenRow

    def by_digest(self, kind: TokenKind, digest: bytes) -> OneTimeTokenRow | None:
        """The token of that kind and digest."""
        return self._first("kind = ? AND digest = ?", kind.value, digest)

    def by_code(self, kind: TokenKind, digest: bytes) -> OneTimeTokenRow | None:
        """The token of that kind whose code has that digest."""
        return self._first("kind = ? AND code_digest = ?", kind.value, digest)

    def of(self, user_id: str, kind: TokenKind) -> OneTimeTokenRow | None:
        """The token of that kind which a user has."""
        return self._first("user_id = ? AND kind = ?", user_id, kind.value)

    def all_of(self, user_id: str) -> tuple[OneTimeTokenRow, ...]:
        """The tokens which a user has, oldest first."""
        return self._all("user_id = ? ORDER BY created_at, rowid", user_id)

    def put(self, row: OneTimeTokenRow) -> None:
        """Add a token in place of the one of its kind."""
        self.drop(row.user_id, TokenKind(row.kind))
        self.insert(row)

    def drop(self, user_id: str, *kinds: TokenKind) -> None:
        """Remove a user's tokens of those kinds; of all kinds if none is named."""
        for kind in kinds or tuple(TokenKind):
            self._execute("DELETE FROM one_time_tokens WHERE user_id = ? AND kind = ?", user_id, kind.value)
