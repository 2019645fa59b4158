"""Portfolios: balances, positions and their sum.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.accounts import TradingAccount
from cadenza.schema.envelope import Pagination
from cadenza.schema.scalars import (
    Asset,
    BalanceStatus,
    DateTimeText,
    InstrumentId,
    LooseDecimalText,
    Message,
    PositionSide,
    PositionStatus,
    SecurityType,
    UpdateMode,
    Uuid,
)


class BalanceEntry(Message, frozen=True, kw_only=True):
    """What an account holds of one asset; amounts are decimal text, times RFC 3339 text."""

    balance_id: Uuid | None = None
    external_balance_id: str | None = None
    trading_account_id: Uuid | None = None
    security_symbol: Asset | None = None
    security_type: SecurityType | None = None
    status: BalanceStatus | None = None
    free: LooseDecimalText | None = None
    locked: LooseDecimalText | None = None
    frozen: LooseDecimalText | None = None
    borrowed: LooseDecimalText | None = None
    interest_owed: LooseDecimalText | None = None
    total: LooseDecimalText | None = None
    net: LooseDecimalText | None = None
    collateral_weight: LooseDecimalText | None = None
    collateral_value: LooseDecimalText | None = None
    collateral_enabled: bool | None = None
    cross_margin: LooseDecimalText | None = None
    isolated_margin: LooseDecimalText | None = None
    margin_ratio: LooseDecimalText | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None


class PositionEntry(Message, frozen=True, kw_only=True):
    """An open or closed position; amounts and prices are decimal text, times RFC 3339 text."""

    position_id: Uuid | None = None
    external_position_id: str | None = None
    trading_account_id: Uuid | None = None
    security_symbol: str | None = None
    instrument_id: InstrumentId | None = None
    security_type: SecurityType | None = None
    status: PositionStatus | None = None
    position_side: PositionSide | None = None
    quantity: LooseDecimalText | None = None
    entry_price: LooseDecimalText | None = None
    exit_price: LooseDecimalText | None = None
    current_price: LooseDecimalText | None = None
    unrealized_pnl: LooseDecimalText | None = None
    realized_pnl: LooseDecimalText | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None


class PortfolioSummary(Message, frozen=True, kw_only=True):
    """An account as one number each, decimal text in ``currency``; ``leverage`` is a whole multiple."""

    portfolio_summary_id: Uuid | None = None
    trading_account_id: Uuid | None = None
    currency: Asset | None = None
    leverage: int | None = None
    equity: LooseDecimalText | None = None
    margin: LooseDecimalText | None = None
    margin_loan: LooseDecimalText | None = None
    margin_usage: LooseDecimalText | None = None
    margin_requirement: LooseDecimalText | None = None
    margin_level: LooseDecimalText | None = None
    credit: LooseDecimalText | None = None
    risk_exposure: LooseDecimalText | None = None
    max_risk_exposure: LooseDecimalText | None = None
    risk_exposure_rate: LooseDecimalText | None = None


class Portfolio(Message, frozen=True, kw_only=True):
    """An account's balances, positions and summary; only what changed where ``update_mode`` is ``DELTA``."""

    trading_account_id: Uuid | None = None
    account_info: TradingAccount | None = None
    balances: tuple[BalanceEntry, ...] | None = None
    positions: tuple[PositionEntry, ...] | None = None
    summary: PortfolioSummary | None = None
    update_mode: UpdateMode | None = None
    updated_at: DateTimeText | None = None


class GetPortfolioParams(Message, frozen=True, kw_only=True):
    """Of which account."""

    trading_account_id: Uuid


class ListPortfoliosParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit. ``venue`` is plain text in the contract."""

    trading_account_id: Uuid | None = None
    venue: str | None = None
    currency: Asset | None = None
    pagination: Pagination | None = None


class SavePortfolioParams(Message, frozen=True, kw_only=True):
    """A portfolio to keep as it is (role ``service``)."""

    portfolio: Portfolio
