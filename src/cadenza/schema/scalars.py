"""What the nouns share: identifiers, decimals, times and enums, as the contract has them.

Above: every file of ``schema``. Below: msgspec. Decimals and times stay text on purpose: what arrives is what was sent,
and whoever calculates says so with ``to_decimal``.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
from typing import Annotated, Final, TypeVar

import msgspec

_UUID: Final = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_DECIMAL: Final = r"^-?\d+(\.\d+)?$"
_UNSIGNED: Final = r"^\d+(\.\d+)?$"


def _format(name: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"format": name})


#: UUID text, either case. The contract does not enforce it, so neither does decoding; services look ids up.
Uuid = Annotated[str, _format("uuid")]
#: ``{VENUE}:{BASE}/{QUOTE}``, for example ``BINANCE:BTC/USDT``.
InstrumentId = Annotated[str, _format("instrument-id")]
#: ``{BASE}/{QUOTE}``, for example ``BTC/USDT``.
SymbolPair = Annotated[str, _format("symbol-pair")]
#: ``{VENUE}:{SYMBOL}``.
SecurityId = Annotated[str, _format("security-id")]
#: Asset code, for example ``BTC``.
Asset = Annotated[str, _format("asset")]
#: Decimal as text, enforced: no exponent, no plus sign, digits on both sides of the point.
DecimalText = Annotated[str, msgspec.Meta(pattern=_DECIMAL, extra_json_schema={"format": "decimal"})]
#: The same without a sign.
UnsignedDecimalText = Annotated[str, msgspec.Meta(pattern=_UNSIGNED, extra_json_schema={"format": "decimal-unsigned"})]
#: Decimal as text where the contract states no pattern.
LooseDecimalText = Annotated[str, _format("decimal")]
#: RFC 3339 text, written with ``Z`` and read with any offset.
DateTimeText = Annotated[str, _format("date-time")]
#: Milliseconds since 1970-01-01T00:00:00Z.
UnixMilliseconds = Annotated[int, _format("unix-ms")]
#: Seconds since 1970-01-01T00:00:00Z.
UnixSeconds = Annotated[int, _format("unix-s")]
#: A duration in seconds.
Seconds = Annotated[int, _format("seconds")]
EmailText = Annotated[str, _format("email")]
#: A JSON Web Token in compact form. Never shown in a repr or a log.
JwtText = Annotated[str, _format("jwt")]


_T = TypeVar("_T")
#: Where the contract declares null as a value of its own. Elsewhere an optional field is left out rather than sent as
#: null; readers take null for absent everywhere.
Nullable = Annotated[_T, msgspec.Meta(extra_json_schema={"nullable": True})]


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every message: frozen, camelCase on the wire, absent fields left out, unknown ones ignored."""


def decimal_text(value: decimal.Decimal) -> str:
    """Write a decimal as the contract wants it, ``0.00000001`` and never ``1E-8``."""
    if not value.is_finite():
        raise ValueError("a decimal on the wire must be finite")
    return format(value, "f")


def to_decimal(text: str) -> decimal.Decimal:
    """Read a decimal's text exactly."""
    return decimal.Decimal(text)


def date_time_text(seconds: float) -> str:
    """Write seconds since the epoch as RFC 3339 text in UTC with milliseconds, ``2026-11-23T12:00:00.000Z``."""
    moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class BalanceStatus(enum.StrEnum):
    """Balance status."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"


class CollateralMode(enum.StrEnum):
    """Collateral mode."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class CredentialStatus(enum.StrEnum):
    """Credential status."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class CredentialType(enum.StrEnum):
    """Credential type."""

    API_KEY = "API_KEY"
    TOKEN = "TOKEN"  # noqa: S105  # a kind of credential, not one
    HMAC = "HMAC"
    OAUTH = "OAUTH"
    RSA = "RSA"
    ED25519 = "ED25519"


class HealthStatus(enum.StrEnum):
    """The only lower-case enum of the contract."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class InstrumentStatus(enum.StrEnum):
    """Instrument status."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DISABLED = "DISABLED"
    DELISTED = "DELISTED"


class InstrumentType(enum.StrEnum):
    """Instrument type."""

    SPOT = "SPOT"
    FUTURES = "FUTURES"
    PERPETUAL = "PERPETUAL"
    OPTION = "OPTION"
    CFD = "CFD"
    CONTRACT = "CONTRACT"


class KlineInterval(enum.StrEnum):
    """Length of a bar. Case matters: ``1m`` is a minute, ``1M`` a month."""

    SECOND_1 = "1s"
    MINUTE_1 = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    HOUR_1 = "1h"
    HOUR_2 = "2h"
    HOUR_4 = "4h"
    HOUR_6 = "6h"
    HOUR_8 = "8h"
    HOUR_12 = "12h"
    DAY_1 = "1d"
    DAY_3 = "3d"
    WEEK_1 = "1w"
    MONTH_1 = "1M"


class MarginMode(enum.StrEnum):
    """Margin mode."""

    ISOLATED = "ISOLATED"
    CROSS = "CROSS"


class OrderBookType(enum.StrEnum):
    """Order book type."""

    L2 = "L2"
    L2_COUNTED = "L2_COUNTED"
    L3 = "L3"
    L3_COUNTED = "L3_COUNTED"
    L2_EXCHANGE = "L2_EXCHANGE"
    VWAP = "VWAP"


class OrderSide(enum.StrEnum):
    """Order side."""

    BUY = "BUY"
    SELL = "SELL"
    UNKNOWN = "UNKNOWN"


class OrderStatus(enum.StrEnum):
    """Order status."""

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


class OrderType(enum.StrEnum):
    """Order type."""

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


class PositionMode(enum.StrEnum):
    """Position mode."""

    HEDGE = "HEDGE"
    NETTING = "NETTING"


class PositionSide(enum.StrEnum):
    """Position side."""

    LONG = "LONG"
    SHORT = "SHORT"


class PositionStatus(enum.StrEnum):
    """Position status."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class QuantityRounding(enum.StrEnum):
    """Quantity rounding."""

    NONE = ""
    UP = "UP"
    DOWN = "DOWN"
    NEAREST = "NEAREST"
    CEIL = "CEIL"
    FLOOR = "FLOOR"
    HALF_UP = "HALF_UP"
    HALF_DOWN = "HALF_DOWN"
    HALF_EVEN = "HALF_EVEN"


