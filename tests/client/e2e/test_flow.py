"""The whole flow from the SDK's side, on the real embedded stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import pytest_asyncio

import cadenza
from cadenza import Venue
from cadenza.client import (
    Client,
    Connected,
    Connecting,
    Disconnected,
    ErrorOccurred,
    FileSessionStore,
    MemorySessionStore,
    NextStep,
    Session,
)
from cadenza.errors import (
    ClockSkewError,
    ClosedError,
    IdentityError,
    RpcError,
    SessionRevokedError,
    SignInRequiredError,
    SubscriptionError,
    TokenFormatError,
    ValidationError,
)
from cadenza.protocol.codes import Termination
from cadenza.schema import methods
from cadenza.schema.market import GetOrderBookParams
from cadenza.schema.scalars import KlineInterval, UpdateType

if TYPE_CHECKING:
    from tests.client.e2e.conftest import Place, Recorder

pytestmark = pytest.mark.asyncio(loop_scope="module")
BTC = "PAPER:BTC/USDT"


@pytest_asyncio.fixture(loop_scope="module")
async def api(place: Place, recorder: Recorder) -> AsyncIterator[Client]:
    async with asyncio.timeout(60), place.connect(recorder=recorder) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account(place: Place) -> tuple[str, str]:
    return await place.new_user()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_session(place: Place, account: tuple[str, str]) -> Session:
    """For tests that only look: signing in anew costs a password check each."""
    async with place.connect() as api:
        return await api.auth.sign_in_with_password(*account)


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in(api: Client, shared_session: Session) -> None:
    await api.auth.use_session(shared_session)


@pytest_asyncio.fixture(loop_scope="module")
async def user(api: Client, account: tuple[str, str]) -> Session:
    """A session of this test's own, that it may refresh, end or break."""
    return await api.auth.sign_in_with_password(*account)


class TestSignIn:
    async def test_with_a_password_at_the_provider(self, place: Place, api: Client) -> None:
        email, password = await place.new_user()
        session = await api.auth.sign_in_with_password(email, password)
        assert session.email == email
        assert api.auth.session == session
        assert (await api.auth.user()).id == session.user_id

    async def test_over_the_websocket_and_the_anonymous_connection_is_closed(
        self, place: Place, api: Client, recorder: Recorder
    ) -> None:
        """The mission's step 1."""
        email, password = await place.new_user()
        await api.auth.over_websocket.sign_in_with_password(email, password)
        anonymous = await recorder.wait(Connected)
        await recorder.wait(Disconnected)
        assert await api.market.venues.list() == [Venue.PAPER]
        own = await recorder.wait(Connected, 2)
        assert anonymous.client != own.client == api.client_id

    @pytest.mark.parametrize("over_websocket", [False, True])
    async def test_a_wrong_password_is_the_same_error_either_way(
        self, place: Place, api: Client, *, over_websocket: bool
    ) -> None:
        email, password = await place.new_user()
        sign_in = api.auth.over_websocket.sign_in_with_password if over_websocket else api.auth.sign_in_with_password
        with pytest.raises(IdentityError) as caught:
            await sign_in(email, password + "x")
        assert caught.value.error_code == "invalid_credentials"
        assert not caught.value.temporary
        assert password not in str(caught.value)
        assert api.auth.session is None

    @pytest.mark.parametrize("over_websocket", [False, True])
    async def test_sign_up_signs_in_at_once(self, api: Client, *, over_websocket: bool) -> None:
        sign_up = api.auth.over_websocket.sign_up if over_websocket else api.auth.sign_up
        email = f"new-{over_websocket}@example.com".lower()
        made = await sign_up(email, "a long password", metadata={"nick": "Ann"})
        assert not made.needs_confirmation
        assert ((await api.auth.user()).user_metadata or {})["nick"] == "Ann"
        with pytest.raises(IdentityError) as caught:
            await sign_up(email, "a long password")
        assert caught.value.error_code == "user_already_exists"

    async def test_a_short_password_never_leaves_over_the_websocket(self, api: Client) -> None:
        with pytest.raises(ValidationError) as caught:
            await api.auth.over_websocket.sign_up("x@example.com", "short")
        assert caught.value.field == "password"

    async def test_nobody_signed_in_is_said_before_anything_is_sent(
        self, place: Place, api: Client, recorder: Recorder
    ) -> None:
        before = place.stack.gateway.stats.accepted_sockets
        with pytest.raises(SignInRequiredError):
            await api.market.tickers.list()
        with pytest.raises(SignInRequiredError):
            async with api.market.trades.watch(BTC):
                pytest.fail("entered")
        with pytest.raises(SignInRequiredError):
            await api.auth.user()
        assert place.stack.gateway.stats.accepted_sockets == before
        assert recorder.events == []

    async def test_what_anyone_may_ask_needs_no_sign_in(self, api: Client) -> None:
        assert (await api.system.info()).name == "Cadenza"
        assert (await api.system.check()).status == "healthy"

    async def test_signing_out_ends_the_session_everywhere(self, place: Place, api: Client, user: Session) -> None:
        await api.market.venues.list()
        async with api.market.tickers.watch(BTC) as tickers:
            await api.auth.sign_out()
            with pytest.raises(SignInRequiredError):
                async for _ in tickers:
                    pass
        assert api.auth.session is None
        assert api.client_id is None
        async with place.connect() as other:
            await other.auth.use_session(user)
            with pytest.raises(SignInRequiredError):
                await other.auth.refresh()

    async def test_signing_out_the_others_leaves_this_session_alone(self, place: Place, api: Client) -> None:
        email, password = await place.new_user()
        await api.auth.sign_in_with_password(email, password)
        async with place.connect() as other:
            await other.auth.sign_in_with_password(email, password)
            await api.auth.sign_out("others")
            with pytest.raises(SignInRequiredError):
                await other.auth.refresh()
        await api.auth.refresh()

    async def test_one_client_can_change_its_user(self, place: Place, api: Client, user: Session) -> None:
        async with api.market.tickers.watch(BTC) as tickers:
            other = await api.auth.sign_in_with_password(*await place.new_user())
            assert other.user_id != user.user_id
            with pytest.raises(ClosedError):
                async for _ in tickers:
                    pass
        assert (await api.auth.user()).id == other.user_id
        assert await api.market.venues.list() == [Venue.PAPER]


