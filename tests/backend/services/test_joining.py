"""What a channel exists for, and what a new subscriber starts with."""

import json
from typing import Any

import msgspec
import pytest

from cadenza.schema.market import Kline, OrderBookSnapshot, Ticker


async def started(subscribe: Any, channel: str) -> Any:
    response = await subscribe(channel)
    assert response.error is None
    return bytes(response.result.data)


async def test_a_book_starts_with_the_whole_book_at_its_number(subscribe: Any, backend: Any) -> None:
    data = await started(subscribe, "market:orderbook:PAPER:BTC/USDT")
    assert list(json.loads(data)) == ["seq", "book"]
    assert msgspec.json.decode(data, type=OrderBookSnapshot) == await backend.venues[0].order_book("BTC/USDT")


async def test_each_book_subscriber_can_follow_from_its_snapshot(
    subscribe: Any, backend: Any, publisher: Any, time: Any, until: Any
) -> None:
    """Joining at any moment, the first publication that counts is the snapshot's number plus one."""
    async with backend:
        snapshots = []
        for _ in range(20):
            time.now += 0.1
            backend.venues[0].step("ETH/USDT")
            snapshots.append(json.loads(await started(subscribe, "market:orderbook:PAPER:ETH/USDT"))["seq"])
        await until(lambda: not backend.feed._queue)
    published = [publication.tags["seq"] for publication in publisher.on("market:orderbook:PAPER:ETH/USDT")]
    numbers = [int(seq.split(":")[1]) for seq in published]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert set(snapshots) <= set(published)


async def test_a_ticker_starts_with_the_last_one(subscribe: Any, backend: Any) -> None:
    data = await started(subscribe, "market:ticker:PAPER:BTC/USDT")
    assert msgspec.json.decode(data, type=Ticker) == await backend.venues[0].ticker("BTC/USDT")


async def test_bars_start_with_the_one_that_forms(subscribe: Any) -> None:
    kline = msgspec.json.decode(await started(subscribe, "market:kline:PAPER:BTC/USDT:1M"), type=Kline)
    assert (kline.interval, kline.is_closed, len(kline.candles)) == ("1M", False, 1)


@pytest.mark.parametrize("channel", ["market:ticker:PAPER", "market:trade:PAPER:BTC/USDT", "market:instrument:PAPER"])
async def test_other_channels_start_with_nothing(subscribe: Any, channel: str) -> None:
    assert await started(subscribe, channel) == b""
