"""``query.system.info`` over 64 connections, each with its next call when the last is answered; the feed is paused.

Ours checks the token at connect, the access rule and the parameters, and encodes a typed answer, in one process.
"""

from __future__ import annotations

import asyncio
import json

import websockets.asyncio.client as ws
from benchmarks.peers.targets import OURS, Target, floor, targets
from benchmarks.plan import Plan
from benchmarks.processes import generate
from benchmarks.record import Row, Sample, row

METHOD = "query.system.info"
#: CPU microseconds of the server process.
AT_MOST_US = 15.0
_CONNECTIONS = (1, 64, 256)
_TARGET_CONNECTIONS = 64
#: The least parameters that the load generator sends, ``{"s":""}``; unknown fields are ignored, as the contract says.
_SIZE = 8


def run(plan: Plan) -> list[Row]:
    """Measure."""
    samples: dict[tuple[Target, int], list[Sample]] = {}
    with targets(plan) as (up, servers), floor() as least:
        servers.insert(1, least)
        token = up.mint()[0]
        sizes = {server.name: asyncio.run(_answer_bytes(server.ws_url, token)) for server in servers}
        for _ in range(plan.rounds):
            for server in servers:
                for connections in _CONNECTIONS:
                    sample = _measure(plan, server, token, connections)
                    samples.setdefault((server, connections), []).append(sample)
    return [
        row(
            "rpc",
            f"{METHOD}, {server.name}, {connections} connection{'s' * (connections > 1)}",
            taken,
            unit="us CPU",
            load=plan.load(f"closed loop, answer frame of {sizes[server.name]} bytes"),
            at_most=AT_MOST_US if server.name == OURS and connections == _TARGET_CONNECTIONS else None,
        )
        for (server, connections), taken in samples.items()
    ]


def _measure(plan: Plan, server: Target, token: str, connections: int) -> Sample:
    words = ["rpc", "--url", server.ws_url, "--method", METHOD, "--size", str(_SIZE)]
    words += ["--connections", str(connections), "--seconds", str(plan.seconds)]
    words += ["--warm-up", str(plan.warm_up_seconds)]
    return generate("benchmarks.loadgen", words, pids=server.pids, environment={"LOADGEN_TOKEN": token})


async def _answer_bytes(url: str, token: str) -> int:
    """Call once, see that the answer is a good one, and return its frame's size."""
    async with asyncio.timeout(10), ws.connect(url) as connection:
        await connection.send(json.dumps({"id": 1, "connect": {"token": token}}))
        connected = json.loads(await connection.recv())
        assert "connect" in connected, connected
        await connection.send(json.dumps({"id": 2, "rpc": {"method": METHOD, "data": {"s": ""}}}))
        frame = await connection.recv()
        answer = json.loads(frame)
        assert answer["rpc"]["data"]["data"]["name"], answer
        return len(frame)
