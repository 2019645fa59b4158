"""What market data may say: venues, instruments, books, bars, streams, health.

Above: ``scalars``, which passes them on. Below: nothing. Values are the contract's, to the letter.
"""

from __future__ import annotations

import enum

__all__ = [
    "HealthStatus",
    "InstrumentStatus",
    "InstrumentType",
    "KlineInterval",
    "OrderBookType",
    "SecurityType",
    "SubscriptionStatus",
    "SubscriptionType",
    "UpdateType",
    "Venue",
]


class Venue(enum.StrEnum):
    """Where an instrument trades.

    ``_UAT`` are the venues' own test systems; ``_SANDBOX`` and ``IBKR_PAPER`` are deprecated in favour of them.
    ``PAPER`` is simulated here, ``MOCK`` replays recordings, ``FERMATA`` is the dealers' venue.
    """

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


class InstrumentType(enum.StrEnum):
    """What kind of contract an instrument is. ``CONTRACT`` is deprecated: ``FUTURES`` or ``PERPETUAL``."""

    SPOT = "SPOT"
    FUTURES = "FUTURES"
    PERPETUAL = "PERPETUAL"
    OPTION = "OPTION"
    CFD = "CFD"
    CONTRACT = "CONTRACT"


class InstrumentStatus(enum.StrEnum):
    """Whether an instrument can be traded: ``INACTIVE`` at the venue, ``DISABLED`` here, ``DELISTED`` for good."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DISABLED = "DISABLED"
    DELISTED = "DELISTED"


class SecurityType(enum.StrEnum):
    """What kind of thing a security (one side of an instrument) is."""

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


class OrderBookType(enum.StrEnum):
    """What the rows of a book mean: the columns of each are in ``contract/channels.json``.

    ``L2`` one row a price, ``L3`` one row an order (prices repeat), ``_COUNTED`` with a third column, ``L2_EXCHANGE``
    one row a price and exchange, ``VWAP`` cumulative quantities.
    """

    L2 = "L2"
    L2_COUNTED = "L2_COUNTED"
    L3 = "L3"
    L3_COUNTED = "L3_COUNTED"
    L2_EXCHANGE = "L2_EXCHANGE"
    VWAP = "VWAP"


class UpdateType(enum.StrEnum):
    """What a message does to a book: ``SNAPSHOT`` replaces it, ``DIFF`` sets levels, ``DELTA`` is the venue's."""

    SNAPSHOT = "SNAPSHOT"
    DIFF = "DIFF"
    DELTA = "DELTA"


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


class SubscriptionType(enum.StrEnum):
    """What a stream carries. ``USER_DATA``: portfolio and execution reports; ``..._TRADING_ACCOUNT``: its old name."""

    MARKET_ORDERBOOK = "MARKET.SUBSCRIPTION.ORDERBOOK"
    MARKET_TRADE = "MARKET.SUBSCRIPTION.TRADE"
    MARKET_TICKER = "MARKET.SUBSCRIPTION.TICKER"
    MARKET_KLINE = "MARKET.SUBSCRIPTION.KLINE"
    TRADING_ACCOUNT_USER_DATA = "TRADING_ACCOUNT.SUBSCRIPTION.USER_DATA"
    TRADING_ACCOUNT_PORTFOLIO = "TRADING_ACCOUNT.SUBSCRIPTION.PORTFOLIO"
    TRADING_ACCOUNT_EXECUTION_REPORT = "TRADING_ACCOUNT.SUBSCRIPTION.EXECUTION_REPORT"
    TRADING_ACCOUNT_TRADING_ACCOUNT = "TRADING_ACCOUNT.SUBSCRIPTION.TRADING_ACCOUNT"


class SubscriptionStatus(enum.StrEnum):
    """Whether Cadenza keeps a stream running."""

    INACTIVE = "INACTIVE"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    TERMINATED = "TERMINATED"


class HealthStatus(enum.StrEnum):
    """How a part is: the only lower-case enum of the contract."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
