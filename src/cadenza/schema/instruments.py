"""Instruments: what can be traded, where, in which steps.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.scalars import (
    Asset,
    DateTimeText,
    InstrumentId,
    InstrumentStatus,
    InstrumentType,
    LooseDecimalText,
    Message,
    SecurityType,
    SymbolPair,
    Venue,
)


class Instrument(Message, frozen=True, kw_only=True):
    """One instrument, all optional in the contract.

    ``pip_size`` is the price step, ``lot_size`` the quantity step; they, the bounds, ``fee`` and ``contract_size`` are
    decimal text. ``order_types`` and ``time_in_force_options`` are plain text in the contract.
    """

    instrument_id: InstrumentId | None = None
    venue: Venue | None = None
    symbol: SymbolPair | None = None
    external_symbol: str | None = None
    description: str | None = None
    instrument_type: InstrumentType | None = None
    status: InstrumentStatus | None = None
    base_asset: Asset | None = None
    quote_asset: Asset | None = None
    base_security_type: SecurityType | None = None
    quote_security_type: SecurityType | None = None
    base_precision: int | None = None
    quote_precision: int | None = None
    lot_size: LooseDecimalText | None = None
    pip_size: LooseDecimalText | None = None
    min_quantity: LooseDecimalText | None = None
    max_quantity: LooseDecimalText | None = None
    min_notional: LooseDecimalText | None = None
    max_notional: LooseDecimalText | None = None
    order_types: tuple[str, ...] | None = None
    time_in_force_options: tuple[str, ...] | None = None
    fee: LooseDecimalText | None = None
    is_iceberg_allowed: bool | None = None
    contract_size: LooseDecimalText | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None


class ListInstrumentsParams(Message, frozen=True, kw_only=True):
    """``security_type`` and ``instrument_status`` are plain text in the contract; paging is flat here."""

    venue: Venue | None = None
    symbols: tuple[SymbolPair, ...] | None = None
    security_type: str | None = None
    instrument_status: str | None = None
    limit: int | None = None
    offset: int | None = None


class SyncInstrumentsParams(Message, frozen=True, kw_only=True):
    """From which venue, and which symbols; all of them where none is given (role ``service``)."""

    venue: Venue
    symbols: tuple[SymbolPair, ...] | None = None


class SyncInstrumentsResultData(Message, frozen=True, kw_only=True):
    """How many were fetched."""

    total: int | None = None


class SaveInstrumentsParams(Message, frozen=True, kw_only=True):
    """Instruments to keep as they are (role ``service``)."""

    instruments: tuple[Instrument, ...]


class DeleteInstrumentParams(Message, frozen=True, kw_only=True):
    """Which instrument (role ``service``)."""

    instrument_id: InstrumentId


class EnableInstrumentParams(Message, frozen=True, kw_only=True):
    """Which instrument (role ``service``)."""

    instrument_id: InstrumentId


class DisableInstrumentParams(Message, frozen=True, kw_only=True):
    """Which instrument (role ``service``)."""

    instrument_id: InstrumentId
