"""A load of connects: sockets are opened, wait for the connect reply, are dropped, and so on; each with the next token.

``python -m benchmarks.dialers``: parameters and tokens come as one line of JSON on standard input; otherwise as
``benchmarks.loadgen --steps``, from whose parts it is made. With one token the gateway has seen it before; with more
tokens than connects it never has. Running out of tokens is an error.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from itertools import repeat

import msgspec
import uvloop
from benchmarks.loadgen.client import open_one
from benchmarks.loadgen.measure import Plan, Window


class Dials(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told."""

    url: str
    tokens: list[str]
    workers: int
    seconds: float
    warm_up_seconds: float


async def _announce(word: str) -> None:
    print(word, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def _work(url: str, tokens: Iterator[str], window: Window) -> None:
    for token in tokens:
        started = time.perf_counter()
        client = await open_one(url, token)
        if window.is_open:
            window.latencies.append(time.perf_counter() - started)
        client.abort()
        await client.gone
    raise RuntimeError("there were too few tokens")


async def _run(dials: Dials) -> None:
    window = Window()
    tokens = iter(dials.tokens) if len(dials.tokens) > 1 else repeat(dials.tokens[0])
    workers = [asyncio.create_task(_work(dials.url, tokens, window)) for _ in range(dials.workers)]
    await asyncio.sleep(dials.warm_up_seconds)
    await _announce("begin")
    window.open()
    await asyncio.sleep(dials.seconds)
    window.close()
    await _announce("end")
    for worker in workers:
        worker.cancel()
    ended = await asyncio.gather(*workers, return_exceptions=True)
    window.errors += sum(isinstance(end, Exception) for end in ended)
    plan = Plan(
        url=dials.url,
        token="",
        connections=dials.workers,
        duration_seconds=dials.seconds,
        warm_up_seconds=dials.warm_up_seconds,
        method="",
        size=len(dials.tokens[0]),
        channel="",
        api_url="",
        api_key="",
        rate=0,
        announce=_announce,
    )
    print(json.dumps(dataclasses.asdict(window.result("connect", plan))), flush=True)


if __name__ == "__main__":
    uvloop.run(_run(msgspec.json.decode(sys.stdin.readline(), type=Dials)))
