"""Watching a channel: what a reader gets, in which order, and what it is told when something is missing."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from tests.client.watching import BEGIN, CHANNEL, Rig, book, ids, read, running, snapshot, take, trade

from cadenza.client.mailboxes import Gap, GapCause
from cadenza.client.ports import Subscribed
from cadenza.errors import (
    ClosedError,
    DeadlineExceededError,
    GapError,
    ProtocolError,
    SignInRequiredError,
    SubscriptionError,
    UsageError,
)
from cadenza.schema.market import MarketTrade

if TYPE_CHECKING:
    from tests.client.conftest import FakeConnection, ManualTime


@pytest.fixture
async def rig(fake_connection: type[FakeConnection], time: ManualTime) -> AsyncIterator[Rig]:
    async with running(fake_connection, time) as rig:
        yield rig


class TestJoining:
    async def test_a_watch_is_entered_only_when_the_gateway_has_acknowledged_it(self, rig: Rig) -> None:
        """D5."""
        watch = rig.trades()
        entering = asyncio.create_task(watch.__aenter__())
        await rig.time.settle()
        assert not entering.done()
        rig.connection.channels[CHANNEL].sink.subscribed(BEGIN)
        assert await entering is watch

    async def test_a_refusal_is_a_typed_error_with_the_gateways_code(self, rig: Rig) -> None:
        watch = rig.trades()
        entering = asyncio.create_task(watch.__aenter__())
        await rig.time.settle()
        channel = rig.connection.channels[CHANNEL]
        channel.sink.unsubscribed(103, "permission denied")
        with pytest.raises(SubscriptionError) as caught:
            await entering
        assert (caught.value.code, caught.value.channel) == (103, CHANNEL)
        assert channel.calls == ["start", "stop"]

    async def test_after_a_refusal_the_channel_can_be_tried_again(self, rig: Rig) -> None:
        await self.test_a_refusal_is_a_typed_error_with_the_gateways_code(rig)
        await rig.enter(rig.trades(), BEGIN)

    async def test_no_answer_in_time_is_a_deadline_and_leaves_nothing(self, rig: Rig) -> None:
        watch = rig.trades(deadline=0.01)
        with pytest.raises(DeadlineExceededError):
            await watch.__aenter__()
        assert rig.connection.channels[CHANNEL].calls == ["start", "stop"]

    async def test_nobody_signed_in_is_said_at_once(self, rig: Rig) -> None:
        """D7."""
        rig.refusal = SignInRequiredError("Nobody is signed in.")
        with pytest.raises(SignInRequiredError):
            await rig.trades().__aenter__()
        assert rig.connection.channels == {}

    async def test_a_cancelled_enter_leaves_nothing(self, rig: Rig) -> None:
        entering = asyncio.create_task(rig.trades().__aenter__())
        await rig.time.settle()
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
        assert rig.connection.channels[CHANNEL].calls == ["start", "stop"]

    async def test_two_readers_share_one_subscription_until_the_last_has_left(self, rig: Rig) -> None:
        """D6."""
        first, second = rig.trades(), rig.trades()
        channel = await rig.enter(first, BEGIN)
        assert await rig.enter(second) is channel
        channel.sink.publication(trade(1), 11, {})
        assert await take(first, 1) == await take(second, 1) == ["1"]
        await first.__aexit__(None, None, None)
        assert channel.calls == ["start"]
        channel.sink.publication(trade(2), 12, {})
        assert await take(second, 1) == ["2"]
        await second.__aexit__(None, None, None)
        assert channel.calls == ["start", "stop"]

    async def test_a_watch_that_was_not_entered_says_so(self, rig: Rig) -> None:
        with pytest.raises(UsageError):
            await anext(rig.trades())

    async def test_a_watch_is_entered_once(self, rig: Rig) -> None:
        watch = rig.trades()
        await rig.enter(watch, BEGIN)
        with pytest.raises(UsageError):
            await watch.__aenter__()


class TestEvents:
    async def test_items_are_typed_and_in_order(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        for number in range(1, 4):
            channel.sink.publication(trade(number), 10 + number, {})
        assert await take(watch, 3) == ["1", "2", "3"]

    async def test_what_comes_twice_is_given_once(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        for offset in (11, 12, 12, 11, 13):
            channel.sink.publication(trade(offset), offset, {})
        assert await take(watch, 3) == ["11", "12", "13"]

    async def test_recovered_items_follow_without_a_gap(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        channel.sink.publication(trade(11), 11, {})
        channel.sink.subscribed(Subscribed(offset=11, epoch="e"))
        for offset in (12, 13):
            channel.sink.publication(trade(offset), offset, {})
        assert await take(watch, 3) == ["11", "12", "13"]
        assert watch.gaps == 0

    @pytest.mark.parametrize(
        ("answer", "lost"),
        [
            (Subscribed(offset=15, epoch="e", lost=True), 4),
            (Subscribed(offset=3, epoch="other", lost=True), None),
            (Subscribed(offset=3, epoch="other"), None),
        ],
    )
    async def test_what_cannot_be_recovered_raises_at_its_place_and_the_loop_can_go_on(
        self, rig: Rig, answer: Subscribed, lost: int | None
    ) -> None:
        """D4."""
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        channel.sink.publication(trade(11), 11, {})
        channel.sink.subscribed(answer)
        assert answer.offset is not None
        channel.sink.publication(trade(99), answer.offset + 1, {})
        seen: list[MarketTrade] = []
        with pytest.raises(GapError) as caught:
            await read(watch, seen)
        assert ids(seen) == ["11"]
        assert caught.value.channel == CHANNEL
        assert (f"{lost} publication" if lost else "Some publication") in caught.value.message
        channel.sink.unsubscribed(2000, "")
        with pytest.raises(SubscriptionError):
            await read(watch, seen)
        assert ids(seen) == ["11", "99"]

    async def test_a_jump_of_the_offsets_is_a_gap(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        channel.sink.publication(trade(11), 11, {})
        channel.sink.publication(trade(14), 14, {})
        assert await take(watch, 1) == ["11"]
        with pytest.raises(GapError, match="2 publication"):
            await anext(watch)
        assert await take(watch, 1) == ["14"]

    async def test_a_channel_without_positions_admits_it_after_each_interruption(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, Subscribed())
        channel.sink.publication(trade(1), 0, {})
        channel.sink.publication(trade(2), 0, {})
        channel.sink.subscribed(Subscribed())
        assert await take(watch, 2) == ["1", "2"]
        with pytest.raises(GapError, match="Some publication"):
            await anext(watch)

    async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many(self, rig: Rig) -> None:
        watch = rig.trades(size=3)
        channel = await rig.enter(watch, BEGIN)
        for offset in range(11, 19):
            channel.sink.publication(trade(offset), offset, {})
        with pytest.raises(GapError, match="5 publication"):
            await anext(watch)
        assert await take(watch, 3) == ["16", "17", "18"]

    async def test_a_gap_handler_is_told_in_place_and_may_await(self, rig: Rig) -> None:
        told: list[tuple[Gap, list[str]]] = []
        seen: list[str] = []

        async def on_gap(gap: Gap) -> None:
            await asyncio.sleep(0)
            told.append((gap, list(seen)))

        watch = rig.trades(on_gap=on_gap)
        channel = await rig.enter(watch, BEGIN)
        for offset in (11, 13):
            channel.sink.publication(trade(offset), offset, {})
        async for item in watch:
            seen.append(item.trade_id)
            if item.trade_id == "13":
                break
        assert seen == ["11", "13"]
        assert told == [(Gap(channel=CHANNEL, cause=GapCause.MISSING, lost=1), ["11"])]
        assert watch.gaps == 1

    async def test_a_message_that_is_not_the_contracts_is_reported_and_costs_only_itself(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        channel.sink.publication({"tradeId": 5}, 11, {})
        channel.sink.publication(trade(12), 12, {})
        with pytest.raises(GapError):
            await anext(watch)
        assert await take(watch, 1) == ["12"]
        [error] = rig.errors
        assert isinstance(error, ProtocolError)


class TestStates:
    async def test_a_slow_reader_gets_the_newest_of_each_and_is_never_interrupted(self, rig: Rig) -> None:
        watch = rig.tickers()
        channel = await rig.enter(watch, BEGIN)
        for offset, (symbol, price) in enumerate([("A/B", "1"), ("C/D", "2"), ("A/B", "3")], 11):
            channel.sink.publication(
                {"venue": "PAPER", "symbol": symbol, "lastPrice": price, "timestamp": 1}, offset, {}
            )
        channel.sink.subscribed(Subscribed(offset=90, epoch="e", lost=True))
        assert [((await anext(watch)).last_price) for _ in range(2)] == ["3", "2"]
        assert watch.gaps == 1


class TestEnding:
    async def test_what_waits_is_handed_out_before_the_end_is_told(self, rig: Rig) -> None:
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        channel.sink.publication(trade(11), 11, {})
        channel.sink.unsubscribed(2000, "server unsubscribe")
        assert await take(watch, 1) == ["11"]
        for _ in range(2):
            with pytest.raises(SubscriptionError) as caught:
                await anext(watch)
            assert caught.value.code == 2000

    async def test_a_connection_that_is_over_for_good_ends_every_watch_with_its_error(self, rig: Rig) -> None:
        watch = rig.trades()
        await rig.enter(watch, BEGIN)
        waiting = asyncio.create_task(anext(watch))
        await rig.time.settle()
        rig.subscriptions.end(SignInRequiredError("The session is over."))
        with pytest.raises(SignInRequiredError):
            await waiting
        with pytest.raises(SignInRequiredError):
            await rig.trades().__aenter__()

    async def test_leaving_ends_a_loop_that_waits(self, rig: Rig) -> None:
        watch = rig.trades()
        await rig.enter(watch, BEGIN)

        reading = asyncio.create_task(read(watch, []))
        await rig.time.settle()
        await watch.__aexit__(None, None, None)
        await reading

    async def test_closing_leaves_no_task_behind(self, rig: Rig) -> None:
        before = asyncio.all_tasks()
        watch = rig.books()
        channel = await rig.enter(watch, snapshot("r:5"))
        for n in (50, 150):
            channel.sink.publication(book(), 1, {"seq": f"r:{n}"})
            await rig.time.settle()
            channel.sink.subscribed(snapshot(f"r:{n + 10}"))
        channel.sink.publication(book(), 1, {"seq": "r:900"})
        await rig.time.settle()
        await rig.subscriptions.close()
        await rig.time.settle()
        assert asyncio.all_tasks() == before
        with pytest.raises(ClosedError):
            await read(watch, [])

    async def test_the_user_may_await_anything_in_the_body_while_items_go_on_arriving(self, rig: Rig) -> None:
        """B3."""
        watch = rig.trades()
        channel = await rig.enter(watch, BEGIN)
        channel.sink.publication(trade(11), 11, {})
        seen: list[str] = []
        body: Callable[[], Awaitable[None]] = functools.partial(asyncio.sleep, 0)
        async for item in watch:
            seen.append(item.trade_id)
            if len(seen) < 3:
                offset = 11 + len(seen)
                channel.sink.publication(trade(offset), offset, {})
                await body()
            else:
                break
        assert seen == ["11", "12", "13"]
