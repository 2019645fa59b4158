"""Methods about trading accounts, credentials, orders, portfolios, quotes and wallets.

Above: ``methods``, which passes them on. Below: the nouns, ``method``.
"""

from __future__ import annotations

from typing import Final

from cadenza.schema import accounts, credentials, orders, portfolio, quotes, wallets
from cadenza.schema.access import Access, Guarded
from cadenza.schema.method import Method
from cadenza.schema.rates import Rate

__all__ = [
    "COMMAND_CREDENTIAL_CREATE",
    "COMMAND_CREDENTIAL_REVOKE",
    "COMMAND_CREDENTIAL_ROTATE",
    "COMMAND_CREDENTIAL_SAVE",
    "COMMAND_CREDENTIAL_VERIFY",
    "COMMAND_FERMATA_DEALER_LINK",
    "COMMAND_FERMATA_DEALER_UNLINK",
    "COMMAND_FERMATA_WALLET_CLOSE",
    "COMMAND_FERMATA_WALLET_CREATE",
    "COMMAND_FERMATA_WALLET_FREEZE",
    "COMMAND_FERMATA_WALLET_TRANSFER",
    "COMMAND_FERMATA_WALLET_UNFREEZE",
    "COMMAND_PORTFOLIO_SAVE",
    "COMMAND_QUOTE_RFQ",
    "COMMAND_TRADE_ORDER_CANCEL",
    "COMMAND_TRADE_ORDER_SAVE",
    "COMMAND_TRADE_ORDER_SUBMIT",
    "COMMAND_TRADING_ACCOUNT_CONNECT",
    "COMMAND_TRADING_ACCOUNT_CREATE",
    "COMMAND_TRADING_ACCOUNT_DELETE",
    "COMMAND_TRADING_ACCOUNT_DISABLE",
    "COMMAND_TRADING_ACCOUNT_DISCONNECT",
    "COMMAND_TRADING_ACCOUNT_ENABLE",
    "COMMAND_TRADING_ACCOUNT_SAVE",
    "COMMAND_TRADING_ACCOUNT_UPDATE",
    "COMMAND_TRADING_ACCOUNT_VALIDATE",
    "QUERY_CREDENTIAL_LIST",
    "QUERY_FERMATA_WALLET_LIST",
    "QUERY_PORTFOLIO_GET",
    "QUERY_PORTFOLIO_LIST",
    "QUERY_TRADE_ORDER_GET",
    "QUERY_TRADE_ORDER_GET_BY_ID",
    "QUERY_TRADE_ORDER_LIST",
    "QUERY_TRADING_ACCOUNT_LIST",
    "QUERY_TRADING_ACCOUNT_OPERATION_LIST",
]

