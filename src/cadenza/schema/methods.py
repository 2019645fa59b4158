"""The table: RPC name -> parameters, result, access.

Above: ``backend.router``, ``client.rpc``, docs. Below: the nouns, ``method``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from cadenza.schema.access import Access
from cadenza.schema.accounts import (
    ConnectTradingAccountParams,
    CreateTradingAccountParams,
    DeleteTradingAccountParams,
    DisableTradingAccountParams,
    DisconnectTradingAccountParams,
    EnableTradingAccountParams,
    ListTradingAccountOperationsParams,
    ListTradingAccountsParams,
    SaveTradingAccountsParams,
    TradingAccount,
    TradingAccountOperationHistory,
    UpdateTradingAccountParams,
    ValidateTradingAccountParams,
    ValidateTradingAccountResultData,
    VerifyCredentialResultData,
)
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    ChallengeMfaParams,
    ExchangeOAuthParams,
    GetUserParams,
    LoginParams,
    LogoutParams,
    MfaChallenge,
    OAuthStart,
    RecoverParams,
    RefreshParams,
    SendOtpParams,
    SignupParams,
    StartOAuthParams,
    StepUp,
    StepUpParams,
    UpdateUserParams,
    VerifyMfaParams,
    VerifyOtpParams,
)
from cadenza.schema.credentials import (
    CreateCredentialParams,
    ListCredentialsParams,
    RevokeCredentialParams,
    RotateCredentialParams,
    SaveCredentialParams,
    TradingAccountCredential,
    VerifyCredentialParams,
)
from cadenza.schema.instruments import (
    DeleteInstrumentParams,
    DisableInstrumentParams,
    EnableInstrumentParams,
    Instrument,
    ListInstrumentsParams,
    SaveInstrumentsParams,
    SyncInstrumentsParams,
    SyncInstrumentsResultData,
)
from cadenza.schema.market import (
    GetOrderBookParams,
    Kline,
    ListKlinesParams,
    ListOrderBooksParams,
    ListTickersParams,
    OrderBook,
    SaveKlinesParams,
    SaveOrderBooksParams,
    SaveTickersParams,
    Ticker,
)
from cadenza.schema.method import Kind, Method, encode_error
from cadenza.schema.orders import (
    CancelTradeOrderParams,
    GetTradeOrderByIdParams,
    GetTradeOrderParams,
    ListTradeOrdersParams,
    SaveTradeOrderParams,
    SubmitTradeOrderParams,
    TradeOrder,
)
from cadenza.schema.portfolio import GetPortfolioParams, ListPortfoliosParams, Portfolio, SavePortfolioParams
from cadenza.schema.quotes import Quote, QuoteRfqRequest
from cadenza.schema.scalars import Venue
from cadenza.schema.securities import (
    DeleteSecuritiesParams,
    ListSecuritiesParams,
    SaveSecuritiesParams,
    Security,
    SyncSecuritiesParams,
)
from cadenza.schema.subscriptions import (
    CreateSubscriptionParams,
    ListOrderBookSubscriptionsParams,
    ListSubscriptionsParams,
    ListTradingAccountSubscriptionsParams,
    SubscribeOrderBookParams,
    SubscribeTradingAccountStreamParams,
    Subscription,
    UnsubscribeOrderBookParams,
    UnsubscribeTradingAccountStreamParams,
)
from cadenza.schema.system import HealthCheck, NoParams, SystemInfo
from cadenza.schema.wallets import (
    FermataCloseWalletRequest,
    FermataCreateWalletRequest,
    FermataFreezeWalletRequest,
    FermataLinkDealerRequest,
    FermataListWalletsParams,
    FermataTransferWalletRequest,
    FermataUnfreezeWalletRequest,
    FermataUnlinkDealerRequest,
    FermataWallet,
)

# The constants below are public too; what stands here is what is passed on.
__all__ = ["METHODS", "Access", "Kind", "Method", "encode_error"]

# system
QUERY_SYSTEM_INFO: Final = Method("query.system.info", NoParams, SystemInfo, access=Access.ANONYMOUS)
QUERY_SYSTEM_CHECK: Final = Method("query.system.check", NoParams, HealthCheck, access=Access.ANONYMOUS)

# trading_account
COMMAND_TRADING_ACCOUNT_CREATE: Final = Method(
    "command.trading_account.create", CreateTradingAccountParams, TradingAccount, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_SAVE: Final = Method(
    "command.trading_account.save", SaveTradingAccountsParams, list[TradingAccount], access=Access.SERVICE
)
COMMAND_TRADING_ACCOUNT_DELETE: Final = Method(
    "command.trading_account.delete", DeleteTradingAccountParams, TradingAccount, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_UPDATE: Final = Method(
    "command.trading_account.update", UpdateTradingAccountParams, TradingAccount, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_VALIDATE: Final = Method(
    "command.trading_account.validate",
    ValidateTradingAccountParams,
    ValidateTradingAccountResultData,
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_CONNECT: Final = Method(
    "command.trading_account.connect", ConnectTradingAccountParams, TradingAccount, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_DISCONNECT: Final = Method(
    "command.trading_account.disconnect", DisconnectTradingAccountParams, TradingAccount, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_ENABLE: Final = Method(
    "command.trading_account.enable", EnableTradingAccountParams, TradingAccount, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_DISABLE: Final = Method(
    "command.trading_account.disable", DisableTradingAccountParams, TradingAccount, access=Access.OWNER
)
QUERY_TRADING_ACCOUNT_LIST: Final = Method(
    "query.trading_account.list", ListTradingAccountsParams, list[TradingAccount], access=Access.OWNER, paginated=True
)
QUERY_TRADING_ACCOUNT_OPERATION_LIST: Final = Method(
    "query.trading_account.operation.list",
    ListTradingAccountOperationsParams,
    list[TradingAccountOperationHistory],
    access=Access.OWNER,
)

# subscription
COMMAND_TRADING_ACCOUNT_SUBSCRIBE: Final = Method(
    "command.trading_account.subscribe", SubscribeTradingAccountStreamParams, Subscription, access=Access.OWNER
)
COMMAND_TRADING_ACCOUNT_UNSUBSCRIBE: Final = Method(
    "command.trading_account.unsubscribe", UnsubscribeTradingAccountStreamParams, Subscription, access=Access.OWNER
)
QUERY_TRADING_ACCOUNT_SUBSCRIPTION_LIST: Final = Method(
    "query.trading_account.subscription.list",
    ListTradingAccountSubscriptionsParams,
    list[Subscription],
    access=Access.OWNER,
)
COMMAND_MARKET_SUBSCRIPTION_ORDERBOOK_SUBSCRIBE: Final = Method(
    "command.market.subscription.orderbook.subscribe", SubscribeOrderBookParams, list[Subscription]
)
COMMAND_MARKET_SUBSCRIPTION_ORDERBOOK_UNSUBSCRIBE: Final = Method(
    "command.market.subscription.orderbook.unsubscribe", UnsubscribeOrderBookParams, Subscription
)
QUERY_MARKET_SUBSCRIPTION_ORDERBOOK_LIST: Final = Method(
    "query.market.subscription.orderbook.list", ListOrderBookSubscriptionsParams, list[Subscription]
)
COMMAND_SUBSCRIPTION_CREATE: Final = Method("command.subscription.create", CreateSubscriptionParams, list[Subscription])
QUERY_SUBSCRIPTION_LIST: Final = Method("query.subscription.list", ListSubscriptionsParams, list[Subscription])
COMMAND_SUBSCRIPTION_MC_CREATE: Final = Method(
    "command.subscription.mc.create", CreateSubscriptionParams, list[Subscription], access=Access.SERVICE
)

# credential
COMMAND_CREDENTIAL_CREATE: Final = Method(
    "command.credential.create", CreateCredentialParams, TradingAccountCredential, access=Access.OWNER
)
COMMAND_CREDENTIAL_SAVE: Final = Method(
    "command.credential.save", SaveCredentialParams, TradingAccountCredential, access=Access.SERVICE
)
QUERY_CREDENTIAL_LIST: Final = Method(
    "query.credential.list", ListCredentialsParams, list[TradingAccountCredential], access=Access.OWNER
)
COMMAND_CREDENTIAL_REVOKE: Final = Method(
    "command.credential.revoke", RevokeCredentialParams, TradingAccountCredential, access=Access.OWNER
)
COMMAND_CREDENTIAL_ROTATE: Final = Method(
    "command.credential.rotate", RotateCredentialParams, TradingAccountCredential, access=Access.OWNER
)
COMMAND_CREDENTIAL_VERIFY: Final = Method(
    "command.credential.verify", VerifyCredentialParams, VerifyCredentialResultData, access=Access.OWNER
)

# trade_order
COMMAND_TRADE_ORDER_SUBMIT: Final = Method(
    "command.trade_order.submit", SubmitTradeOrderParams, TradeOrder, access=Access.OWNER
)
COMMAND_TRADE_ORDER_CANCEL: Final = Method(
    "command.trade_order.cancel", CancelTradeOrderParams, TradeOrder, access=Access.OWNER
)
COMMAND_TRADE_ORDER_SAVE: Final = Method(
    "command.trade_order.save", SaveTradeOrderParams, TradeOrder, access=Access.SERVICE
)
QUERY_TRADE_ORDER_GET: Final = Method("query.trade_order.get", GetTradeOrderParams, TradeOrder, access=Access.OWNER)
QUERY_TRADE_ORDER_GET_BY_ID: Final = Method(
    "query.trade_order.get_by_id", GetTradeOrderByIdParams, TradeOrder, access=Access.OWNER
)
QUERY_TRADE_ORDER_LIST: Final = Method(
    "query.trade_order.list", ListTradeOrdersParams, list[TradeOrder], access=Access.OWNER, paginated=True
)

# portfolio
QUERY_PORTFOLIO_GET: Final = Method("query.portfolio.get", GetPortfolioParams, Portfolio, access=Access.OWNER)
QUERY_PORTFOLIO_LIST: Final = Method(
    "query.portfolio.list", ListPortfoliosParams, list[Portfolio], access=Access.OWNER, paginated=True
)
COMMAND_PORTFOLIO_SAVE: Final = Method("command.portfolio.save", SavePortfolioParams, Portfolio, access=Access.SERVICE)

# instrument
COMMAND_INSTRUMENT_SYNC: Final = Method(
    "command.instrument.sync", SyncInstrumentsParams, SyncInstrumentsResultData, access=Access.SERVICE
)
COMMAND_INSTRUMENT_SAVE: Final = Method(
    "command.instrument.save", SaveInstrumentsParams, list[Instrument], access=Access.SERVICE
)
QUERY_INSTRUMENT_LIST: Final = Method("query.instrument.list", ListInstrumentsParams, list[Instrument])
COMMAND_INSTRUMENT_DELETE: Final = Method(
    "command.instrument.delete", DeleteInstrumentParams, Instrument, access=Access.SERVICE
)
COMMAND_INSTRUMENT_ENABLE: Final = Method(
    "command.instrument.enable", EnableInstrumentParams, Instrument, access=Access.SERVICE
)
COMMAND_INSTRUMENT_DISABLE: Final = Method(
    "command.instrument.disable", DisableInstrumentParams, Instrument, access=Access.SERVICE
)

# security
COMMAND_SECURITY_SYNC: Final = Method(
    "command.security.sync", SyncSecuritiesParams, list[Security], access=Access.SERVICE
)
COMMAND_SECURITY_SAVE: Final = Method(
    "command.security.save", SaveSecuritiesParams, list[Security], access=Access.SERVICE
)
COMMAND_SECURITY_DELETE: Final[Method[DeleteSecuritiesParams, None]] = Method(
    "command.security.delete", DeleteSecuritiesParams, type(None), access=Access.SERVICE
)
QUERY_SECURITY_LIST: Final = Method("query.security.list", ListSecuritiesParams, list[Security])

# quote
COMMAND_QUOTE_RFQ: Final = Method("command.quote.rfq", QuoteRfqRequest, Quote, access=Access.OWNER)

# fermata
COMMAND_FERMATA_DEALER_LINK: Final = Method(
    "command.fermata.dealer.link", FermataLinkDealerRequest, str, access=Access.SERVICE
)
COMMAND_FERMATA_DEALER_UNLINK: Final = Method(
    "command.fermata.dealer.unlink", FermataUnlinkDealerRequest, str, access=Access.SERVICE
)
COMMAND_FERMATA_WALLET_CREATE: Final = Method(
    "command.fermata.wallet.create", FermataCreateWalletRequest, FermataWallet, access=Access.OWNER
)
QUERY_FERMATA_WALLET_LIST: Final = Method(
    "query.fermata.wallet.list", FermataListWalletsParams, list[FermataWallet], access=Access.OWNER, paginated=True
)
COMMAND_FERMATA_WALLET_TRANSFER: Final = Method(
    "command.fermata.wallet.transfer", FermataTransferWalletRequest, str, access=Access.OWNER
)
COMMAND_FERMATA_WALLET_FREEZE: Final = Method(
    "command.fermata.wallet.freeze", FermataFreezeWalletRequest, FermataWallet, access=Access.SERVICE
)
COMMAND_FERMATA_WALLET_UNFREEZE: Final = Method(
    "command.fermata.wallet.unfreeze", FermataUnfreezeWalletRequest, FermataWallet, access=Access.SERVICE
)
COMMAND_FERMATA_WALLET_CLOSE: Final = Method(
    "command.fermata.wallet.close", FermataCloseWalletRequest, FermataWallet, access=Access.SERVICE
)

# venue
QUERY_VENUE_LIST: Final = Method("query.venue.list", NoParams, list[Venue])

# market_data
QUERY_ORDERBOOK_GET: Final = Method("query.orderbook.get", GetOrderBookParams, OrderBook)
QUERY_ORDERBOOK_LIST: Final = Method("query.orderbook.list", ListOrderBooksParams, list[OrderBook])
COMMAND_ORDERBOOK_SAVE: Final = Method(
    "command.orderbook.save", SaveOrderBooksParams, list[OrderBook], access=Access.SERVICE
)
COMMAND_KLINE_SAVE: Final = Method("command.kline.save", SaveKlinesParams, list[Kline], access=Access.SERVICE)
QUERY_KLINE_LIST: Final = Method("query.kline.list", ListKlinesParams, list[Kline])
COMMAND_TICKER_SAVE: Final = Method("command.ticker.save", SaveTickersParams, list[Ticker], access=Access.SERVICE)
QUERY_TICKER_LIST: Final = Method("query.ticker.list", ListTickersParams, list[Ticker])

# auth: ours, for the connection that has no token yet (design/decisions.md, "Access token over the WebSocket")
COMMAND_AUTH_SIGNUP: Final = Method("command.auth.signup", SignupParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_LOGIN: Final = Method("command.auth.login", LoginParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_REFRESH: Final = Method("command.auth.refresh", RefreshParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_OTP_SEND: Final = Method("command.auth.otp.send", SendOtpParams, str, access=Access.ANONYMOUS)
COMMAND_AUTH_OTP_VERIFY: Final = Method(
    "command.auth.otp.verify", VerifyOtpParams, AuthSession, access=Access.ANONYMOUS
)
COMMAND_AUTH_OAUTH_START: Final = Method(
    "command.auth.oauth.start", StartOAuthParams, OAuthStart, access=Access.ANONYMOUS
)
COMMAND_AUTH_OAUTH_EXCHANGE: Final = Method(
    "command.auth.oauth.exchange", ExchangeOAuthParams, AuthSession, access=Access.ANONYMOUS
)
COMMAND_AUTH_MFA_CHALLENGE: Final = Method(
    "command.auth.mfa.challenge", ChallengeMfaParams, MfaChallenge, access=Access.ANONYMOUS
)
COMMAND_AUTH_MFA_VERIFY: Final = Method(
    "command.auth.mfa.verify", VerifyMfaParams, AuthSession, access=Access.ANONYMOUS
)
COMMAND_AUTH_STEPUP: Final = Method("command.auth.stepup", StepUpParams, StepUp, access=Access.ANONYMOUS)
COMMAND_AUTH_ANONYMOUS: Final = Method("command.auth.anonymous", NoParams, AuthSession, access=Access.ANONYMOUS)
COMMAND_AUTH_RECOVER: Final = Method("command.auth.recover", RecoverParams, str, access=Access.ANONYMOUS)
COMMAND_AUTH_LOGOUT: Final = Method("command.auth.logout", LogoutParams, str, access=Access.ANONYMOUS)
QUERY_AUTH_USER: Final = Method("query.auth.user", GetUserParams, AuthUser, access=Access.ANONYMOUS)
COMMAND_AUTH_USER_UPDATE: Final = Method(
    "command.auth.user.update", UpdateUserParams, AuthUser, access=Access.ANONYMOUS
)

#: Name -> method, for every method there is.
METHODS: Final[MappingProxyType[str, Method[Any, Any]]] = MappingProxyType(
    {method.name: method for method in tuple(globals().values()) if isinstance(method, Method)}
)
