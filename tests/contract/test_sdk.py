from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from tests.contract.conftest import Account
from tests.contract.stacks import System
from tests.contract.wire import DEADLINE_SECONDS, api

import cadenza
from cadenza.client import Client, MemorySessionStore, Watch
from cadenza.client.auth.session import Session
from cadenza.errors import DisconnectedError, SignInRequiredError
from cadenza.schema.market import MarketTrade
from cadenza.schema.scalars import OrderSide, Venue
from cadenza.tokens.claims import check_form

requirement = pytest.mark.requirement
INSTRUMENT = "PAPER:BTC/USDT"
JOINS = 20


def client_of(system: System) -> Client:
    return cadenza.connect(
        system.ws_url, supabase_url=system.supabase_url, session_store=MemorySessionStore(), environ={}
    )


def session_of(client: Client) -> Session:
    session = client.auth.session
    assert session is not None
    return session


def minted(system: System, session: Session, *, lifetime_seconds: int) -> str:
    """Another access token of the same session, as the provider would sign it."""
    claims = check_form(session.access_token).claims
    return system.mint(
        sub=claims.sub,
        session_id=claims.session_id,
        channels=claims.channels,  # Centrifugo has a socket connect anew whose next token names other channels
        exp=int(time.time()) + lifetime_seconds,
    )


@requirement("SDK-FLOW")
async def test_the_readmes_ten_lines(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        tickers = await sdk.market.tickers.list(venue=Venue.PAPER)
        assert INSTRUMENT in {ticker.instrument_id for ticker in tickers}
        async with sdk.market.order_books.watch(INSTRUMENT) as books:
            for _ in range(5):
                book = await anext(books)
                assert float(book.bids[0][0]) < float(book.asks[0][0])
                assert (await sdk.system.info()).version == cadenza.__version__  # a call inside the loop (B3)


@requirement("SDK-WEBSOCKET-LOGIN")
async def test_sign_in_over_the_websocket_goes_on_with_the_token(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        session = await sdk.auth.over_websocket.sign_in_with_password(account.email, account.password)
        assert session.user_id == account.id
        assert Venue.PAPER in await sdk.market.venues.list()
        assert (await sdk.auth.user()).email == account.email


@requirement("SDK-REFRESH")
async def test_a_short_lived_token_is_refreshed_in_place(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        session = session_of(sdk)
        short = minted(system, session, lifetime_seconds=3)
        await sdk.auth.use_session(
            msgspec.structs.replace(session, access_token=short, expires_in=3.0, expires_at=time.time() + 3)
        )
        async with sdk.market.tickers.watch(INSTRUMENT) as tickers:
            client_id = sdk.client_id
            ends = time.monotonic() + 5.5  # token and grace have both run out by then
            while time.monotonic() < ends:
                await anext(tickers)
            assert sdk.client_id == client_id
            assert tickers.gaps == 0
        fresh = check_form(session_of(sdk).access_token).claims.exp
        assert fresh is not None
        assert fresh > time.time() + 3000


@requirement("SDK-EXPIRED")
async def test_an_expired_token_costs_no_publication(system: System, account: Account) -> None:
    channel = "market:trade:PAPER:ETH/USDT"
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        session = session_of(sdk)
        expired = minted(system, session, lifetime_seconds=-30)
        # The session says that there is life left in it, as a machine that slept believes.
        await sdk.auth.use_session(msgspec.structs.replace(session, access_token=expired))
        async with sdk.market.trades.watch("PAPER:ETH/USDT", queue_size=5000) as trades:
            assert session_of(sdk).access_token != expired
            first = sdk.client_id
            await api(system, "publish", channel=channel, data=_trade("before"))
            await _until_trade(trades, "before")
            await api(system, "disconnect", user=account.id, disconnect={"code": 3005, "reason": "connection expired"})
            await api(system, "publish", channel=channel, data=_trade("meanwhile"))
            await _until_trade(trades, "meanwhile")
            assert trades.gaps == 0
            assert sdk.client_id != first


def _trade(trade_id: str) -> object:
    return msgspec.to_builtins(
        MarketTrade(
            venue=Venue.PAPER,
            symbol="ETH/USDT",
            instrument_id="PAPER:ETH/USDT",
            trade_id=trade_id,
            price="1.0",
            quantity="1",
            side=OrderSide.BUY,
            timestamp=1,
        )
    )


async def _until_trade(trades: Watch[MarketTrade], trade_id: str) -> None:
    async for trade in trades:
        if trade.trade_id == trade_id:
            return


@requirement("SDK-FORCED")
async def test_a_final_disconnect_is_a_typed_error(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        with pytest.raises(DisconnectedError) as ended:  # noqa: PT012  # the loop is what must end with it
            async with sdk.market.tickers.watch(INSTRUMENT) as tickers:
                await api(system, "disconnect", user=account.id, disconnect={"code": 4501, "reason": "enough"})
                async for _ in tickers:
                    pass
        assert (ended.value.code, ended.value.reason, ended.value.temporary) == (4501, "enough", False)


@requirement("SDK-SIGN-OUT")
async def test_sign_out_kills_the_refresh_token(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        refresh_token = session_of(sdk).refresh_token
        await sdk.auth.sign_out()
        with pytest.raises(SignInRequiredError):
            await sdk.market.venues.list()
    async with system.http() as http:
        reply = await http.post(
            f"{system.auth_url}/token?grant_type=refresh_token", json={"refresh_token": refresh_token}
        )
    assert reply.status_code == 400


@requirement("BOOK-WHOLE")
async def test_books_joined_at_any_moment_agree_at_equal_seq(system: System, account: Account) -> None:
    """A book followed from the start is the measure; the venue's own snapshots come with each join's reply."""
    seen: dict[str, tuple[object, object]] = {}
    compared = 0
    async with asyncio.timeout(DEADLINE_SECONDS * 2), client_of(system) as followed, client_of(system) as joining:
        await followed.auth.sign_in_with_password(account.email, account.password)
        await joining.auth.sign_in_with_password(account.email, account.password)

        async def follow() -> None:
            async with followed.market.order_books.watch(INSTRUMENT) as books:
                async for book in books:
                    seen[books.sequence] = (book.bids, book.asks)

        following = asyncio.create_task(follow())
        try:
            for _ in range(JOINS):
                async with joining.market.order_books.watch(INSTRUMENT) as books:
                    for _ in range(3):
                        book = await anext(books)
                        sequence = books.sequence
                        for _ in range(100):
                            if sequence in seen:
                                assert (book.bids, book.asks) == seen[sequence]
                                compared += 1
                                break
                            await asyncio.sleep(0.005)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    assert compared >= JOINS
