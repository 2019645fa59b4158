"""Subscriptions: which streams Cadenza keeps running.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.accounts import TradingAccount
from cadenza.schema.envelope import Pagination
from cadenza.schema.scalars import (
    DateTimeText,
    InstrumentId,
    KlineInterval,
    Message,
    SubscriptionStatus,
    SubscriptionType,
    SymbolPair,
    Uuid,
    Venue,
)


class Subscription(Message, frozen=True, kw_only=True):
    """A stream that Cadenza keeps running; times are RFC 3339 text. It does not say whose account it is about."""

    subscription_id: Uuid | None = None
    instrument_id: InstrumentId | None = None
    venue: Venue | None = None
    subscription_type: SubscriptionType | None = None
    status: SubscriptionStatus | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None


class SubscribeTradingAccountStreamParams(Message, frozen=True, kw_only=True):
    """Which account, and which stream of it."""

    trading_account: TradingAccount
    subscription_type: SubscriptionType


class UnsubscribeTradingAccountStreamParams(Message, frozen=True, kw_only=True):
    """Which stream of an account; all of them where none is given."""

    subscription_id: Uuid | None = None
    trading_account_id: Uuid


class ListTradingAccountSubscriptionsParams(Message, frozen=True, kw_only=True):
    """Which account's, filters, and which page."""

    trading_account_id: Uuid
    subscription_type: SubscriptionType | None = None
    status: SubscriptionStatus | None = None
    pagination: Pagination | None = None


class SubscribeOrderBookParams(Message, frozen=True, kw_only=True):
    """Which books: by instrument ids, or by venue and symbols. ``venue`` is plain text in the contract."""

    instrument_ids: tuple[InstrumentId, ...] | None = None
    venue: str | None = None
    symbols: tuple[SymbolPair, ...] | None = None


class UnsubscribeOrderBookParams(Message, frozen=True, kw_only=True):
    """Which stream: by its own id or its instrument's."""

    subscription_id: Uuid | None = None
    instrument_id: InstrumentId | None = None


class ListOrderBookSubscriptionsParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit."""

    instrument_ids: tuple[InstrumentId, ...] | None = None
    venue: Venue | None = None
    symbols: tuple[SymbolPair, ...] | None = None


class ListSubscriptionsParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit. ``instrument_id`` is a list in the contract."""

    instrument_id: tuple[InstrumentId, ...] | None = None
    subscription_type: SubscriptionType | None = None
    venue: Venue | None = None


class CreateSubscriptionParams(Message, frozen=True, kw_only=True):
    """Which streams. ``interval`` is needed for bars and ignored otherwise."""

    venue: Venue
    instruments: tuple[InstrumentId, ...] | None = None
    subscription_type: SubscriptionType
    interval: KlineInterval | None = None
