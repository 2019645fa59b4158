"""Enums of the contract that only its HTTP API uses.

Above: ``_definitions``, and REST when it comes. Below: nothing. Three repeat one of ``trading_enums``.
"""

from __future__ import annotations

import enum
from typing import Final

__all__ = [
    "ALL",
    "AccountType",
    "ContingencyType",
    "DealerStatus",
    "OperationStatus",
    "OperationType",
    "OrderQuantityType",
    "ServiceName",
    "TradingAccountCredentialStatus",
    "VenueStatus",
]


class AccountType(enum.StrEnum):
    """The HTTP API's name for ``TradingAccountType``."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    CREDIT = "CREDIT"


class ContingencyType(enum.StrEnum):
    """How orders of a list hang together: one cancels the other, one triggers the other, or both."""

    OCO = "OCO"
    OTO = "OTO"
    OTOCO = "OTOCO"


class DealerStatus(enum.StrEnum):
    """Whether a Fermata dealer quotes: ``PAUSED`` still hedges, ``ARCHIVED`` is final."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ARCHIVED = "ARCHIVED"


class OperationStatus(enum.StrEnum):
    """How far an operation on a trading account has come."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


class OperationType(enum.StrEnum):
    """What was done to a trading account, in the HTTP API's words."""

    CONNECT = "CONNECT"
    DISCONNECT = "DISCONNECT"
    ENABLE = "ENABLE"
    DISABLE = "DISABLE"
    UPDATE = "UPDATE"
    CREDENTIAL_REVOKE = "CREDENTIAL_REVOKE"
    CREDENTIAL_ROTATE = "CREDENTIAL_ROTATE"


class OrderQuantityType(enum.StrEnum):
    """The HTTP API's name for ``QuantityType``."""

    BASE = "BASE"
    QUOTE = "QUOTE"
    POSITION_RATIO = "POSITION_RATIO"
    POSITION_PERCENTAGE = "POSITION_PERCENTAGE"


class ServiceName(enum.StrEnum):
    """Parts of the original system that send events."""

    TRADE_ORDER_SERVICE = "TRADE_ORDER_SERVICE"
    TRADING_ACCOUNT_SERVICE = "TRADING_ACCOUNT_SERVICE"
    MARKET_SERVICE = "MARKET_SERVICE"
    PORTFOLIO_SERVICE = "PORTFOLIO_SERVICE"
    EXECUTION_ENGINE = "EXECUTION_ENGINE"
    HTTP_SERVER = "HTTP_SERVER"
    MARKET_QUERY = "MARKET_QUERY"
    MARKET_REALTIME = "MARKET_REALTIME"


class TradingAccountCredentialStatus(enum.StrEnum):
    """The HTTP API's name for ``CredentialStatus``."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class VenueStatus(enum.StrEnum):
    """Whether a venue can be reached."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
    MAINTENANCE = "MAINTENANCE"


ALL: Final = (
    AccountType,
    ContingencyType,
    DealerStatus,
    OperationStatus,
    OperationType,
    OrderQuantityType,
    ServiceName,
    TradingAccountCredentialStatus,
    VenueStatus,
)
