"""Run one measurement: ``python -m benchmarks.loadgen rpc --url ws://127.0.0.1:8000/connection/websocket``.

Prints ``begin`` and ``end`` around the measured window and then the result as one line of JSON. With ``--steps`` it
waits for a line on standard input after each word, so that whoever started it can read the server's CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys

import uvloop
from benchmarks.loadgen.measure import Plan
from benchmarks.loadgen.modes import MODES


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("--url", default="ws://127.0.0.1:8000/connection/websocket")
    parser.add_argument("--api-url", default="http://127.0.0.1:8000/api/publish")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--method", default="echo")
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--channel", default="bench:x")
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--steps", action="store_true")
    arguments = parser.parse_args()

    async def announce(word: str) -> None:
        print(word, flush=True)
        if arguments.steps:
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

    async def hold() -> None:
        await announce("holding")

    plan = Plan(
        url=arguments.url,
        # In the environment, not on the command line, where other users could read them.
        token=os.environ.get("LOADGEN_TOKEN", ""),
        api_key=os.environ.get("LOADGEN_API_KEY", ""),
        connections=arguments.connections,
        duration_seconds=arguments.seconds,
        warm_up_seconds=arguments.warm_up,
        method=arguments.method,
        size=arguments.size,
        channel=arguments.channel,
        api_url=arguments.api_url,
        rate=arguments.rate,
        announce=announce,
        hold=hold,
    )

    async def run() -> None:
        result = await MODES[arguments.mode](plan)
        print(json.dumps(dataclasses.asdict(result)), flush=True)

    uvloop.run(run())


if __name__ == "__main__":
    main()
