"""Methods about the system, venues, instruments, market data and the streams that are kept running.

Above: ``methods``, which passes them on. Below: the nouns, ``method``.
"""

from __future__ import annotations

from typing import Final

from cadenza.schema import instruments, market, securities, subscriptions, system
from cadenza.schema.access import Access
from cadenza.schema.method import Method
from cadenza.schema.rates import Rate
from cadenza.schema.scalars import Venue

__all__ = [
    "COMMAND_INSTRUMENT_DELETE",
    "COMMAND_INSTRUMENT_DISABLE",
    "COMMAND_INSTRUMENT_ENABLE",
    "COMMAND_INSTRUMENT_SAVE",
    "COMMAND_INSTRUMENT_SYNC",
    "COMMAND_KLINE_SAVE",
    "COMMAND_MARKET_SUBSCRIPTION_ORDERBOOK_SUBSCRIBE",
    "COMMAND_MARKET_SUBSCRIPTION_ORDERBOOK_UNSUBSCRIBE",
    "COMMAND_ORDERBOOK_SAVE",
    "COMMAND_SECURITY_DELETE",
    "COMMAND_SECURITY_SAVE",
    "COMMAND_SECURITY_SYNC",
    "COMMAND_SUBSCRIPTION_CREATE",
    "COMMAND_SUBSCRIPTION_MC_CREATE",
    "COMMAND_TICKER_SAVE",
    "COMMAND_TRADING_ACCOUNT_SUBSCRIBE",
    "COMMAND_TRADING_ACCOUNT_UNSUBSCRIBE",
    "QUERY_INSTRUMENT_LIST",
    "QUERY_KLINE_LIST",
    "QUERY_MARKET_SUBSCRIPTION_ORDERBOOK_LIST",
    "QUERY_ORDERBOOK_GET",
    "QUERY_ORDERBOOK_LIST",
    "QUERY_SECURITY_LIST",
    "QUERY_SUBSCRIPTION_LIST",
    "QUERY_SYSTEM_CHECK",
    "QUERY_SYSTEM_INFO",
    "QUERY_TICKER_LIST",
    "QUERY_TRADING_ACCOUNT_SUBSCRIPTION_LIST",
    "QUERY_VENUE_LIST",
]

# system
QUERY_SYSTEM_INFO: Final = Method(
    "query.system.info",
    system.NoParams,
    system.SystemInfo,
    "Which program answers, and its version.",
    access=Access.ANONYMOUS,
)
QUERY_SYSTEM_CHECK: Final = Method(
    "query.system.check",
    system.NoParams,
    system.HealthCheck,
    "Whether the backend and its parts are well.",
    access=Access.ANONYMOUS,
)

# venues
QUERY_VENUE_LIST: Final = Method("query.venue.list", system.NoParams, list[Venue], "The venues that are served.")