@pytest.mark.usefixtures("signed_in")
class TestCalls:
    async def test_each_resource_answers_typed(self, api: Client) -> None:
        instruments = await api.market.instruments.list(venue=Venue.PAPER, limit=2)
        assert len(instruments) == 2
        book = await api.market.order_books.get(BTC, depth=3)
        assert (len(book.bids), book.update_type) == (3, UpdateType.SNAPSHOT)
        assert len(await api.market.order_books.list(instrument_ids=[BTC])) == 1
        [ticker] = await api.market.tickers.list(instrument_ids=[BTC])
        assert ticker.symbol == "BTC/USDT"
        [bars] = await api.market.klines.list(interval=KlineInterval.MINUTE_1, instrument_ids=[BTC])
        assert bars.candles

    async def test_any_method_by_constant_and_by_name(self, api: Client) -> None:
        params = GetOrderBookParams(instrument_id=BTC, depth=1)
        book = await api.call(methods.QUERY_ORDERBOOK_GET, params)
        by_name = await api.call("query.orderbook.get", {"instrumentId": BTC, "depth": 1})
        assert type(by_name) is type(book)
        with pytest.raises(ValidationError, match="depth") as caught:
            await api.call("query.orderbook.get", {"depth": "deep"})
        assert caught.value.field == "depth"
        with pytest.raises(ValidationError, match=r"query\.orderbook\.get"):
            await api.call("query.orderbok.get")

    async def test_a_refusal_carries_code_field_and_what_to_do(self, api: Client) -> None:
        with pytest.raises(RpcError) as caught:
            await api.market.order_books.get("PAPER:NO/SUCH")
        assert caught.value.code in {18017, 22016}
        assert caught.value.next_step

    async def test_a_method_that_is_not_served_says_so(self, api: Client) -> None:
        with pytest.raises(RpcError) as caught:
            await api.call("query.trading_account.list")
        assert caught.value.code == 18016

    async def test_hundreds_of_calls_at_once_share_one_connection(self, api: Client, recorder: Recorder) -> None:
        infos = await asyncio.gather(*(api.system.info() for _ in range(200)))
        assert len(set(infos)) == 1
        assert len(recorder.of(Connected)) == 1


