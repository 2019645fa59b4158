"""Securities: the assets behind the instruments.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.scalars import Asset, Message, SecurityId, Uuid, Venue


class Security(Message, frozen=True, kw_only=True):
    """An asset as a venue names it. ``security_id`` is ``{VENUE}:{SYMBOL}``."""

    security_id: SecurityId | None = None
    symbol: Asset | None = None
    external_symbol: str | None = None
    venue: Venue | None = None


class ListSecuritiesParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit."""

    venue: Venue | None = None
    securities: tuple[str, ...] | None = None
    external_symbols: tuple[str, ...] | None = None


class SyncSecuritiesParams(Message, frozen=True, kw_only=True):
    """From which venue, and which; all of them where none is given (role ``service``)."""

    venue: Venue
    securities: tuple[str, ...] | None = None


class SaveSecuritiesParams(Message, frozen=True, kw_only=True):
    """Securities to keep as they are (role ``service``)."""

    securities: tuple[Security, ...]


class DeleteSecuritiesParams(Message, frozen=True, kw_only=True):
    """Which ones: by UUID, though ``Security.security_id`` is text (role ``service``)."""

    security_ids: tuple[Uuid, ...]