# instruments
COMMAND_INSTRUMENT_SYNC: Final = Method(
    "command.instrument.sync",
    instruments.SyncInstrumentsParams,
    instruments.SyncInstrumentsResultData,
    "Fetch instruments from a venue.",
    access=Access.SERVICE,
)
COMMAND_INSTRUMENT_SAVE: Final = Method(
    "command.instrument.save",
    instruments.SaveInstrumentsParams,
    list[instruments.Instrument],
    "Keep instruments as they are given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
QUERY_INSTRUMENT_LIST: Final = Method(
    "query.instrument.list",
    instruments.ListInstrumentsParams,
    list[instruments.Instrument],
    "What can be traded, where, in which steps.",
)
COMMAND_INSTRUMENT_DELETE: Final = Method(
    "command.instrument.delete",
    instruments.DeleteInstrumentParams,
    instruments.Instrument,
    "Delete an instrument.",
    access=Access.SERVICE,
)
COMMAND_INSTRUMENT_ENABLE: Final = Method(
    "command.instrument.enable",
    instruments.EnableInstrumentParams,
    instruments.Instrument,
    "Let an instrument be traded.",
    access=Access.SERVICE,
)
COMMAND_INSTRUMENT_DISABLE: Final = Method(
    "command.instrument.disable",
    instruments.DisableInstrumentParams,
    instruments.Instrument,
    "Let an instrument not be traded.",
    access=Access.SERVICE,
)

# securities
COMMAND_SECURITY_SYNC: Final = Method(
    "command.security.sync",
    securities.SyncSecuritiesParams,
    list[securities.Security],
    "Fetch securities from a venue.",
    access=Access.SERVICE,
)
COMMAND_SECURITY_SAVE: Final = Method(
    "command.security.save",
    securities.SaveSecuritiesParams,
    list[securities.Security],
    "Keep securities as they are given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
COMMAND_SECURITY_DELETE: Final[Method[securities.DeleteSecuritiesParams, None]] = Method(
    "command.security.delete",
    securities.DeleteSecuritiesParams,
    type(None),
    "Delete securities; answers no data.",
    access=Access.SERVICE,
)
QUERY_SECURITY_LIST: Final = Method(
    "query.security.list",
    securities.ListSecuritiesParams,
    list[securities.Security],
    "The assets behind the instruments.",
)

# market data
QUERY_ORDERBOOK_GET: Final = Method(
    "query.orderbook.get", market.GetOrderBookParams, market.OrderBook, "One order book, whole, to a depth."
)
QUERY_ORDERBOOK_LIST: Final = Method(
    "query.orderbook.list", market.ListOrderBooksParams, list[market.OrderBook], "Order books, whole, to a depth."
)
COMMAND_ORDERBOOK_SAVE: Final = Method(
    "command.orderbook.save",
    market.SaveOrderBooksParams,
    list[market.OrderBook],
    "Keep order books as they are given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
COMMAND_KLINE_SAVE: Final = Method(
    "command.kline.save",
    market.SaveKlinesParams,
    list[market.Kline],
    "Keep bars as they are given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
QUERY_KLINE_LIST: Final = Method(
    "query.kline.list", market.ListKlinesParams, list[market.Kline], "The latest bars of an interval."
)
COMMAND_TICKER_SAVE: Final = Method(
    "command.ticker.save",
    market.SaveTickersParams,
    list[market.Ticker],
    "Keep tickers as they are given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
QUERY_TICKER_LIST: Final = Method(
    "query.ticker.list", market.ListTickersParams, list[market.Ticker], "Last trades and best prices."
)

# subscriptions
COMMAND_TRADING_ACCOUNT_SUBSCRIBE: Final = Method(
    "command.trading_account.subscribe",
    subscriptions.SubscribeTradingAccountStreamParams,
    subscriptions.Subscription,
    "Keep a stream of an account running.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_UNSUBSCRIBE: Final = Method(
    "command.trading_account.unsubscribe",
    subscriptions.UnsubscribeTradingAccountStreamParams,
    subscriptions.Subscription,
    "End a stream of an account, or all of them.",
    access=Access.OWNER,
)
QUERY_TRADING_ACCOUNT_SUBSCRIPTION_LIST: Final = Method(
    "query.trading_account.subscription.list",
    subscriptions.ListTradingAccountSubscriptionsParams,
    list[subscriptions.Subscription],
    "Streams of an account.",
    access=Access.OWNER,
)
COMMAND_MARKET_SUBSCRIPTION_ORDERBOOK_SUBSCRIBE: Final = Method(
    "command.market.subscription.orderbook.subscribe",
    subscriptions.SubscribeOrderBookParams,
    list[subscriptions.Subscription],
    "Keep order books running.",
)
COMMAND_MARKET_SUBSCRIPTION_ORDERBOOK_UNSUBSCRIBE: Final = Method(
    "command.market.subscription.orderbook.unsubscribe",
    subscriptions.UnsubscribeOrderBookParams,
    subscriptions.Subscription,
    "End the stream of an order book.",
)
QUERY_MARKET_SUBSCRIPTION_ORDERBOOK_LIST: Final = Method(
    "query.market.subscription.orderbook.list",
    subscriptions.ListOrderBookSubscriptionsParams,
    list[subscriptions.Subscription],
    "Order books that are kept running.",
)
COMMAND_SUBSCRIPTION_CREATE: Final = Method(
    "command.subscription.create",
    subscriptions.CreateSubscriptionParams,
    list[subscriptions.Subscription],
    "Keep market streams of a venue running.",
)
QUERY_SUBSCRIPTION_LIST: Final = Method(
    "query.subscription.list",
    subscriptions.ListSubscriptionsParams,
    list[subscriptions.Subscription],
    "Market streams that are kept running.",
)
COMMAND_SUBSCRIPTION_MC_CREATE: Final = Method(
    "command.subscription.mc.create",
    subscriptions.CreateSubscriptionParams,
    list[subscriptions.Subscription],
    "As command.subscription.create; undocumented in the contract.",
    access=Access.SERVICE,
)
