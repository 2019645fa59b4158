"""Fermata: wallets and dealer links. Shapes borrowed from the HTTP API.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.envelope import Pagination
from cadenza.schema.scalars import (
    DateTimeText,
    Message,
    UnixMilliseconds,
    UnsignedDecimalText,
    Uuid,
    WalletStatus,
    WalletType,
)


class FermataWallet(Message, frozen=True, kw_only=True):
    """A wallet. Times are milliseconds, each with an optional RFC 3339 twin. Balances are read by portfolio."""

    wallet_id: Uuid
    wallet_type: WalletType
    status: WalletStatus
    allow_negative: bool | None = None
    metadata: dict[str, str] | None = None
    created_at: UnixMilliseconds
    created_at_date_time: DateTimeText | None = None
    updated_at: UnixMilliseconds
    updated_at_date_time: DateTimeText | None = None


class FermataCreateWalletRequest(Message, frozen=True, kw_only=True):
    """A name for the new wallet."""

    nickname: str | None = None


class FermataFreezeWalletRequest(Message, frozen=True, kw_only=True):
    """Which wallet is frozen."""

    wallet_id: Uuid


class FermataUnfreezeWalletRequest(Message, frozen=True, kw_only=True):
    """Which wallet is freed again."""

    wallet_id: Uuid


class FermataCloseWalletRequest(Message, frozen=True, kw_only=True):
    """Which wallet is closed for good; it must be empty."""

    wallet_id: Uuid


class FermataTransferWalletRequest(Message, frozen=True, kw_only=True):
    """``amount`` of ``asset``, decimal text without a sign, from one wallet to another of the same owner."""

    source_wallet_id: Uuid
    dest_wallet_id: Uuid
    asset: str
    amount: UnsignedDecimalText


class FermataListWalletsParams(Message, frozen=True, kw_only=True):
    """Filter, and which page."""

    wallet_type: WalletType | None = None
    pagination: Pagination | None = None


class FermataLinkDealerRequest(Message, frozen=True, kw_only=True):
    """Which exchange account a dealer may hedge on."""

    dealer_account_id: Uuid
    trading_account_id: Uuid


class FermataUnlinkDealerRequest(Message, frozen=True, kw_only=True):
    """Which exchange account a dealer gives up."""

    dealer_account_id: Uuid
    trading_account_id: Uuid
