"""The backend put together: one start, one stop, what is served, and no task left."""

import asyncio
from typing import Any

import pytest

from cadenza.backend import Backend, BackendConfig
from cadenza.backend.venues.paper import PaperVenue
from cadenza.schema.methods import METHODS


def test_the_methods_of_this_landing_are_served(backend: Backend) -> None:
    sign_in = {name for name in METHODS if name.split(".")[1] == "auth"}
    assert backend.router.served == sign_in | {
        "query.system.info",
        "query.system.check",
        "query.venue.list",
        "query.instrument.list",
        "query.orderbook.get",
        "query.orderbook.list",
        "query.ticker.list",
        "query.kline.list",
    }


async def test_starting_and_stopping_leaves_no_task(backend: Backend) -> None:
    before = asyncio.all_tasks()
    async with backend:
        assert all(part.works for part in backend.parts())
        assert len(asyncio.all_tasks()) == len(before) + 3
    await backend.stop()
    assert asyncio.all_tasks() == before
    assert not any(part.works for part in backend.parts())


async def test_a_venue_that_cannot_start_stops_what_had_begun(
    config: BackendConfig, outside: dict[str, Any], time: Any
) -> None:
    class Broken(PaperVenue):
        async def start(self) -> None:
            raise OSError("the exchange is away")

    def paper(kind: type[PaperVenue]) -> PaperVenue:
        return kind(config.paper, clock=time, monotonic=time, run="r")

    before = asyncio.all_tasks()
    backend = Backend(config, **outside, venues=[paper(PaperVenue), paper(Broken)])
    with pytest.raises(OSError, match="the exchange is away"):
        await backend.start()
    assert asyncio.all_tasks() == before


async def test_another_run_numbers_its_books_by_another_name(outside: dict[str, Any]) -> None:
    runs = set()
    for _ in range(2):
        backend = Backend(BackendConfig(), **outside)
        run, _, number = (await backend.venues[0].order_book("BTC/USDT")).seq.partition(":")
        assert number == "1"
        runs.add(run)
    assert len(runs) == 2
