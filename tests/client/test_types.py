"""What a type checker sees of each resource method. The functions are never run: mypy and pyright are the test."""

from __future__ import annotations

from typing import assert_type

from cadenza.client import (
    BookWatch,
    Challenge,
    Client,
    LinkedIdentity,
    Page,
    PendingSignIn,
    SecondFactor,
    Session,
    SignUp,
    TotpEnrollment,
    Watch,
)
from cadenza.schema import methods
from cadenza.schema.auth import AuthUser, StepUp
from cadenza.schema.instruments import Instrument
from cadenza.schema.market import GetOrderBookParams, Kline, MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import KlineInterval, Venue
from cadenza.schema.system import HealthCheck, NoParams, SystemInfo

BTC = "PAPER:BTC/USDT"


async def resources(api: Client) -> None:
    assert_type(await api.system.info(), SystemInfo)
    assert_type(await api.system.check(), HealthCheck)
    assert_type(await api.market.venues.list(), list[Venue])
    assert_type(await api.market.instruments.list(venue=Venue.PAPER), list[Instrument])
    assert_type(await api.market.order_books.get(BTC), OrderBook)
    assert_type(await api.market.order_books.list(venue=Venue.PAPER), list[OrderBook])
    assert_type(await api.market.tickers.list(symbols=["BTC/USDT"]), list[Ticker])
    assert_type(await api.market.klines.list(interval=KlineInterval.HOUR_1), list[Kline])


async def watches(api: Client) -> None:
    assert_type(api.market.order_books.watch(BTC), BookWatch)
    assert_type(api.market.tickers.watch(BTC), Watch[Ticker])
    assert_type(api.market.tickers.watch_venue(Venue.PAPER), Watch[Ticker])
    assert_type(api.market.klines.watch(BTC, KlineInterval.MINUTE_1), Watch[Kline])
    assert_type(api.market.trades.watch(BTC), Watch[MarketTrade])
    async with api.market.order_books.watch(BTC) as books:
        assert_type(books, BookWatch)
        assert_type(books.sequence, str)
        async for book in books:
            assert_type(book, OrderBook)
    async with api.market.trades.watch(BTC) as trades:
        assert_type(trades, Watch[MarketTrade])
        async for trade in trades:
            assert_type(trade, MarketTrade)


async def calls(api: Client) -> None:
    assert_type(await api.call(methods.QUERY_SYSTEM_INFO), SystemInfo)
    assert_type(await api.call(methods.QUERY_SYSTEM_INFO, NoParams()), SystemInfo)
    assert_type(await api.call(methods.QUERY_ORDERBOOK_GET, GetOrderBookParams(instrument_id=BTC)), OrderBook)
    assert_type(await api.call("query.system.info"), object)
    assert_type(await api.call_page(methods.QUERY_TICKER_LIST), Page[list[Ticker]])


async def signing_in(api: Client) -> None:
    assert_type(await api.auth.sign_in_with_password("ann@example.com", "..."), Session)
    assert_type(await api.auth.over_websocket.sign_in_with_password("ann@example.com", "..."), Session)
    assert_type(await api.auth.sign_up("ann@example.com", "..."), SignUp)
    assert_type(await api.auth.refresh(), Session)
    assert_type(await api.auth.user(), AuthUser)
    assert_type(api.auth.session, Session | None)
    for ways in (api.auth, api.auth.over_websocket):
        assert_type(await ways.verify_code("ann@example.com", "123456"), Session)
        assert_type(await ways.sign_in_with_magic_link("ann@example.com"), Session)
        assert_type(await ways.sign_in_with_provider("google"), Session)
        assert_type(await ways.start_provider_sign_in("google"), PendingSignIn)
        assert_type(await ways.start_magic_link("ann@example.com"), PendingSignIn)
        assert_type(await ways.recover("ann@example.com"), PendingSignIn)
        assert_type(await ways.complete_sign_in("123456"), Session)
        assert_type(await ways.sign_in_anonymously(), Session)
        assert_type(await ways.sign_in_with_id_token("google", "..."), Session)
        assert_type(await ways.upgrade("ann@example.com", "..."), Session)
        assert_type(await ways.confirm_email_change("ann@example.com", "123456"), Session | None)
        assert_type(await ways.update_user(metadata={"nickname": None}), AuthUser)
        assert_type(await ways.mfa.enroll(), TotpEnrollment)
        assert_type(await ways.mfa.challenge("..."), Challenge)
        assert_type(await ways.mfa.verify("123456"), Session)
        assert_type(await ways.mfa.factors(), tuple[SecondFactor, ...])
    assert_type(await api.auth.link_identity("google"), Session)
    assert_type(await api.auth.identities(), tuple[LinkedIdentity, ...])
    assert_type(await api.auth.step_up(), StepUp | None)


def test_each_public_method_of_the_resources_stands_above() -> None:
    """The one thing that can be checked while running: none was forgotten."""
    from pathlib import Path

    from cadenza.client.resources import market, system

    text = Path(__file__).read_text()
    for module in (market, system):
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                for name in vars(kind):
                    if not name.startswith("_"):
                        assert f".{name}(" in text, (kind.__name__, name)
