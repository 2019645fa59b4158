"""Trading accounts: which account at which venue, and what happened to it.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.credentials import TradingAccountCredential
from cadenza.schema.envelope import Pagination
from cadenza.schema.scalars import (
    CollateralMode,
    DateTimeText,
    JsonValue,
    MarginMode,
    Message,
    Nullable,
    PositionMode,
    TradingAccountOperationType,
    TradingAccountStatus,
    TradingAccountType,
    Uuid,
    Venue,
)


class TradingAccountConfig(Message, frozen=True, kw_only=True):
    """Options of an account. ``leverage`` is a whole multiple."""

    leverage: int | None = None


class TradingAccount(Message, frozen=True, kw_only=True):
    """An account at a venue, all optional in the contract, for it is also what a client asks to connect.

    ``external_account_id`` is the venue's id; ``credentials`` come without their secrets; times are RFC 3339 text.
    """

    trading_account_id: Uuid | None = None
    user_id: Uuid | None = None
    tenant_id: str | None = None
    nickname: str | None = None
    external_account_id: str | None = None
    venue: Venue | None = None
    status: TradingAccountStatus | None = None
    account_type: TradingAccountType | None = None
    external_account_type: str | None = None
    position_mode: Nullable[PositionMode] = None
    collateral_mode: Nullable[CollateralMode] = None
    margin_mode: Nullable[MarginMode] = None
    credentials: tuple[TradingAccountCredential, ...] | None = None
    config: TradingAccountConfig | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None


class TradingAccountOperationHistory(Message, frozen=True, kw_only=True):
    """One thing that was done to an account, at ``timestamp`` (RFC 3339 text).

    ``previous_values`` and ``new_values`` hold the members that changed, in wire names.
    """

    trading_account_history_id: Uuid | None = None
    trading_account_id: Uuid | None = None
    timestamp: DateTimeText | None = None
    operation_type: TradingAccountOperationType | None = None
    operate_by: str | None = None
    tags: tuple[str, ...] | None = None
    previous_values: dict[str, JsonValue] | None = None
    new_values: dict[str, JsonValue] | None = None


class CreateTradingAccountParams(Message, frozen=True, kw_only=True):
    """The account to make; every member of it is optional."""

    trading_account: TradingAccount


class SaveTradingAccountsParams(Message, frozen=True, kw_only=True):
    """Accounts to keep as they are (role ``service``)."""

    trading_accounts: tuple[TradingAccount, ...]


class UpdateTradingAccountParams(Message, frozen=True, kw_only=True):
    """The account's id, and what changes."""

    trading_account: TradingAccount


class ValidateTradingAccountParams(Message, frozen=True, kw_only=True):
    """The account to look at; nothing is kept."""

    trading_account: TradingAccount


class ValidateTradingAccountResultData(Message, frozen=True, kw_only=True):
    """Whether the account would be accepted."""

    is_valid: bool | None = None


class ConnectTradingAccountParams(Message, frozen=True, kw_only=True):
    """The whole account; the HTTP API takes credential ids and the venue's id instead."""

    trading_account: TradingAccount


class DisconnectTradingAccountParams(Message, frozen=True, kw_only=True):
    """Which account. Trading and events end for good; open orders stay at the venue."""

    trading_account_id: Uuid


class DeleteTradingAccountParams(Message, frozen=True, kw_only=True):
    """Which account."""

    trading_account_id: Uuid


class EnableTradingAccountParams(Message, frozen=True, kw_only=True):
    """Which account takes orders again."""

    trading_account_id: Uuid


class DisableTradingAccountParams(Message, frozen=True, kw_only=True):
    """Which account takes no new orders until it is enabled."""

    trading_account_id: Uuid


class ListTradingAccountsParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit. ``venue`` is plain text in the contract."""

    trading_account_id: Uuid | None = None
    venue: str | None = None
    status: TradingAccountStatus | None = None
    pagination: Pagination | None = None


class ListTradingAccountOperationsParams(Message, frozen=True, kw_only=True):
    """Which account's, and which page."""

    trading_account_id: Uuid
    pagination: Pagination | None = None


class VerifyCredentialResultData(Message, frozen=True, kw_only=True):
    """The accounts that the credentials reach; ``status`` says whether each is connected already."""

    trading_accounts: tuple[TradingAccount, ...] | None = None
