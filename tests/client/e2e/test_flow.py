"""The whole flow from the SDK's side, on the real embedded stack: calls, live events, a connection that is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

import cadenza
from cadenza import Venue
from cadenza.client import (
    Client,
    Connected,
    Disconnected,
    NextStep,
    Session,
)
from cadenza.errors import (
    RpcError,
    SessionRevokedError,
    SubscriptionError,
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
