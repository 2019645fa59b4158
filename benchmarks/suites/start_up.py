"""From the command line to the first accepted connection of a signed-in user, in wall seconds.

First start: an empty folder, so databases, keys and the ready user are made; the user signs in with the password and
connects. Second start: the same folder, and the session's token from before.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx
import websockets.asyncio.client as ws
from benchmarks.plan import Plan
from benchmarks.processes import Up, cpu_seconds, running_up
from benchmarks.record import Row, Sample, row
from tests.support.programs import free_port

_FIRST_AT_MOST_SECONDS = 4.0
_SECOND_AT_MOST_SECONDS = 1.5
_DEADLINE_SECONDS = 10
_LEAST_ROUNDS = 5


def run(plan: Plan) -> list[Row]:
    """Measure."""
    rounds = plan.rounds if plan.rounds == 1 else max(_LEAST_ROUNDS, plan.rounds)
    first, second = [], []
    for number in range(rounds):
        folder = plan.folder / f"start-up-{number}"
        port = free_port()
        sample, token = _start(folder, port, None)
        first.append(sample)
        second.append(_start(folder, port, token)[0])
    load = f"one client, default feed; {rounds} rounds"
    return [
        row("start-up", "second start", second, unit="s", load=load, at_most=_SECOND_AT_MOST_SECONDS),
        row("start-up", "first start", first, unit="s", load=load, at_most=_FIRST_AT_MOST_SECONDS),
    ]


def _start(folder: Path, identity_port: int, token: str | None) -> tuple[Sample, str]:
    began = time.perf_counter()
    with running_up(folder, identity_port=identity_port) as up:
        announced = time.perf_counter() - began
        token = token or _sign_in(up)
        asyncio.run(_connect(up.ws_url, token))
        seconds = time.perf_counter() - began
        details = {"announced_s": announced, "server_cpu_s": cpu_seconds(up.pid)}
        return Sample(value=seconds, details=details), token


def _sign_in(up: Up) -> str:
    answer = httpx.post(
        f"{up.identity_url}/token?grant_type=password",
        json={"email": up.email, "password": up.password},
        timeout=_DEADLINE_SECONDS,
    )
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token


async def _connect(url: str, token: str) -> None:
    async with asyncio.timeout(_DEADLINE_SECONDS), ws.connect(url, compression=None) as connection:
        await connection.send(json.dumps({"id": 1, "connect": {"token": token}}))
        reply = json.loads(await connection.recv())
        assert "connect" in reply, reply
