"""What the nouns share: identifiers, decimals, times and enums, as the contract has them.

Above: every file of ``schema``. Below: msgspec. Decimals and times stay text on purpose: what arrives is what was sent,
and whoever calculates says so with ``to_decimal``.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
from typing import Annotated, Any, Final, TypeVar

import msgspec

from cadenza.schema.market_enums import (
    HealthStatus,
    InstrumentStatus,
    InstrumentType,
    KlineInterval,
    OrderBookType,
    SecurityType,
    SubscriptionStatus,
    SubscriptionType,
    UpdateType,
    Venue,
)
from cadenza.schema.trading_enums import (
    BalanceStatus,
    CollateralMode,
    CredentialStatus,
    CredentialType,
    MarginMode,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    PositionStatus,
    QuantityRounding,
    QuantityType,
    QuoteStatus,
    TimeInForce,
    TradingAccountOperationType,
    TradingAccountStatus,
    TradingAccountType,
    UpdateMode,
    WalletStatus,
    WalletType,
)

__all__ = [
    "CONTRACT_PATTERNS",
    "Asset",
    "BalanceStatus",
    "CollateralMode",
    "CredentialStatus",
    "CredentialType",
    "DateTimeText",
    "DecimalText",
    "EmailText",
    "HealthStatus",
    "InstrumentId",
    "InstrumentStatus",
    "InstrumentType",
    "JsonValue",
    "JwtText",
    "KlineInterval",
    "LooseDecimalText",
    "MarginMode",
    "Message",
    "Nullable",
    "OrderBookType",
    "OrderSide",
    "OrderStatus",
    "OrderType",
    "PositionMode",
    "PositionSide",
    "PositionStatus",
    "QuantityRounding",
    "QuantityType",
    "QuoteStatus",
    "Seconds",
    "SecretMessage",
    "SecurityId",
    "SecurityType",
    "SubscriptionStatus",
    "SubscriptionType",
    "SymbolPair",
    "TimeInForce",
    "TradingAccountOperationType",
    "TradingAccountStatus",
    "TradingAccountType",
    "UnixMilliseconds",
    "UnixSeconds",
    "UnsignedDecimalText",
    "UpdateMode",
    "UpdateType",
    "Uuid",
    "Venue",
    "WalletStatus",
    "WalletType",
    "date_time_text",
    "decimal_text",
    "to_date_time",
    "to_decimal",
]

# The contract's patterns are ECMA's, where ``\d`` is ASCII and ``$`` the very end: Python needs other words for that.
_DECIMAL: Final = r"^-?[0-9]+(\.[0-9]+)?\Z"
_UNSIGNED: Final = r"^[0-9]+(\.[0-9]+)?\Z"
#: Python's spelling -> the contract's, for ``export``.
CONTRACT_PATTERNS: Final = {_DECIMAL: r"^-?\d+(\.\d+)?$", _UNSIGNED: r"^\d+(\.\d+)?$"}


def _format(name: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"format": name})


def _enforced(name: str, pattern: str) -> msgspec.Meta:
    return msgspec.Meta(pattern=pattern, extra_json_schema={"format": name})


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
DecimalText = Annotated[str, _enforced("decimal", _DECIMAL)]
#: The same without a sign.
UnsignedDecimalText = Annotated[str, _enforced("decimal-unsigned", _UNSIGNED)]
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
#: Any JSON value: the contract leaves it open.
JsonValue = Annotated[object, msgspec.Meta(extra_json_schema={"title": "Any JSON value"})]

_Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
_T = TypeVar("_T")
#: Where the contract declares null as a value of its own. Elsewhere an optional field is left out rather than sent as
#: null; readers take null for absent everywhere.
Nullable = Annotated[_T | None, msgspec.Meta(extra_json_schema={"nullable": True})]


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every message: frozen, camelCase on the wire, absent fields left out, unknown ones ignored."""


class SecretMessage(Message, frozen=True, kw_only=True):
    """A message that holds a token, a password or personal data: its repr names only its type."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


def decimal_text(value: decimal.Decimal) -> str:
    """Write a decimal as the contract wants it, ``0.00000001`` and never ``1E-8``."""
    if not value.is_finite():
        raise ValueError("a decimal on the wire must be finite")
    return format(value, "f")


def to_decimal(text: str) -> decimal.Decimal:
    """Read a decimal's text exactly.

    Raises:
        ValueError: It is not of the contract's form.
    """
    if not re.match(_DECIMAL, text):
        raise ValueError("not a decimal of the contract's form")
    return decimal.Decimal(text)


def date_time_text(seconds: float) -> str:
    """Write seconds since the epoch as RFC 3339 text in UTC with milliseconds, ``2026-11-23T12:00:00.000Z``."""
    moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_date_time(text: str) -> dt.datetime:
    """Read RFC 3339 text, with ``Z`` or any offset, up to microseconds.

    Raises:
        ValueError: It is not RFC 3339, or says no offset.
    """
    try:
        return msgspec.convert(text, _Moment)
    except msgspec.ValidationError:
        raise ValueError("not a date-time of RFC 3339 with an offset") from None