class QuantityType(enum.StrEnum):
    """Quantity type."""

    BASE = "BASE"
    QUOTE = "QUOTE"
    POSITION_RATIO = "POSITION_RATIO"
    POSITION_PERCENTAGE = "POSITION_PERCENTAGE"


class QuoteStatus(enum.StrEnum):
    """Quote status."""

    CREATED = "CREATED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"


class SecurityType(enum.StrEnum):
    """Security type."""

    STOCK = "STOCK"
    CRYPTO = "CRYPTO"
    CURRENCY = "CURRENCY"
    COMMODITY = "COMMODITY"
    INDEX = "INDEX"
    BOND = "BOND"
    OPTION = "OPTION"
    FUTURES = "FUTURES"
    PERPETUAL = "PERPETUAL"
    CFD = "CFD"


class SubscriptionStatus(enum.StrEnum):
    """Subscription status."""

    INACTIVE = "INACTIVE"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    TERMINATED = "TERMINATED"


class SubscriptionType(enum.StrEnum):
    """Subscription type."""

    MARKET_ORDERBOOK = "MARKET.SUBSCRIPTION.ORDERBOOK"
    MARKET_TRADE = "MARKET.SUBSCRIPTION.TRADE"
    MARKET_TICKER = "MARKET.SUBSCRIPTION.TICKER"
    MARKET_KLINE = "MARKET.SUBSCRIPTION.KLINE"
    TRADING_ACCOUNT_USER_DATA = "TRADING_ACCOUNT.SUBSCRIPTION.USER_DATA"
    TRADING_ACCOUNT_PORTFOLIO = "TRADING_ACCOUNT.SUBSCRIPTION.PORTFOLIO"
    TRADING_ACCOUNT_EXECUTION_REPORT = "TRADING_ACCOUNT.SUBSCRIPTION.EXECUTION_REPORT"
    TRADING_ACCOUNT_TRADING_ACCOUNT = "TRADING_ACCOUNT.SUBSCRIPTION.TRADING_ACCOUNT"


class TimeInForce(enum.StrEnum):
    """Time in force."""

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


class TradingAccountOperationType(enum.StrEnum):
    """Trading account operation type."""

    CONNECT = "CONNECT"
    CONNECTED = "CONNECTED"
    DISCONNECT = "DISCONNECT"
    DISCONNECTED = "DISCONNECTED"
    ENABLE = "ENABLE"
    ENABLED = "ENABLED"
    DISABLE = "DISABLE"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


class TradingAccountStatus(enum.StrEnum):
    """Trading account status."""

    NEW = "NEW"
    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    LOCKED = "LOCKED"
    DISCONNECTED = "DISCONNECTED"
    UNAVAILABLE = "UNAVAILABLE"


class TradingAccountType(enum.StrEnum):
    """Trading account type."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    CREDIT = "CREDIT"


class UpdateMode(enum.StrEnum):
    """Update mode."""

    DELTA = "DELTA"
    SNAPSHOT = "SNAPSHOT"


class UpdateType(enum.StrEnum):
    """Update type."""

    SNAPSHOT = "SNAPSHOT"
    DIFF = "DIFF"
    DELTA = "DELTA"


class Venue(enum.StrEnum):
    """Where an instrument trades. ``_UAT`` are the venues' own test systems; ``PAPER`` is simulated here."""

    BINANCE = "BINANCE"
    B2C2 = "B2C2"
    WINTERMUTE = "WINTERMUTE"
    BLOCKFILLS = "BLOCKFILLS"
    STONEX = "STONEX"
    CUMBERLAND = "CUMBERLAND"
    IBKR = "IBKR"
    DERIBIT = "DERIBIT"
    BITFINEX = "BITFINEX"
    OKX = "OKX"
    HYPERLIQUID = "HYPERLIQUID"
    BINANCE_UAT = "BINANCE_UAT"
    B2C2_UAT = "B2C2_UAT"
    WINTERMUTE_UAT = "WINTERMUTE_UAT"
    BLOCKFILLS_UAT = "BLOCKFILLS_UAT"
    STONEX_UAT = "STONEX_UAT"
    CUMBERLAND_UAT = "CUMBERLAND_UAT"
    IBKR_UAT = "IBKR_UAT"
    DERIBIT_UAT = "DERIBIT_UAT"
    BITFINEX_UAT = "BITFINEX_UAT"
    OKX_UAT = "OKX_UAT"
    HYPERLIQUID_UAT = "HYPERLIQUID_UAT"
    BINANCE_SANDBOX = "BINANCE_SANDBOX"
    B2C2_SANDBOX = "B2C2_SANDBOX"
    IBKR_PAPER = "IBKR_PAPER"
    FERMATA = "FERMATA"
    MOCK = "MOCK"
    PAPER = "PAPER"


class WalletStatus(enum.StrEnum):
    """Wallet status."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class WalletType(enum.StrEnum):
    """Wallet type."""

    DEALER = "DEALER"
    CLIENT = "CLIENT"
    EXCHANGE = "EXCHANGE"
    ACCOUNTING = "ACCOUNTING"
