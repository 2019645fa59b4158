"""What the SDK adds to a call: ``api.call`` beside bare centrifuge-python's ``rpc`` on the same stack, interleaved.

CPU of the client's process, on asyncio's own loop, one call at a time; both ask for the same and get the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

import centrifuge
from benchmarks.plan import Plan
from benchmarks.processes import Up, running_up
from benchmarks.record import Row, Sample, row

import cadenza
from cadenza.schema.market import ListTickersParams
from cadenza.schema.market_enums import Venue
from cadenza.schema.methods import QUERY_SYSTEM_INFO, QUERY_TICKER_LIST

#: Times bare centrifuge-python's.
AT_MOST = 1.3
_BATCH = 50
_DEADLINE_SECONDS = 10

_Call = Callable[[], Awaitable[object]]


def run(plan: Plan) -> list[Row]:
    """Measure."""
    with running_up(plan.folder / "calls", "--pace", "0") as up:
        return asyncio.run(_run(plan, up))


async def _run(plan: Plan, up: Up) -> list[Row]:
    token = up.mint()[0]
    bare = centrifuge.Client(up.ws_url, token=token)
    await bare.connect()
    await bare.ready(_DEADLINE_SECONDS)
    async with cadenza.connect(up.ws_url, access_token=token, environ={}) as api:

        async def info() -> object:
            return await api.call(QUERY_SYSTEM_INFO)

        async def bare_info() -> object:
            return (await bare.rpc("query.system.info", {})).data

        async def tickers() -> object:
            return await api.call(QUERY_TICKER_LIST, ListTickersParams(venue=Venue.PAPER))

        async def bare_tickers() -> object:
            return (await bare.rpc("query.ticker.list", {"venue": "PAPER"})).data

        await tickers()  # the user's connection: what anyone may call goes over it too from here on
        rows = [
            *await _compare(plan, "query.system.info", info, bare_info, at_most=AT_MOST),
            *await _compare(plan, "query.ticker.list", tickers, bare_tickers, at_most=None),
        ]
    await bare.disconnect()
    return rows


async def _compare(plan: Plan, name: str, ours: _Call, bare: _Call, *, at_most: float | None) -> list[Row]:
    await _batches((ours, bare), plan.warm_up_seconds)
    rounds = [await _batches((ours, bare), plan.seconds) for _ in range(plan.rounds)]
    load = plan.load("one call at a time, batches of 50 in turn")
    ratios = [Sample(value=typed.value / plain.value) for typed, plain in rounds]
    return [
        row("client", f"{name}, api.call / bare rpc", ratios, unit="times", load=load, at_most=at_most),
        row("client", f"{name}, api.call", [typed for typed, _ in rounds], unit="us CPU", load=load),
        row("client", f"{name}, bare rpc", [plain for _, plain in rounds], unit="us CPU", load=load),
    ]


async def _batches(calls: Sequence[_Call], seconds: float) -> list[Sample]:
    """Run batches of each call in turn until each had its seconds; CPU microseconds a call, and wall."""
    used: list[list[float]] = [[] for _ in calls]
    passed: list[list[float]] = [[] for _ in calls]
    ends_at = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < ends_at:
        for number, call in enumerate(calls):
            cpu, began = time.process_time(), time.perf_counter()
            for _ in range(_BATCH):
                await call()
            used[number].append((time.process_time() - cpu) / _BATCH)
            passed[number].append((time.perf_counter() - began) / _BATCH)
    return [
        Sample(value=1e6 * median(cpu), details={"p50_us": 1e6 * median(wall), "rate": len(wall) / sum(wall)})
        for cpu, wall in zip(used, passed, strict=True)
    ]
