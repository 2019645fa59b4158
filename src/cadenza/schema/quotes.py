"""Quotes: a dealer is asked for a price. Shapes borrowed from the HTTP API.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cadenza.schema.scalars import (
    Asset,
    DateTimeText,
    InstrumentId,
    Message,
    OrderSide,
    QuantityType,
    QuoteStatus,
    Seconds,
    UnixMilliseconds,
    UnsignedDecimalText,
    Uuid,
    Venue,
)


class Quote(Message, frozen=True, kw_only=True):
    """A dealer's firm price, good until ``expire_at``.

    Times are milliseconds, each with an optional RFC 3339 twin; price and quantities are decimal text without a sign.
    """

    quote_id: Uuid
    quote_request_id: str | None = None
    external_quote_id: str | None = None
    venue: Venue | None = None
    instrument_id: InstrumentId | None = None
    dealer_account_id: Uuid
    trader_account_id: Uuid | None = None
    base_asset: Asset
    quote_asset: Asset
    order_side: OrderSide
    quantity_type: QuantityType | None = None
    quantity: UnsignedDecimalText
    quote_quantity: UnsignedDecimalText
    price: UnsignedDecimalText
    status: QuoteStatus
    reject_reason: str | None = None
    created_at: UnixMilliseconds
    created_at_date_time: DateTimeText | None = None
    updated_at: UnixMilliseconds | None = None
    updated_at_date_time: DateTimeText | None = None
    expire_at: UnixMilliseconds
    expire_at_date_time: DateTimeText | None = None
    pricing_profile_id: Uuid | None = None


class QuoteRfqRequest(Message, frozen=True, kw_only=True):
    """Ask a dealer for a price.

    An instrument, or base and quote asset; one of the two quantities. ``ttl`` in seconds, 1 to 300; ``expire_at`` is
    RFC 3339 text and wins over ``ttl``, which the contract's client sends even beside it.
    """

    dealer_account_id: Uuid
    trader_account_id: Uuid | None = None
    instrument_id: InstrumentId | None = None
    base_asset: Asset | None = None
    quote_asset: Asset | None = None
    order_side: OrderSide
    quantity: UnsignedDecimalText | None = None
    quote_quantity: UnsignedDecimalText | None = None
    quote_request_id: str | None = None
    ttl: Annotated[Seconds, msgspec.Meta(ge=1, le=300)] = 10
    expire_at: DateTimeText | None = None
    pricing_profile_id: Uuid | None = None