# trading accounts
COMMAND_TRADING_ACCOUNT_CREATE: Final = Method(
    "command.trading_account.create",
    accounts.CreateTradingAccountParams,
    accounts.TradingAccount,
    "Make a trading account.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_SAVE: Final = Method(
    "command.trading_account.save",
    accounts.SaveTradingAccountsParams,
    list[accounts.TradingAccount],
    "Keep trading accounts as they are given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
COMMAND_TRADING_ACCOUNT_DELETE: Final = Method(
    "command.trading_account.delete",
    accounts.DeleteTradingAccountParams,
    accounts.TradingAccount,
    "Delete a trading account.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_UPDATE: Final = Method(
    "command.trading_account.update",
    accounts.UpdateTradingAccountParams,
    accounts.TradingAccount,
    "Change a trading account; only the nickname may.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_VALIDATE: Final = Method(
    "command.trading_account.validate",
    accounts.ValidateTradingAccountParams,
    accounts.ValidateTradingAccountResultData,
    "Whether an account could be connected as it is given.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_CONNECT: Final = Method(
    "command.trading_account.connect",
    accounts.ConnectTradingAccountParams,
    accounts.TradingAccount,
    "Connect an account at a venue, so that it can trade here.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_DISCONNECT: Final = Method(
    "command.trading_account.disconnect",
    accounts.DisconnectTradingAccountParams,
    accounts.TradingAccount,
    "End trading and events of an account for good; open orders stay at the venue.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_ENABLE: Final = Method(
    "command.trading_account.enable",
    accounts.EnableTradingAccountParams,
    accounts.TradingAccount,
    "Let an account take new orders again.",
    access=Access.OWNER,
)
COMMAND_TRADING_ACCOUNT_DISABLE: Final = Method(
    "command.trading_account.disable",
    accounts.DisableTradingAccountParams,
    accounts.TradingAccount,
    "Let an account take no new orders; reversible.",
    access=Access.OWNER,
)
QUERY_TRADING_ACCOUNT_LIST: Final = Method(
    "query.trading_account.list",
    accounts.ListTradingAccountsParams,
    list[accounts.TradingAccount],
    "The caller's trading accounts.",
    access=Access.OWNER,
    paginated=True,
)
QUERY_TRADING_ACCOUNT_OPERATION_LIST: Final = Method(
    "query.trading_account.operation.list",
    accounts.ListTradingAccountOperationsParams,
    list[accounts.TradingAccountOperationHistory],
    "What was done to a trading account.",
    access=Access.OWNER,
)

# credentials
COMMAND_CREDENTIAL_CREATE: Final = Method(
    "command.credential.create",
    credentials.CreateCredentialParams,
    credentials.TradingAccountCredential,
    "Keep a venue's keys, encrypted; they never come out again.",
    access=Access.OWNER,
    guarded=Guarded.CREDENTIALS,
)
COMMAND_CREDENTIAL_SAVE: Final = Method(
    "command.credential.save",
    credentials.SaveCredentialParams,
    credentials.TradingAccountCredential,
    "Keep a credential as it is given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
QUERY_CREDENTIAL_LIST: Final = Method(
    "query.credential.list",
    credentials.ListCredentialsParams,
    list[credentials.TradingAccountCredential],
    "The caller's credentials, without their secrets.",
    access=Access.OWNER,
)
COMMAND_CREDENTIAL_REVOKE: Final = Method(
    "command.credential.revoke",
    credentials.RevokeCredentialParams,
    credentials.TradingAccountCredential,
    "Revoke a credential for good and disconnect the accounts that use it.",
    access=Access.OWNER,
    guarded=Guarded.CREDENTIALS,
)
COMMAND_CREDENTIAL_ROTATE: Final = Method(
    "command.credential.rotate",
    credentials.RotateCredentialParams,
    credentials.TradingAccountCredential,
    "Put new keys under a credential; the old ones stop at once.",
    access=Access.OWNER,
    guarded=Guarded.CREDENTIALS,
)
COMMAND_CREDENTIAL_VERIFY: Final = Method(
    "command.credential.verify",
    credentials.VerifyCredentialParams,
    accounts.VerifyCredentialResultData,
    "Try credentials at their venue; answers the accounts they reach.",
    access=Access.OWNER,
    guarded=Guarded.CREDENTIALS,
)

# orders
COMMAND_TRADE_ORDER_SUBMIT: Final = Method(
    "command.trade_order.submit",
    orders.SubmitTradeOrderParams,
    orders.TradeOrder,
    "Submit an order.",
    access=Access.OWNER,
    guarded=Guarded.ORDERS,
)
COMMAND_TRADE_ORDER_CANCEL: Final = Method(
    "command.trade_order.cancel",
    orders.CancelTradeOrderParams,
    orders.TradeOrder,
    "Cancel an order, named by one of its three ids; it may fill first.",
    access=Access.OWNER,
    guarded=Guarded.ORDERS,
)
COMMAND_TRADE_ORDER_SAVE: Final = Method(
    "command.trade_order.save",
    orders.SaveTradeOrderParams,
    orders.TradeOrder,
    "Keep an order as it is given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)
QUERY_TRADE_ORDER_GET: Final = Method(
    "query.trade_order.get",
    orders.GetTradeOrderParams,
    orders.TradeOrder,
    "One order by any of its ids.",
    access=Access.OWNER,
)
QUERY_TRADE_ORDER_GET_BY_ID: Final = Method(
    "query.trade_order.get_by_id",
    orders.GetTradeOrderByIdParams,
    orders.TradeOrder,
    "One order by its own id.",
    access=Access.OWNER,
)
QUERY_TRADE_ORDER_LIST: Final = Method(
    "query.trade_order.list",
    orders.ListTradeOrdersParams,
    list[orders.TradeOrder],
    "Orders that pass the filters.",
    access=Access.OWNER,
    paginated=True,
)

# portfolios
QUERY_PORTFOLIO_GET: Final = Method(
    "query.portfolio.get",
    portfolio.GetPortfolioParams,
    portfolio.Portfolio,
    "Balances, positions and summary of one account.",
    access=Access.OWNER,
)
QUERY_PORTFOLIO_LIST: Final = Method(
    "query.portfolio.list",
    portfolio.ListPortfoliosParams,
    list[portfolio.Portfolio],
    "Portfolios of the caller's accounts.",
    access=Access.OWNER,
    paginated=True,
)
COMMAND_PORTFOLIO_SAVE: Final = Method(
    "command.portfolio.save",
    portfolio.SavePortfolioParams,
    portfolio.Portfolio,
    "Keep a portfolio as it is given.",
    access=Access.SERVICE,
    rate=Rate.FEEDS,
)

# quotes
COMMAND_QUOTE_RFQ: Final = Method(
    "command.quote.rfq", quotes.QuoteRfqRequest, quotes.Quote, "Ask a dealer for a firm price.", access=Access.OWNER
)

# Fermata
COMMAND_FERMATA_DEALER_LINK: Final = Method(
    "command.fermata.dealer.link",
    wallets.FermataLinkDealerRequest,
    str,
    "Let a dealer hedge on an exchange account.",
    access=Access.ADMIN,
)
COMMAND_FERMATA_DEALER_UNLINK: Final = Method(
    "command.fermata.dealer.unlink",
    wallets.FermataUnlinkDealerRequest,
    str,
    "Take an exchange account from a dealer.",
    access=Access.ADMIN,
)
COMMAND_FERMATA_WALLET_CREATE: Final = Method(
    "command.fermata.wallet.create",
    wallets.FermataCreateWalletRequest,
    wallets.FermataWallet,
    "Make a wallet.",
    access=Access.OWNER,
    guarded=Guarded.WALLETS,
)
QUERY_FERMATA_WALLET_LIST: Final = Method(
    "query.fermata.wallet.list",
    wallets.FermataListWalletsParams,
    list[wallets.FermataWallet],
    "The caller's wallets.",
    access=Access.OWNER,
    paginated=True,
)
COMMAND_FERMATA_WALLET_TRANSFER: Final = Method(
    "command.fermata.wallet.transfer",
    wallets.FermataTransferWalletRequest,
    str,
    "Move an amount from one wallet to another of the same owner.",
    access=Access.OWNER,
    guarded=Guarded.WALLETS,
)
COMMAND_FERMATA_WALLET_FREEZE: Final = Method(
    "command.fermata.wallet.freeze",
    wallets.FermataFreezeWalletRequest,
    wallets.FermataWallet,
    "Block a wallet's trades, transfers and withdrawals.",
    access=Access.ADMIN,
    guarded=Guarded.WALLETS,
)
COMMAND_FERMATA_WALLET_UNFREEZE: Final = Method(
    "command.fermata.wallet.unfreeze",
    wallets.FermataUnfreezeWalletRequest,
    wallets.FermataWallet,
    "Lift the block of a wallet.",
    access=Access.ADMIN,
    guarded=Guarded.WALLETS,
)
COMMAND_FERMATA_WALLET_CLOSE: Final = Method(
    "command.fermata.wallet.close",
    wallets.FermataCloseWalletRequest,
    wallets.FermataWallet,
    "Close an empty wallet for good.",
    access=Access.ADMIN,
    guarded=Guarded.WALLETS,
)
