"""`cadenza backend serve` behind the real Centrifugo: a call under way when it is stopped is answered there too."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from tests.stack.neighbours import INFO, LOGIN, Neighbours
from tests.support.programs import Program, free_port
from tests.support.real import run_centrifugo

from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config

from .conftest import DEADLINE_SECONDS

_CENTRIFUGO = os.environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")

pytestmark = [pytest.mark.real, pytest.mark.skipif(not _CENTRIFUGO, reason="the real Centrifugo was not given")]


async def call(socket: websockets.ClientConnection, number: int, method: dict[str, Any]) -> None:
    await socket.send(json.dumps({"id": number, "rpc": {"method": method["method"], "data": method["data"]}}))


async def reply(socket: websockets.ClientConnection) -> dict[str, Any]:
    while (line := str(await socket.recv())) == "{}":  # a ping
        await socket.send("{}")
    answer: dict[str, Any] = json.loads(line)
    return answer


@contextlib.contextmanager
def serving(program: list[str], environment: dict[str, str], folder: Path) -> Iterator[Program]:
    backend = Program([*program, "backend", "serve"], environment=environment, log=folder / "backend.log")
    try:
        backend.wait_for_http(f"http://127.0.0.1:{environment['PORT']}/health")
        yield backend
    finally:
        backend.stop()


async def test_a_call_under_way_is_answered_through_centrifugo_and_the_next_one_is_a_temporary_error(
    program: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    assert _CENTRIFUGO is not None
    around = Neighbours()
    async with around.serving(), asyncio.timeout(DEADLINE_SECONDS):
        told = {
            **environment,
            **around.environment(api_key="key-of-the-server-api", proxy_secret="secret-between-the-two"),
            "PORT": str(free_port()),
        }
        config = centrifugo_config(CentrifugoOptions(port=free_port(), internal_port=free_port()), told)
        told["CADENZA_API_URL"] = config.api_url
        with (
            run_centrifugo(Path(_CENTRIFUGO), config, folder=tmp_path),
            serving(program, told, tmp_path) as backend,
        ):
            async with websockets.connect(f"ws://127.0.0.1:{config.port}/connection/websocket") as socket:
                await socket.send(json.dumps({"id": 1, "connect": {}}))
                assert "connect" in await reply(socket)
                around.answering.clear()
                await call(socket, 2, LOGIN)
                await around.asked.wait()
                backend.process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(backend.wait_until, lambda: "Stopping" in backend.log_tail())

                await call(socket, 3, INFO)
                refused = await reply(socket)
                assert (refused["id"], refused["error"]["code"], refused["error"]["temporary"]) == (3, 100, True)
                around.answering.set()
                answered = await reply(socket)
                assert (answered["id"], answered["rpc"]["data"]["error"]["code"]) == (2, 26002)
            assert await asyncio.to_thread(backend.process.wait, DEADLINE_SECONDS) == 0
