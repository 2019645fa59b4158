"""PAPER as a venue: contract-true instruments, a task that can be paused and stepped, nothing left behind."""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cadenza.backend.config import PaperConfig
from cadenza.backend.events import BookChanged, MarketEvent
from cadenza.backend.venues.paper import PaperVenue
from cadenza.errors import ConfigurationError
from cadenza.schema.scalars import KlineInterval, Venue

SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT"]


class Sleeper:
    """``asyncio.sleep`` that moves the test's clock instead of waiting, and stops the world after so many seconds."""

    def __init__(self, time: Any, seconds: float) -> None:
        self.time = time
        self.end = time.now + seconds
        self.over = asyncio.Event()
        self.overslept = 0.0

    async def __call__(self, seconds: float) -> None:
        if self.time.now >= self.end:
            self.over.set()
            await asyncio.Event().wait()
        self.time.now += seconds + self.overslept
        await asyncio.sleep(0)


def venue(time: Any, *, sleep: Callable[[float], Any] = asyncio.sleep, **settings: Any) -> PaperVenue:
    return PaperVenue(PaperConfig(seed=1, **settings), clock=time, monotonic=time, run="r", sleep=sleep)


async def lived(time: Any, sleeper: Sleeper, **settings: Any) -> Counter[str]:
    paper = venue(time, sleep=sleeper, **settings)
    steps: Counter[str] = Counter()

    def count(event: MarketEvent) -> None:
        if isinstance(event, BookChanged):
            steps[event.book.symbol] += 1

    paper.listen(count)
    await paper.start()
    async with asyncio.timeout(10):
        await sleeper.over.wait()
    running = [paper.running]
    await paper.stop()
    assert [*running, paper.running] == [True, False]
    return steps


async def test_each_instrument_changes_as_often_as_configured(time: Any) -> None:
    steps = await lived(time, Sleeper(time, 20), book_updates_per_second=10)
    assert list(steps) == SYMBOLS
    assert all(195 <= count <= 201 for count in steps.values())


async def test_a_late_loop_catches_up_at_once(time: Any) -> None:
    sleeper = Sleeper(time, 5)
    sleeper.overslept = 0.004
    steps = await lived(time, sleeper, book_updates_per_second=500)
    assert all(2_400 <= count <= 2_510 for count in steps.values())


async def test_after_a_long_stall_it_goes_on_from_now(time: Any) -> None:
    sleeper = Sleeper(time, 1_000)
    sleeper.overslept = 100
    steps = await lived(time, sleeper, book_updates_per_second=10)
    assert sum(steps.values()) < 100


async def test_stepping_by_hand_needs_no_task(time: Any) -> None:
    paper = venue(time, book_updates_per_second=0)
    events: list[MarketEvent] = []
    paper.listen(events.append)
    paper.step()
    assert len({event.book.symbol for event in events if isinstance(event, BookChanged)}) == 6
    before = await paper.order_book("BTC/USDT")
    paper.step("ETH/USDT")
    assert await paper.order_book("BTC/USDT") == before


async def test_a_paused_venue_stands_still_and_still_answers(time: Any, until: Any) -> None:
    paper = venue(time, sleep=Sleeper(time, 1_000), book_updates_per_second=10)
    events: list[MarketEvent] = []
    paper.listen(events.append)
    await paper.start()
    await until(lambda: len(events) > 50)
    paper.pause()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    count, book = len(events), await paper.order_book("BTC/USDT")
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(events) == count
    assert await paper.order_book("BTC/USDT") == book
    paper.resume()
    await until(lambda: len(events) > count)
    await paper.stop()


async def test_rate_zero_never_acts_by_itself(time: Any) -> None:
    paper = venue(time, book_updates_per_second=0)
    events: list[MarketEvent] = []
    paper.listen(events.append)
    before = asyncio.all_tasks()
    await paper.start()
    await paper.start()
    for _ in range(20):
        await asyncio.sleep(0)
    assert paper.running
    assert events == []
    await paper.stop()
    await paper.stop()
    assert asyncio.all_tasks() == before


async def test_a_venue_that_fails_says_so_and_is_not_running(
    time: Any, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    paper = venue(time, sleep=Sleeper(time, 1_000), book_updates_per_second=10)

    def broken(_: MarketEvent) -> None:
        raise RuntimeError("a sink that breaks its promise")

    paper.listen(broken)
    with caplog.at_level(logging.ERROR, logger="cadenza.backend"):
        await paper.start()
        await until(lambda: not paper.running)
    await paper.stop()
    assert [record.getMessage() for record in caplog.records] == ["the PAPER venue has failed and stands still"]


async def test_instruments_say_the_steps_that_prices_and_quantities_keep(time: Any) -> None:
    paper = venue(time, book_updates_per_second=0)
    assert paper.name is Venue.PAPER
    assert list(paper.instruments()) == SYMBOLS
    for symbol, instrument in paper.instruments().items():
        assert instrument.instrument_id == f"PAPER:{symbol}"
        tick, lot = Decimal(instrument.pip_size or 0), Decimal(instrument.lot_size or 0)
        book = (await paper.order_book(symbol)).book
        assert len(book.bids) == len(book.asks) == 50
        for price, quantity in (*book.bids, *book.asks):
            assert Decimal(price) % tick == 0
            assert Decimal(quantity) % lot == 0
            assert re.fullmatch(r"\d+(\.\d+)?", price)


async def test_only_chosen_instruments_are_traded_and_unknown_ones_refused(time: Any) -> None:
    paper = venue(time, book_updates_per_second=0, symbols=("ETH/USDT", "BTC/USDT"))
    assert list(paper.instruments()) == ["ETH/USDT", "BTC/USDT"]
    with pytest.raises(ConfigurationError, match="NO/PE") as caught:
        venue(time, symbols=("NO/PE",))
    assert caught.value.setting == "symbols"


async def test_what_is_asked_for_is_a_snapshot_and_an_unknown_symbol_a_key_error(time: Any) -> None:
    paper = venue(time, book_updates_per_second=0)
    assert (await paper.ticker("BTC/USDT")).last_price == "97250.0"
    assert len((await paper.klines("BTC/USDT", KlineInterval.HOUR_1, 5)).candles) == 5
    for call in (paper.order_book("X/Y"), paper.ticker("X/Y"), paper.klines("X/Y", KlineInterval.HOUR_1, 5)):
        with pytest.raises(KeyError):
            await call