@pytest.mark.usefixtures("signed_in")
class TestWatching:
    async def test_books_are_whole_and_move(self, api: Client) -> None:
        async with api.market.order_books.watch(BTC) as books:
            seen = []
            async for book in books:
                prices = [float(row[0]) for row in (*reversed(book.bids), *book.asks)]
                assert prices == sorted(set(prices))
                seen.append(int(books.sequence.rpartition(":")[2]))
                if len(seen) == 10:
                    break
        assert seen == sorted(set(seen))

    async def test_ten_typed_events_from_two_channels_with_calls_in_between(self, api: Client) -> None:
        """B3: any call may be awaited in the body."""
        async with api.market.tickers.watch(BTC) as tickers, api.market.tickers.watch_venue(Venue.PAPER) as all_of_them:
            for _ in range(5):
                assert (await anext(tickers)).symbol == "BTC/USDT"
                assert (await anext(all_of_them)).venue is Venue.PAPER
                assert (await api.system.info()).name == "Cadenza"

    async def test_bars_and_trades(self, api: Client) -> None:
        async with (
            api.market.klines.watch(BTC, KlineInterval.MINUTE_1) as bars,
            api.market.trades.watch(BTC) as trades,
        ):
            assert (await anext(bars)).interval is KlineInterval.MINUTE_1
            assert (await anext(trades)).instrument_id == BTC

    @pytest.mark.parametrize("instrument_id", ["BTC/USDT", "NOWHERE:BTC/USDT", "PAPER:", ""])
    async def test_a_channel_that_cannot_be_is_refused_before_anything_is_sent(
        self, api: Client, instrument_id: str
    ) -> None:
        with pytest.raises(ValidationError):
            api.market.order_books.watch(instrument_id)

    async def test_a_channel_the_backend_does_not_have_is_a_subscription_error(self, api: Client) -> None:
        with pytest.raises(SubscriptionError) as caught:
            async with api.market.order_books.watch("PAPER:NO/SUCH"):
                pytest.fail("entered")
        assert caught.value.code is not None

    async def test_a_slow_reader_of_a_book_still_gets_whole_newest_books(self, api: Client) -> None:
        async with api.market.order_books.watch(BTC, depth=5) as books:
            first = await anext(books)
            async with api.market.tickers.watch(BTC) as tickers:  # the book moves on meanwhile
                for _ in range(5):
                    await anext(tickers)
            second = await anext(books)
            venue_book = await api.market.order_books.get(BTC, depth=5)
        assert second.timestamp > first.timestamp
        assert venue_book.timestamp - second.timestamp < 1_000


