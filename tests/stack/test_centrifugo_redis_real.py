"""Two real Centrifugo nodes on one real Redis, each run from here on the file that `gateway config` makes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from tests.stack.key_server import KeyServer, token
from tests.support.programs import Program, free_port
from tests.tokens.kit import AUDIENCE, ISSUER

from cadenza.gateway.centrifugo import Finding, document, text
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config
from cadenza.stack.centrifugo_run import Running, RunOptions, prepared_run
from cadenza.stack.external import ExternalBackend, external_settings_from_environment
from cadenza.tokens.signer import SigningKey

_CENTRIFUGO = os.environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")
_REDIS = os.environ.get("REDIS_SERVER_BIN") or shutil.which("redis-server")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not _CENTRIFUGO, reason="the real Centrifugo was not given: CENTRIFUGO_BIN"),
    pytest.mark.skipif(not _REDIS, reason="Redis was not given: REDIS_SERVER_BIN, or on PATH"),
]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis with a password, which is in a file of its own: words are for everybody to read."""
    port, password = free_port(), secrets.token_hex(16)
    config = tmp_path / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\ndir {tmp_path}\n')
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    log = tmp_path / "redis.log"
    server = Program([str(_REDIS), str(config)], environment=kept, log=log)
    try:
        server.wait_until(lambda: "Ready to accept connections" in log.read_text())
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.stop()


class Up:
    """Waits until it runs."""

    def __init__(self) -> None:
        self.running: asyncio.Queue[Running] = asyncio.Queue()

    def found(self, findings: tuple[Finding, ...]) -> None:
        assert findings == ()

    def up(self, running: Running, restarts: int) -> None:
        assert restarts == 0
        self.running.put_nowait(running)

    def ended(self, status: int, delay_seconds: float) -> None:
        raise AssertionError(f"Centrifugo ended with {status}, and is started again in {delay_seconds} s")

    def key_withdrawn(self) -> None:
        raise AssertionError("no key was withdrawn")


def prepared(environ: dict[str, str], folder: Path) -> RunOptions:
    """A node's file, without secrets, and where it runs."""
    folder.mkdir()
    file = folder / "centrifugo.json"
    ports = CentrifugoOptions(port=free_port(), internal_port=free_port())
    file.write_text(text(document(centrifugo_config(ports, environ), with_secrets=False)))
    return RunOptions(binary=Path(str(_CENTRIFUGO)), config=file, run_dir=folder / "run")


@contextlib.asynccontextmanager
async def node(environ: dict[str, str], folder: Path) -> AsyncIterator[Running]:
    told = Up()
    async with prepared_run(prepared(environ, folder), told, environ=environ, output=lambda _: None) as run:
        serving = asyncio.create_task(run.run())
        try:
            async with asyncio.timeout(30):
                yield await told.running.get()
        finally:
            run.stop()
            await serving


async def test_nodes_share_presence_and_publications(redis_url: str, tmp_path: Path) -> None:
    key = SigningKey.generate("ES256")
    keys = KeyServer(key)
    await keys.come_up()
    environ = {
        "PATH": os.defpath,
        "SUPABASE_URL": "http://127.0.0.1:54321",
        "CADENZA_ISSUER": ISSUER,
        "CADENZA_AUDIENCE": AUDIENCE,
        "CADENZA_JWKS_URL": keys.url,
        "CADENZA_WS_URL": "ws://127.0.0.1:8000/connection/websocket",
        "CADENZA_API_KEY": secrets.token_hex(16),
        "CADENZA_PROXY_SECRET": secrets.token_hex(16),
        "REDIS_URL": redis_url,
        "PORT": str(free_port()),
    }
    api = {"X-API-Key": environ["CADENZA_API_KEY"]}
    bearer = token(key, channels=["session:one"])
    async with (
        ExternalBackend(external_settings_from_environment(environ, book_updates_per_second=0)),
        node(environ, tmp_path / "a") as a,
        node(environ, tmp_path / "b") as b,
        websockets.connect(a.ws_url) as first,
        websockets.connect(b.ws_url) as second,
        httpx.AsyncClient(headers=api) as http,
        asyncio.timeout(30),
    ):
        for socket in (first, second):
            await socket.send(json.dumps({"id": 1, "connect": {"token": bearer}}))
            reply: dict[str, Any] = json.loads(await socket.recv())
            assert "session:one" in reply["connect"]["subs"]
        # Row E8 needs it: each session's connections, on whichever node, are found from any.
        for gateway in (a, b):
            answer = await http.post(f"{gateway.api_url}/presence", json={"channel": "session:one"})
            assert len(answer.json()["result"]["presence"]) == 2
        await http.post(f"{a.api_url}/publish", json={"channel": "session:one", "data": {"from": "a"}})
        for socket in (first, second):
            pushed: dict[str, Any] = json.loads(await socket.recv())
            assert pushed["push"]["pub"]["data"] == {"from": "a"}
    await keys.go_down()
