"""Securities: the assets behind the instruments.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.scalars import Asset, Message, SecurityId, Uuid, Venue


class Security(Message, frozen=True, kw_only=True):
    """An asset as a venue names it."""

    security_id: SecurityId | None = None
    symbol: Asset | None = None
    external_symbol: str | None = None
    venue: Venue | None = None


class ListSecuritiesParams(Message, frozen=True, kw_only=True):
    """Filters."""

    venue: Venue | None = None
    securities: tuple[str, ...] | None = None
    external_symbols: tuple[str, ...] | None = None


class SyncSecuritiesParams(Message, frozen=True, kw_only=True):
    """Fetch them from the venue (service role)."""

    venue: Venue
    securities: tuple[str, ...] | None = None


class SaveSecuritiesParams(Message, frozen=True, kw_only=True):
    """Securities to keep (service role)."""

    securities: tuple[Security, ...]


class DeleteSecuritiesParams(Message, frozen=True, kw_only=True):
    """By UUID, though ``Security.security_id`` is text (service role)."""

    security_ids: tuple[Uuid, ...]
