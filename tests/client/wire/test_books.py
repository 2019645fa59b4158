"""A book over the real gateway when snapshot and position do not fit, as Centrifugo's subscribe proxy brings about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import cadenza
from cadenza.client import ErrorOccurred
from cadenza.client.subscriptions import BookWatch
from cadenza.errors import ProtocolError
from cadenza.schema.market import OrderBook
from cadenza.schema.scalars import OrderBookType, UpdateType, Venue

if TYPE_CHECKING:
    from tests.client.wire.conftest import World

CHANNEL = "market:orderbook:PAPER:BTC/USDT"


class Publisher:
    """A book with one bid, whose quantity is the number of the change."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.run = "first"
        self.n = 0
        #: So many changes happen between a snapshot and the position of its subscription.
        self.racing = 0
        world.backend.snapshots[CHANNEL] = self.snapshot

    def book(self, update_type: UpdateType) -> dict[str, Any]:
        made = OrderBook(
            update_type=update_type,
            venue=Venue.PAPER,
            symbol="BTC/USDT",
            order_book_type=OrderBookType.L2,
            columns=("price", "quantity"),
            bids=(("100", str(self.n)),) if self.n else (),
            asks=(),
            timestamp=self.n,
        )
        built: dict[str, Any] = msgspec.to_builtins(made)
        return built

    def publish(self) -> None:
        self.n += 1
        self.world.publish(CHANNEL, self.book(UpdateType.DIFF), seq=f"{self.run}:{self.n}")

    def snapshot(self) -> object:
        taken = {"seq": f"{self.run}:{self.n}", "book": self.book(UpdateType.SNAPSHOT)}
        for _ in range(self.racing):
            self.publish()
        return taken


async def read_to(books: BookWatch, sequence: str) -> list[str]:
    """Read until the book stands there; every book on the way has to be one the publisher had."""
    seen: list[str] = []
    while books.sequence != sequence:
        book = await anext(books)
        seen.append(books.sequence)
        n = books.sequence.rpartition(":")[2]
        assert book.bids == ((("100", n),) if n != "0" else ())
    return seen


@pytest.fixture
def publisher(world: World) -> Publisher:
    return Publisher(world)


@pytest.mark.parametrize("racing", [0, 1, 5])
async def test_changes_between_snapshot_and_position_are_not_lost(
    world: World, publisher: Publisher, racing: int
) -> None:
    publisher.racing = racing
    async with (
        cadenza.connect(world.url, access_token=world.token(), environ={}) as api,
        api.market.order_books.watch("PAPER:BTC/USDT") as books,
    ):
        publisher.publish()  # the first one this subscription gets
        await read_to(books, f"first:{publisher.n + racing}")
        publisher.racing = 0
        publisher.publish()
        await read_to(books, f"first:{publisher.n}")
    assert len(world.backend.subscribes) == (2 if racing else 1)


async def test_a_publisher_that_restarts_has_the_book_fetched_anew(world: World, publisher: Publisher) -> None:
    async with (
        cadenza.connect(world.url, access_token=world.token(), environ={}) as api,
        api.market.order_books.watch("PAPER:BTC/USDT") as books,
    ):
        publisher.publish()
        await read_to(books, "first:1")
        publisher.run, publisher.n = "second", 0
        publisher.publish()
        await read_to(books, "second:1")
        publisher.publish()
        await read_to(books, "second:2")


async def test_a_gateway_that_restarts_with_nothing_left_has_the_book_whole_again(
    world: World, publisher: Publisher
) -> None:
    gaps: list[object] = []
    async with (
        cadenza.connect(world.url, access_token=world.token(), environ={}) as api,
        api.market.order_books.watch("PAPER:BTC/USDT", on_gap=gaps.append) as books,
    ):
        publisher.publish()
        await read_to(books, "first:1")
        await world.restart()
        publisher.publish()
        await read_to(books, "first:2")
        publisher.publish()
        await read_to(books, "first:3")
    assert len(gaps) == 1


async def test_publications_without_a_sequence_are_an_error_said_aloud(world: World, publisher: Publisher) -> None:
    heard: asyncio.Queue[ErrorOccurred] = asyncio.Queue()
    async with (
        cadenza.connect(world.url, access_token=world.token(), on_error=heard.put_nowait, environ={}) as api,
        api.market.order_books.watch("PAPER:BTC/USDT") as books,
    ):
        await anext(books)
        world.publish(CHANNEL, publisher.book(UpdateType.DIFF))
        assert isinstance((await heard.get()).error, ProtocolError)
        publisher.publish()
        await read_to(books, "first:1")
