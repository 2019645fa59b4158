"""From venue to publisher: in order, bounded, unharmed by failures, nothing left behind."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from cadenza.backend.events import BookChanged, MarketEvent, Publication, Traded
from cadenza.backend.feed import Feed


class Tap:
    """A venue's live side, played by hand."""

    running = True

    def __init__(self) -> None:
        self.emit: Callable[[Any], None] = lambda _: None

    def listen(self, sink: Callable[[MarketEvent], None]) -> None:
        self.emit = sink

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def feed_of(tap: Tap, publisher: Any, max_queue: int = 100) -> Feed:
    """Events are plain numbers here; the encoding has its own tests."""

    def encode(event: Any) -> tuple[Publication, ...]:
        return (Publication(channel="c", data=b"%d" % event, tags={"n": str(event)}),)

    return Feed([tap], publisher, max_queue=max_queue, encode=encode)


def numbers(publisher: Any) -> list[int]:
    return [int(publication.data) for publication in publisher.published]


async def test_events_are_published_in_order_with_their_tags(publisher: Any, until: Any) -> None:
    tap = Tap()
    feed = feed_of(tap, publisher)
    await feed.start()
    for n in range(5):
        tap.emit(n)
    await until(lambda: len(publisher.published) == 5)
    assert numbers(publisher) == [0, 1, 2, 3, 4]
    assert publisher.published[3].tags == {"n": "3"}
    await feed.stop()


async def test_a_full_queue_drops_its_oldest_and_counts(publisher: Any, until: Any) -> None:
    tap = Tap()
    feed = feed_of(tap, publisher, max_queue=3)
    for n in range(5):
        tap.emit(n)
    assert feed.dropped == 2
    await feed.start()
    await until(lambda: len(publisher.published) == 3)
    assert numbers(publisher) == [2, 3, 4]
    await feed.stop()


async def test_flushing_waits_until_everything_was_handed_on(publisher: Any) -> None:
    tap = Tap()
    feed = feed_of(tap, publisher)
    await feed.start()
    for n in range(5):
        tap.emit(n)
    await feed.flush()
    assert numbers(publisher) == [0, 1, 2, 3, 4]
    await feed.flush()
    await feed.stop()


async def test_one_failure_costs_one_publication_and_is_logged_once_a_series(
    publisher: Any, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tap = Tap()
    feed = feed_of(tap, publisher)
    await feed.start()
    publisher.failures = 3
    for n in range(5):
        tap.emit(n)
    await until(lambda: len(publisher.published) == 2)
    assert feed.failed == 3
    assert numbers(publisher) == [3, 4]
    assert feed.running
    publisher.failures = 1
    tap.emit(5)
    await until(lambda: feed.failed == 4)
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 2
    await feed.stop()


async def test_starting_and_stopping_twice_leaves_no_task_and_nothing_queued(publisher: Any) -> None:
    before = asyncio.all_tasks()
    tap = Tap()
    feed = feed_of(tap, publisher)
    await feed.start()
    await feed.start()
    running = [feed.running]
    await feed.stop()
    await feed.stop()
    assert [*running, feed.running] == [True, False]
    assert asyncio.all_tasks() == before
    tap.emit(1)
    await feed.stop()
    assert publisher.published == []


async def test_a_slow_publisher_never_holds_up_the_venue(until: Any) -> None:
    gate = asyncio.Event()
    sent: list[bytes] = []

    class Slow:
        async def publish(self, channel: str, data: bytes, **_: object) -> None:
            assert channel == "c"
            await gate.wait()
            sent.append(data)

    tap = Tap()
    feed = feed_of(tap, Slow(), max_queue=10)
    await feed.start()
    for n in range(100):
        tap.emit(n)
        await asyncio.sleep(0)
    assert feed.dropped > 80
    gate.set()
    await until(lambda: len(sent) == 100 - feed.dropped)
    assert sent[-1] == b"99"
    await feed.stop()


async def test_every_kind_of_event_of_the_venue_arrives_on_its_channel(
    backend: Any, publisher: Any, time: Any, until: Any
) -> None:
    seen: list[MarketEvent] = []
    backend.venues[0].listen(seen.append)
    async with backend:
        for _ in range(30):
            time.now += 0.1
            backend.venues[0].step()
        await until(lambda: not backend.feed._queue)
    assert {type(event).__name__ for event in seen} == {"BookChanged", "TickerChanged", "Traded", "BarChanged"}
    books = [event.seq for event in seen if isinstance(event, BookChanged) and event.book.symbol == "BTC/USDT"]
    assert [p.tags["seq"] for p in publisher.on("market:orderbook:PAPER:BTC/USDT")] == books
    trades = [event.trade.trade_id for event in seen if isinstance(event, Traded) and event.trade.symbol == "BTC/USDT"]
    assert [p.json["tradeId"] for p in publisher.on("market:trade:PAPER:BTC/USDT")] == trades
    one, all_of_venue = publisher.on("market:ticker:PAPER:"), publisher.on("market:ticker:PAPER")
    assert len(all_of_venue) == 2 * len(one) > 0
