"""What trading may say: orders, positions, accounts, credentials, quotes, wallets.

Above: ``scalars``, which passes them on. Below: nothing. Values are the contract's, to the letter.
"""

from __future__ import annotations

import enum

__all__ = [
    "BalanceStatus",
    "CollateralMode",
    "CredentialStatus",
    "CredentialType",
    "MarginMode",
    "OrderSide",
    "OrderStatus",
    "OrderType",
    "PositionMode",
    "PositionSide",
    "PositionStatus",
    "QuantityRounding",
    "QuantityType",
    "QuoteStatus",
    "TimeInForce",
    "TradingAccountOperationType",
    "TradingAccountStatus",
    "TradingAccountType",
    "UpdateMode",
    "WalletStatus",
    "WalletType",
]


class OrderSide(enum.StrEnum):
    """Which side of the book an order is on; in a public trade, the taker's."""

    BUY = "BUY"
    SELL = "SELL"
    UNKNOWN = "UNKNOWN"


class OrderType(enum.StrEnum):
    """How an order is priced and triggered. ``QUOTED`` executes a dealer's quote."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"
    QUOTED = "QUOTED"
    UNKNOWN = "UNKNOWN"


class OrderStatus(enum.StrEnum):
    """How far an order has come.

    Closed are ``FILLED``, ``REJECTED``, ``EXPIRED`` and ``CANCELLED``; the contract does not class ``REVOKED`` and
    ``REPLACED``.
    """

    CREATED = "CREATED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    PENDING_CANCEL = "PENDING_CANCEL"
    REPLACED = "REPLACED"
    PENDING_REPLACE = "PENDING_REPLACE"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"


class TimeInForce(enum.StrEnum):
    """How long an order stays. ``GTD`` needs ``expire_at``."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    DAY = "DAY"
    GTX = "GTX"
    OPG = "OPG"
    CLS = "CLS"
    GFA = "GFA"
    GFS = "GFS"
    GTM = "GTM"
    MOO = "MOO"
    MOC = "MOC"
    EXT = "EXT"
    UNKNOWN = "UNKNOWN"


class QuantityType(enum.StrEnum):
    """What an order's quantity counts: base asset, quote asset, or a share of the position (0 to 1, or percent)."""

    BASE = "BASE"
    QUOTE = "QUOTE"
    POSITION_RATIO = "POSITION_RATIO"
    POSITION_PERCENTAGE = "POSITION_PERCENTAGE"


class QuantityRounding(enum.StrEnum):
    """How a quantity is fitted to the lot size; not at all by default."""

    NONE = ""
    UP = "UP"
    DOWN = "DOWN"
    NEAREST = "NEAREST"
    CEIL = "CEIL"
    FLOOR = "FLOOR"
    HALF_UP = "HALF_UP"
    HALF_DOWN = "HALF_DOWN"
    HALF_EVEN = "HALF_EVEN"


class PositionMode(enum.StrEnum):
    """Whether opposite positions stand side by side (``HEDGE``) or offset each other (``NETTING``)."""

    HEDGE = "HEDGE"
    NETTING = "NETTING"


class PositionSide(enum.StrEnum):
    """Which way a position gains."""

    LONG = "LONG"
    SHORT = "SHORT"


class PositionStatus(enum.StrEnum):
    """Whether a position still stands."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class CollateralMode(enum.StrEnum):
    """Whether collateral is shared by all positions of an account or kept apart."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class MarginMode(enum.StrEnum):
    """Whether margin is shared by all positions of an account or kept apart."""

    ISOLATED = "ISOLATED"
    CROSS = "CROSS"


class UpdateMode(enum.StrEnum):
    """Whether a portfolio is whole (``SNAPSHOT``) or only what changed (``DELTA``)."""

    DELTA = "DELTA"
    SNAPSHOT = "SNAPSHOT"


class BalanceStatus(enum.StrEnum):
    """Whether a balance can be used."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"


class TradingAccountStatus(enum.StrEnum):
    """How a trading account stands.

    ``NEW`` was seen at the venue and is not connected, ``UNAVAILABLE`` is connected by someone else, ``INACTIVE``
    takes no orders, ``DISCONNECTED`` is final.
    """

    NEW = "NEW"
    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    LOCKED = "LOCKED"
    DISCONNECTED = "DISCONNECTED"
    UNAVAILABLE = "UNAVAILABLE"


class TradingAccountType(enum.StrEnum):
    """What an account can do at its venue."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    CREDIT = "CREDIT"


class TradingAccountOperationType(enum.StrEnum):
    """What was done to a trading account."""

    CONNECT = "CONNECT"
    CONNECTED = "CONNECTED"
    DISCONNECT = "DISCONNECT"
    DISCONNECTED = "DISCONNECTED"
    ENABLE = "ENABLE"
    ENABLED = "ENABLED"
    DISABLE = "DISABLE"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


class CredentialStatus(enum.StrEnum):
    """Whether a venue's keys can be used: ``CREATED`` until they are verified, ``REVOKED`` for good."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class CredentialType(enum.StrEnum):
    """What a venue's keys consist of."""

    API_KEY = "API_KEY"
    TOKEN = "TOKEN"  # noqa: S105  # a kind of credential, not one
    HMAC = "HMAC"
    OAUTH = "OAUTH"
    RSA = "RSA"
    ED25519 = "ED25519"


class QuoteStatus(enum.StrEnum):
    """What became of a dealer's quote."""

    CREATED = "CREATED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"


class WalletStatus(enum.StrEnum):
    """Whether a wallet can be used: ``FROZEN`` can be undone, ``CLOSED`` cannot."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class WalletType(enum.StrEnum):
    """Whose wallet it is."""

    DEALER = "DEALER"
    CLIENT = "CLIENT"
    EXCHANGE = "EXCHANGE"
    ACCOUNTING = "ACCOUNTING"