class TestConnection:
    async def test_a_lost_connection_comes_back_and_the_book_goes_on_whole(
        self, place: Place, api: Client, user: Session, recorder: Recorder
    ) -> None:
        async with api.market.order_books.watch(BTC) as books:
            await anext(books)
            before = api.client_id
            place.stack.gateway.node.disconnect(user.user_id, Termination(code=3011, reason="force reconnect"))
            lost = await recorder.wait(Disconnected)
            await recorder.wait(Connected, 2)
            for _ in range(5):
                await anext(books)
        assert (lost.code, lost.reason, lost.next_step) == (3011, "force reconnect", NextStep.RECONNECT)
        assert lost.retry_in_seconds is not None
        assert api.client_id != before

    async def test_trades_made_while_the_connection_was_lost_are_recovered_every_one(
        self, place: Place, api: Client, user: Session, recorder: Recorder
    ) -> None:
        node = place.stack.gateway.node
        channel = "market:trade:PAPER:SOL/USDT"  # quiet enough to be numbered by hand
        payload = msgspec.json.encode(
            {
                "venue": "PAPER",
                "symbol": "SOL/USDT",
                "instrumentId": "PAPER:SOL/USDT",
                "tradeId": "by-hand",
                "price": "1",
                "quantity": "1",
                "side": "BUY",
                "timestamp": 0,
            }
        )
        async with api.market.trades.watch("PAPER:SOL/USDT", queue_size=10_000) as trades:
            node.publish(channel, payload.replace(b"by-hand", b"hand-0"))
            node.disconnect(user.user_id, Termination(code=3011, reason="force reconnect"))
            for n in range(1, 20):
                node.publish(channel, payload.replace(b"by-hand", b"hand-%d" % n))
            await recorder.wait(Connected, 2)
            by_hand: list[str] = []
            async for trade in trades:
                if trade.trade_id.startswith("hand"):
                    by_hand.append(trade.trade_id)
                if len(by_hand) == 20:
                    break
        assert by_hand == [f"hand-{n}" for n in range(20)]
        assert trades.gaps == 0

    async def test_a_revoked_session_requires_sign_in(
        self, place: Place, api: Client, user: Session, recorder: Recorder
    ) -> None:
        await api.market.venues.list()
        place.stack.gateway.node.disconnect(user.user_id, Termination(code=4500, reason="session revoked"))
        last = await recorder.wait(Disconnected)
        assert (last.code, last.next_step, last.retry_in_seconds) == (4500, NextStep.SIGN_IN, None)
        with pytest.raises(SessionRevokedError):
            await api.market.venues.list()
        await api.auth.sign_in_with_password(*await place.new_user())
        assert await api.market.venues.list() == [Venue.PAPER]

    async def test_a_final_code_stays_final_until_the_user_says_reconnect(
        self, place: Place, api: Client, user: Session, recorder: Recorder
    ) -> None:
        await api.market.venues.list()
        place.stack.gateway.node.disconnect(user.user_id)  # 3503
        await recorder.wait(Disconnected)
        for _ in range(2):
            with pytest.raises(cadenza.errors.DisconnectedError, match="3503"):
                await api.market.venues.list()
        await api.reconnect()
        assert await api.market.venues.list() == [Venue.PAPER]


