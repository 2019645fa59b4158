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
    """A wallet. Times in milliseconds."""

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
    """A new wallet of the caller's."""

    nickname: str | None = None


class FermataFreezeWalletRequest(Message, frozen=True, kw_only=True):
    """Which wallet."""

    wallet_id: Uuid


class FermataUnfreezeWalletRequest(Message, frozen=True, kw_only=True):
    """Which wallet."""

    wallet_id: Uuid


class FermataCloseWalletRequest(Message, frozen=True, kw_only=True):
    """Which wallet; it must be empty."""

    wallet_id: Uuid


class FermataTransferWalletRequest(Message, frozen=True, kw_only=True):
    """From one wallet to another."""

    source_wallet_id: Uuid
    dest_wallet_id: Uuid
    asset: str
    amount: UnsignedDecimalText


class FermataListWalletsParams(Message, frozen=True, kw_only=True):
    """Filters."""

    wallet_type: WalletType | None = None
    pagination: Pagination | None = None


class FermataLinkDealerRequest(Message, frozen=True, kw_only=True):
    """Which dealer account, which trading account."""

    dealer_account_id: Uuid
    trading_account_id: Uuid


class FermataUnlinkDealerRequest(Message, frozen=True, kw_only=True):
    """Which dealer account, which trading account."""

    dealer_account_id: Uuid
    trading_account_id: Uuid
