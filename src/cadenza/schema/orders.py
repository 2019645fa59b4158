"""Trade orders: what was asked, what became of it.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.envelope import Pagination
from cadenza.schema.scalars import (
    Asset,
    DateTimeText,
    InstrumentId,
    LooseDecimalText,
    Message,
    Nullable,
    OrderSide,
    OrderStatus,
    OrderType,
    QuantityRounding,
    QuantityType,
    TimeInForce,
    Uuid,
)


class SecurityQuantity(Message, frozen=True, kw_only=True):
    """An amount of one asset, as in a fee; ``quantity`` is decimal text."""

    asset: Asset | None = None
    quantity: LooseDecimalText | None = None


class TradeOrder(Message, frozen=True, kw_only=True):
    """An order and what became of it. All optional in the contract, for it is also what a client submits.

    ``quantity`` counts in ``quantity_type``; times are RFC 3339 text. ``CANCELLED`` is a
    status, ``canceled_at`` (one l) a time.
    """

    trade_order_id: Uuid | None = None
    client_order_id: str | None = None
    original_client_order_id: str | None = None
    external_order_id: str | None = None
    idempotency_key: str | None = None
    venue: str | None = None
    trading_account_id: Uuid | None = None
    external_trading_account_id: str | None = None
    instrument_id: InstrumentId | None = None
    external_symbol: str | None = None
    base_asset: Asset | None = None
    quote_asset: Asset | None = None
    order_type: Nullable[OrderType] = None
    order_side: OrderSide | None = None
    quantity_type: QuantityType | None = None
    quantity: LooseDecimalText | None = None
    quote_currency_quantity: LooseDecimalText | None = None
    position_percentage: LooseDecimalText | None = None
    quantity_rounding: QuantityRounding = QuantityRounding.NONE
    limit_price: LooseDecimalText | None = None
    stop_price: LooseDecimalText | None = None
    time_in_force: Nullable[TimeInForce] = None
    status: Nullable[OrderStatus] = None
    executed_price: LooseDecimalText | None = None
    executed_percentage: LooseDecimalText | None = None
    executed_quantity: LooseDecimalText | None = None
    executed_cost: LooseDecimalText | None = None
    fees: tuple[SecurityQuantity, ...] | None = None
    cancel_reason: str | None = None
    reject_reason: str | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None
    expire_at: DateTimeText | None = None
    last_execution_at: DateTimeText | None = None
    canceled_at: DateTimeText | None = None


class SubmitTradeOrderParams(Message, frozen=True, kw_only=True):
    """``await_closed`` waits, for a bounded time, until the order is filled, rejected, expired or cancelled."""

    trade_order: TradeOrder
    trading_account_id: Uuid
    idempotency_key: str | None = None
    await_closed: bool = False


class CancelTradeOrderParams(Message, frozen=True, kw_only=True):
    """Which order: one of the three ids, and the account it is on."""

    trade_order_id: Uuid | None = None
    trading_account_id: Uuid
    client_order_id: str | None = None
    external_order_id: str | None = None


class SaveTradeOrderParams(Message, frozen=True, kw_only=True):
    """An order to keep as it is (role ``service``)."""

    trade_order: TradeOrder


class GetTradeOrderParams(Message, frozen=True, kw_only=True):
    """Which order: any of its ids; the contract requires none of them."""

    trade_order_id: Uuid | None = None
    trading_account_id: Uuid | None = None
    client_order_id: str | None = None
    external_order_id: str | None = None


class GetTradeOrderByIdParams(Message, frozen=True, kw_only=True):
    """Which order. Its account is not given: whose it is must be looked up."""

    trade_order_id: Uuid


class ListTradeOrdersParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit; the times are RFC 3339 text and bound ``createdAt``."""

    trade_order_id: Uuid | None = None
    trading_account_id: Uuid | None = None
    instrument_id: InstrumentId | None = None
    side: OrderSide | None = None
    order_type: Nullable[OrderType] = None
    status: Nullable[OrderStatus] = None
    start_time: DateTimeText | None = None
    end_time: DateTimeText | None = None
    pagination: Pagination | None = None
