"""What the tests of watched channels share: a rig around the subscriptions, and what a gateway would send."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cadenza.client.hubs import BookHub, EventHub, Hub
from cadenza.client.mailboxes import BookMailbox, EventMailbox, StateMailbox
from cadenza.client.ports import Subscribed
from cadenza.client.subscriptions import BookWatch, GapHandler, Subscriptions, Watch
from cadenza.errors import (
    CadenzaError,
)
from cadenza.schema.market import MarketTrade, OrderBook, Ticker
from cadenza.schema.scalars import OrderBookType, OrderSide, UpdateType, Venue

if TYPE_CHECKING:
    from tests.client.conftest import FakeChannel, FakeConnection, ManualTime

T = TypeVar("T")
CHANNEL = "market:trade:PAPER:BTC/USDT"
BOOK_CHANNEL = "market:orderbook:PAPER:BTC/USDT"
BEGIN = Subscribed(offset=10, epoch="e")


def trade(number: int) -> object:
    made = MarketTrade(
        venue=Venue.PAPER,
        symbol="BTC/USDT",
        instrument_id="PAPER:BTC/USDT",
        trade_id=str(number),
        price="1",
        quantity="1",
        side=OrderSide.BUY,
        timestamp=number,
    )
    return msgspec.to_builtins(made)


def book(*bids: tuple[str, str], update_type: UpdateType = UpdateType.DIFF) -> dict[str, Any]:
    made = OrderBook(
        update_type=update_type,
        venue=Venue.PAPER,
        symbol="BTC/USDT",
        order_book_type=OrderBookType.L2,
        columns=("price", "quantity"),
        bids=bids,
        asks=(),
        timestamp=1,
    )
    built: dict[str, Any] = msgspec.to_builtins(made)
    return built


def snapshot(seq: str, *bids: tuple[str, str]) -> Subscribed:
    return Subscribed(data={"seq": seq, "book": book(*bids, update_type=UpdateType.SNAPSHOT)}, offset=0, epoch="e")


class Rig:
    def __init__(self, connection: FakeConnection, time: ManualTime) -> None:
        self.connection = connection
        self.time = time
        self.errors: list[CadenzaError] = []
        self.subscriptions = Subscriptions(connection, report=self.errors.append, timing=time.timing)
        self.refusal: CadenzaError | None = None

    async def membership(self) -> Subscriptions:
        if self.refusal is not None:
            raise self.refusal
        return self.subscriptions

    def trades(self, *, size: int = 100, on_gap: GapHandler | None = None, deadline: float = 5) -> Watch[MarketTrade]:
        return Watch(
            CHANNEL,
            make_hub=functools.partial(EventHub, CHANNEL, MarketTrade),
            make_mailbox=lambda hub: EventMailbox(hub.channel, size),
            membership=self.membership,
            deadline_seconds=deadline,
            on_gap=on_gap,
            heals=False,
        )

    def tickers(self, *, on_gap: GapHandler | None = None) -> Watch[Ticker]:
        return Watch(
            "market:ticker:PAPER",
            make_hub=functools.partial(EventHub, "market:ticker:PAPER", Ticker),
            make_mailbox=lambda hub: StateMailbox(hub.channel, key=lambda ticker: ticker.symbol),
            membership=self.membership,
            deadline_seconds=5,
            on_gap=on_gap,
            heals=True,
        )

    def books(self, *, depth: int | None = None, on_gap: GapHandler | None = None) -> BookWatch:
        def mailbox(hub: Hub[OrderBook]) -> BookMailbox:
            assert isinstance(hub, BookHub)
            return BookMailbox(hub.assembly, depth)

        return BookWatch(
            BOOK_CHANNEL,
            make_hub=functools.partial(BookHub, BOOK_CHANNEL),
            make_mailbox=mailbox,
            membership=self.membership,
            deadline_seconds=5,
            on_gap=on_gap,
            heals=True,
        )

    async def enter(self, watch: Watch[Any], answer: Subscribed | None = None) -> FakeChannel:
        """Enter a watch, and let the gateway acknowledge it."""
        entering = asyncio.create_task(watch.__aenter__())
        await self.time.settle()
        channel = self.connection.channels[watch.channel]
        if channel.calls == ["start"] and answer is not None:
            channel.sink.subscribed(answer)
        await entering
        return channel


async def read(watch: Watch[T], seen: list[T]) -> None:
    """The plain loop, to its end."""
    async for item in watch:
        seen.append(item)  # noqa: PERF401 - what was read must stand when the loop raises


def ids(items: list[MarketTrade]) -> list[str]:
    return [item.trade_id for item in items]


async def take(watch: Watch[MarketTrade], count: int) -> list[str]:
    return [(await anext(watch)).trade_id for _ in range(count)]


class _Deaf:
    def dropped(self, cause: object) -> None: ...
    def failed(self, error: CadenzaError, retry_in_seconds: float | None) -> None: ...


@contextlib.asynccontextmanager
async def running(fake_connection: type[FakeConnection], time: ManualTime) -> AsyncIterator[Rig]:
    """A rig, closed in the end."""
    rig = Rig(fake_connection(_Deaf(), None), time)
    async with asyncio.timeout(20):
        yield rig
    await rig.subscriptions.close()