class TestTokens:
    async def test_a_wrong_signature_is_3500_then_refreshed_and_let_in(
        self, api: Client, user: Session, recorder: Recorder
    ) -> None:
        forged = msgspec.structs.replace(user, access_token=with_wrong_signature(user.access_token))
        await api.auth.use_session(forged)
        assert await api.market.venues.list() == [Venue.PAPER]
        refused = await recorder.wait(Disconnected)
        assert (refused.code, refused.next_step) == (3500, NextStep.REFRESH)
        assert api.auth.session is not None
        assert api.auth.session.access_token not in {user.access_token, forged.access_token}

    async def test_a_wrong_signature_without_a_refresh_token_requires_sign_in(
        self, place: Place, user: Session
    ) -> None:
        async with cadenza.connect(
            place.stack.ws_url, access_token=with_wrong_signature(user.access_token), environ={}
        ) as api:
            with pytest.raises(SignInRequiredError) as caught:
                await api.market.venues.list()
        assert isinstance(caught.value.__cause__, cadenza.errors.DisconnectedError)
        assert caught.value.__cause__.code == 3500

    async def test_a_token_had_elsewhere_is_enough_to_connect(self, place: Place, user: Session) -> None:
        """The mission's step 2."""
        async with cadenza.connect(place.stack.ws_url, access_token=user.access_token, environ={}) as api:
            assert await api.market.venues.list() == [Venue.PAPER]

    async def test_a_malformed_token_never_reaches_the_gateway(self, place: Place, api: Client, user: Session) -> None:
        before = place.stack.gateway.stats.accepted_sockets
        for malformed in ("nonsense", "a.b.c", user.access_token.rpartition(".")[0]):
            with pytest.raises(TokenFormatError):
                await api.auth.use_session(msgspec.structs.replace(user, access_token=malformed))
            with pytest.raises(TokenFormatError):
                async with cadenza.connect(place.stack.ws_url, access_token=malformed, environ={}):
                    pytest.fail("entered")
        assert place.stack.gateway.stats.accepted_sockets == before

    async def test_a_malformed_token_in_the_store_never_reaches_the_gateway(self, place: Place, user: Session) -> None:
        store = MemorySessionStore()
        async with place.connect(store=store) as api:
            await api.auth.use_session(user)
        stored = await store.load()
        assert stored is not None
        broken = msgspec.structs.replace(stored.session, access_token="nonsense")
        await store.save(msgspec.structs.replace(stored, session=broken))
        before = place.stack.gateway.stats.accepted_sockets
        async with place.connect(store=store) as api:
            with pytest.raises(TokenFormatError):
                await api.market.venues.list()
        assert place.stack.gateway.stats.accepted_sockets == before

    async def test_the_stored_session_and_its_addresses_are_found_by_the_next_connect(
        self, place: Place, user: Session, tmp_path: Path
    ) -> None:
        environ = {"CADENZA_DATA_DIR": str(tmp_path)}
        async with cadenza.connect(place.stack.ws_url, supabase_url=place.stack.supabase_url, environ=environ) as api:
            await api.auth.use_session(user)
        assert (await FileSessionStore(tmp_path / "session.json").load()) is not None
        async with cadenza.connect(environ=environ) as api:
            assert api.addresses.ws_url == place.stack.ws_url
            assert await api.market.venues.list() == [Venue.PAPER]
            await api.auth.sign_out()
        assert not (tmp_path / "session.json").exists()

    async def test_a_session_of_another_place_is_not_sent_here(self, place: Place, user: Session) -> None:
        store = MemorySessionStore()
        async with place.connect(store=store) as api:
            await api.auth.use_session(user)
        async with cadenza.connect(
            "ws://127.0.0.1:1/connection/websocket", session_store=store, environ={}, deadline_seconds=1
        ) as api:
            assert api.auth.session is None

    async def test_refreshing_changes_the_token_and_not_the_connection(self, api: Client, user: Session) -> None:
        await api.market.venues.list()
        before = api.client_id
        fresh = await api.auth.refresh()
        assert fresh.access_token != user.access_token
        assert fresh.user_id == user.user_id
        assert await api.market.venues.list() == [Venue.PAPER]
        assert api.client_id == before

    async def test_no_text_of_the_client_shows_a_token(self, api: Client, user: Session) -> None:
        for shown in (repr(api), repr(api.auth), repr(api.auth.session), repr(api.addresses)):
            assert user.access_token not in shown
            assert user.refresh_token not in shown


def with_wrong_signature(token: str) -> str:
    """The same token with another signature of the same length."""
    head, _, signature = token.rpartition(".")
    other = "B" if signature[10] == "A" else "A"
    return f"{head}.{signature[:10]}{other}{signature[11:]}"


class TestLifetime:
    async def test_a_token_that_expired_between_two_runs_is_109_then_refreshed(
        self, place: Place, recorder: Recorder
    ) -> None:
        """The client's clock says it is good; the server's word counts (H5)."""
        store = MemorySessionStore()
        async with asyncio.timeout(30):
            async with place.connect(store=store) as api:
                await api.auth.sign_in_with_password(*await place.new_user())
                await api.market.venues.list()
            place.advance_clock(2 * 3600)
            async with place.connect(store=store, recorder=recorder) as api:
                assert await api.market.venues.list() == [Venue.PAPER]
        error, skew = recorder.of(ErrorOccurred)
        assert (error.code, error.next_step) == (109, NextStep.REFRESH)
        assert isinstance(skew.error, ClockSkewError)
        assert skew.next_step is NextStep.NOTHING
        assert skew.error.offset_seconds == pytest.approx(7200, abs=60)
        assert [event.attempt for event in recorder.of(Connecting)] == [1, 2]

    async def test_closing_leaves_no_task_behind(self, place: Place) -> None:
        before = asyncio.all_tasks()
        async with place.connect() as api:
            await api.auth.sign_in_with_password(*await place.new_user())
            async with api.market.order_books.watch(BTC) as books:
                for _ in range(3):
                    await anext(books)
        async with asyncio.timeout(10):
            while left := {task for task in asyncio.all_tasks() - before if "centrifuge" in repr(task)}:
                await asyncio.wait(left)  # the library closes its socket on its own
        assert not [task for task in asyncio.all_tasks() - before if task.get_name().startswith("cadenza")]
