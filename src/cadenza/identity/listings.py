"""What administrators look through: users and the audit log, by pages, narrowed and sorted as they ask.

The parameters, and the words of what is refused, are Supabase Auth's (``internal/api/admin.go``, ``audit.go``,
``sorting.go``).

Above: ``handlers.admin``. Below: ``records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.records import AuditRow, UserRow
from cadenza.identity.store import Store

#: What ``query`` may look in, and where that stands in an entry.
_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "author": ("actor_username", "actor_name"),
    "action": ("action",),
    "type": ("log_type",),
}
_SORTED_BY: Final = "created_at"
_LONGEST_ECHO: Final = 64
_DIRECTIONS: Final[Mapping[str, bool]] = {"ASC": False, "DESC": True}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which page, from 1, of how many a page."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many stand before it."""
        return (self.number - 1) * self.size


class Listings:
    """See the module.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def users(self, page: Page, *, audience: str, sort: str | None, part: str) -> tuple[tuple[UserRow, ...], int]:
        """A page of an audience's users, and how many there are in all.

        Args:
            page: Which.
            audience: Whose users.
            sort: ``created_at``, with or without a direction; ``None``: newest first.
            part: Of their address, or of their full name in any case; a pattern of SQL's ``LIKE``. Empty: all.

        Raises:
            RefusalError: ``sort`` is another.
        """
        newest_first = _is_newest_first(sort)
        return await self._store.read(
            lambda records: (
                records.users.page(audience, part, newest_first=newest_first, limit=page.size, offset=page.offset),
                records.users.count(audience, part),
            )
        )

    async def entries(self, page: Page, *, query: str) -> tuple[tuple[AuditRow, ...], int]:
        """A page of the audit log, newest first, and how many entries there are in all.

        Args:
            page: Which.
            query: ``author:``, ``action:`` or ``type:``, and a part of it in any case, a pattern of SQL's ``LIKE``.

        Raises:
            RefusalError: ``query`` is another.
        """
        fields, part = _scope(query)
        return await self._store.read(
            lambda records: (
                records.audit.newest(limit=page.size, offset=page.offset, fields=fields, part=part),
                records.audit.count(fields, part),
            )
        )


def _is_newest_first(sort: str | None) -> bool:
    if sort is None:
        return True
    field, blank, direction = sort.partition(" ")
    if field != _SORTED_BY:
        raise errors.validation_failed(f"Bad Sort Parameters: bad field for sort '{_shown(field)}'")
    if not blank:
        return True
    known = _DIRECTIONS.get(direction.upper())
    if known is None:
        raise errors.validation_failed(
            f"Bad Sort Parameters: bad direction for sort '{_shown(direction)}', only 'asc' and 'desc' allowed"
        )
    return known


def _scope(query: str) -> tuple[tuple[str, ...], str]:
    name, colon, part = query.partition(":")
    if not query:
        return (), ""
    if not colon or name not in _SCOPES:
        raise errors.validation_failed(f"Invalid query scope: {_shown(query)}")
    return _SCOPES[name], part


def _shown(text: str) -> str:
    return text[:_LONGEST_ECHO]
