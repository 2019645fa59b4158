"""Watching a book: it is whole at every moment, and what does not follow has the channel subscribed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.client.watching import Rig, book, read, running, snapshot

from cadenza.client.mailboxes import Gap, GapCause
from cadenza.client.ports import Subscribed
from cadenza.errors import (
    ProtocolError,
    SubscriptionError,
)
from cadenza.schema.scalars import UpdateType

if TYPE_CHECKING:
    from tests.client.conftest import FakeConnection, ManualTime


@pytest.fixture
async def rig(fake_connection: type[FakeConnection], time: ManualTime) -> AsyncIterator[Rig]:
    async with running(fake_connection, time) as rig:
        yield rig


class TestBooks:
    async def test_the_snapshot_is_the_first_book_and_changes_make_the_next(self, rig: Rig) -> None:
        watch = rig.books()
        channel = await rig.enter(watch, snapshot("r:5", ("10", "1")))
        assert (await anext(watch)).bids == (("10", "1"),)
        assert watch.sequence == "r:5"
        channel.sink.publication(book(("11", "2")), 1, {"seq": "r:6"})
        shown = await anext(watch)
        assert (shown.bids, shown.update_type) == ((("11", "2"), ("10", "1")), UpdateType.SNAPSHOT)

    async def test_a_slow_reader_skips_books_but_no_change(self, rig: Rig) -> None:
        watch = rig.books(depth=2)
        channel = await rig.enter(watch, snapshot("r:0"))
        for n in range(1, 101):
            channel.sink.publication(book((str(n), "1")), n, {"seq": f"r:{n}"})
        assert (await anext(watch)).bids == (("100", "1"), ("99", "1"))
        assert watch.sequence == "r:100"
        waiting = asyncio.create_task(anext(watch))
        await rig.time.settle()
        assert not waiting.done()
        waiting.cancel()

    async def test_a_later_reader_begins_with_the_book_there_is(self, rig: Rig) -> None:
        channel = await rig.enter(rig.books(), snapshot("r:5", ("10", "1")))
        channel.sink.publication(book(("11", "2")), 1, {"seq": "r:6"})
        late = rig.books(depth=1)
        await rig.enter(late)
        assert (await anext(late)).bids == (("11", "2"),)

    @pytest.mark.parametrize("seq", ["r:8", "other:7", "", "nonsense"])
    async def test_what_does_not_follow_has_the_channel_subscribed_again(self, rig: Rig, seq: str) -> None:
        watch = rig.books()
        channel = await rig.enter(watch, snapshot("r:5", ("10", "1")))
        channel.sink.publication(book(("66", "6")), 1, {"seq": seq})
        channel.sink.publication(book(("77", "7")), 2, {"seq": "r:6"})
        await rig.time.settle()
        assert channel.calls == ["start", "restart"]
        assert (await anext(watch)).bids == (("10", "1"),)  # the last whole one
        channel.sink.subscribed(snapshot("r:9", ("12", "1")))
        assert (await anext(watch)).bids == (("12", "1"),)

    async def test_a_change_that_is_not_the_contracts_has_the_channel_subscribed_again(self, rig: Rig) -> None:
        channel = await rig.enter(rig.books(), snapshot("r:5"))
        channel.sink.publication({"bids": 1}, 1, {"seq": "r:6"})
        await rig.time.settle()
        assert channel.calls == ["start", "restart"]
        assert isinstance(rig.errors[0], ProtocolError)

    async def test_holes_in_a_row_wait_longer_and_in_the_end_give_up(self, rig: Rig) -> None:
        watch = rig.books()
        channel = await rig.enter(watch, snapshot("r:5"))
        for n in range(20):
            channel.sink.publication(book(), 1, {"seq": f"r:{100 * n + 50}"})
            await rig.time.advance(30)
            channel.sink.subscribed(snapshot(f"r:{100 * (n + 1)}"))
        assert channel.calls == ["start", *["restart"] * 10]
        assert rig.time.sleeps == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
        with pytest.raises(SubscriptionError, match="could not be made whole") as caught:
            await read(watch, [])
        assert caught.value.temporary

    async def test_a_hole_now_and_then_is_always_mended_at_once(self, rig: Rig) -> None:
        channel = await rig.enter(rig.books(), snapshot("r:0"))
        for n in range(30):
            channel.sink.publication(book(), 1, {"seq": f"r:{100 * n + 50}"})
            await rig.time.settle()
            channel.sink.subscribed(snapshot(f"r:{100 * (n + 1)}"))
            channel.sink.publication(book(), 1, {"seq": f"r:{100 * (n + 1) + 1}"})
        assert channel.calls.count("restart") == 30
        assert rig.time.sleeps == []

    async def test_a_snapshot_of_what_was_read_already_is_not_given_twice(self, rig: Rig) -> None:
        watch = rig.books()
        channel = await rig.enter(watch, snapshot("r:5", ("10", "1")))
        await anext(watch)
        channel.sink.subscribed(snapshot("r:5", ("10", "1")))
        channel.sink.publication(book(("11", "1")), 1, {"seq": "r:6"})
        await anext(watch)
        assert watch.sequence == "r:6"

    async def test_what_was_missed_for_good_is_told_and_the_book_goes_on_whole(self, rig: Rig) -> None:
        told: list[Gap] = []
        watch = rig.books(on_gap=told.append)
        channel = await rig.enter(watch, snapshot("r:5", ("10", "1")))
        channel.sink.subscribed(
            msgspec.structs.replace(snapshot("r:90", ("12", "1")), lost=True),
        )
        assert (await anext(watch)).bids == (("12", "1"),)
        assert [gap.cause for gap in told] == [GapCause.NOT_RECOVERED]

    async def test_a_reconnect_that_brings_a_snapshot_saves_the_restart(self, rig: Rig) -> None:
        channel = await rig.enter(rig.books(), snapshot("r:5"))
        channel.sink.publication(book(), 1, {"seq": "r:50"})
        channel.sink.subscribed(snapshot("r:60"))
        await rig.time.settle()
        assert channel.calls == ["start"]

    async def test_a_reply_without_a_snapshot_is_never_a_silent_wait(self, rig: Rig) -> None:
        watch = rig.books()
        channel = await rig.enter(watch, Subscribed(data=None))
        await rig.time.settle()
        assert channel.calls == ["start", "restart"]
        assert isinstance(rig.errors[0], ProtocolError)
