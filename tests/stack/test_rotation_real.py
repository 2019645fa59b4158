"""Two real Centrifugo nodes in the middle of a rotation, one with old secrets, one with new: both are served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest
import websockets
from tests.stack.neighbours import INFO, Neighbours
from tests.support.programs import free_port
from tests.support.real import run_centrifugo

from cadenza.gateway.centrifugo import CentrifugoConfig
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config
from cadenza.stack.external import ExternalBackend, external_settings_from_environment

_CENTRIFUGO = os.environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")

pytestmark = [pytest.mark.real, pytest.mark.skipif(not _CENTRIFUGO, reason="the real Centrifugo was not given")]

OLD = {"api_key": "old-key-of-the-server-api", "proxy_secret": "old-secret-between-the-two"}
NEW = {"api_key": "new-key-of-the-server-api", "proxy_secret": "new-secret-between-the-two"}
_CALLS = 200
_PUBLICATIONS = 300


async def calls(config: CentrifugoConfig) -> None:
    """Call, one call after the other; the first that is not answered as it should be fails."""
    async with websockets.connect(f"ws://127.0.0.1:{config.port}/connection/websocket") as socket:
        await socket.send(json.dumps({"id": 1, "connect": {}}))
        assert "connect" in json.loads(await socket.recv())
        for number in range(2, _CALLS):
            await socket.send(json.dumps({"id": number, "rpc": {"method": INFO["method"], "data": {}}}))
            answer = json.loads(await socket.recv())
            assert answer["rpc"]["data"]["data"]["name"] == "Cadenza", answer


async def test_calls_and_publications_of_both_nodes_get_through(tmp_path: Path) -> None:
    assert _CENTRIFUGO is not None
    around = Neighbours()  # the provider: nobody signs in
    async with around.serving(), contextlib.AsyncExitStack() as running, asyncio.timeout(60):
        port = free_port()
        nodes = []
        for name, secrets in (("old", OLD), ("new", NEW)):
            (folder := tmp_path / name).mkdir()
            told = {**around.environment(**secrets), "PORT": str(port)}
            config = centrifugo_config(CentrifugoOptions(port=free_port(), internal_port=free_port()), told)
            node = contextlib.ExitStack()
            node.enter_context(run_centrifugo(Path(_CENTRIFUGO), config, folder=folder))
            # In a thread: it waits for its connections to end, and the backend at the other end lives in this loop.
            running.push_async_callback(asyncio.to_thread, node.close)
            nodes.append(config)

        environ = {
            **around.environment(**NEW),
            "CADENZA_API_KEY_PREVIOUS": OLD["api_key"],
            "CADENZA_PROXY_SECRET_PREVIOUS": OLD["proxy_secret"],
        }
        for number, config in enumerate(nodes):  # a backend publishes to one address
            settings = external_settings_from_environment(
                {**environ, "CADENZA_API_URL": config.api_url, "PORT": str(port if not number else 0)},
                book_updates_per_second=0.0,
            )
            backend = await running.enter_async_context(ExternalBackend(settings))
            for item in range(_PUBLICATIONS):
                await backend.publisher.publish("market:ticker:PAPER", b"%d" % item)
            await backend.publisher.flush()
            assert (backend.publisher.published, backend.publisher.failed) == (_PUBLICATIONS, 0)
        async with asyncio.TaskGroup() as callers:
            for config in nodes * 3:
                callers.create_task(calls(config))
