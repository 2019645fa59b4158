"""The real Centrifugo, run from here, and a key that is withdrawn under it (row A2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.stack.key_server import KeyServer, connect, token
from tests.support.programs import free_port
from tests.tokens.kit import AUDIENCE, ISSUER

from cadenza.gateway.centrifugo import CentrifugoConfig, Finding, document, text
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config
from cadenza.stack.centrifugo_run import CentrifugoRun, Running, RunOptions, prepared_run
from cadenza.stack.channels import NAMESPACES
from cadenza.stack.external import ExternalBackend, external_settings_from_environment
from cadenza.stack.run_folder import ask_reload
from cadenza.tokens.signer import SigningKey

_CENTRIFUGO = os.environ.get("CENTRIFUGO_BIN") or shutil.which("centrifugo")

pytestmark = [pytest.mark.real, pytest.mark.skipif(not _CENTRIFUGO, reason="the real Centrifugo was not given")]

OLD, NEW = (SigningKey.generate("ES256", kid=kid) for kid in ("old", "new"))
INVALID_TOKEN = 3500


@dataclass
class Events:
    """What the run tells, one event after another."""

    running: asyncio.Queue[Running] = field(default_factory=asyncio.Queue)
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)

    def found(self, findings: tuple[Finding, ...]) -> None:
        assert findings == ()

    def up(self, running: Running, restarts: int) -> None:
        assert restarts == 0
        self.running.put_nowait(running)

    def ended(self, status: int, delay_seconds: float) -> None:
        raise AssertionError(f"Centrifugo ended with {status}, and is started again in {delay_seconds} s")

    def key_withdrawn(self) -> None:
        self.withdrawn.set()


@dataclass(frozen=True, kw_only=True)
class Node:
    run: CentrifugoRun
    events: Events
    ws_url: str
    folder: Path


@pytest.fixture
async def keys() -> AsyncIterator[KeyServer]:
    served = KeyServer(OLD, NEW)
    await served.come_up()
    yield served
    await served.go_down()


@contextlib.asynccontextmanager
async def node(keys: KeyServer, folder: Path, *, key_check_seconds: float) -> AsyncIterator[Node]:
    """A node pointed at those keys, which has verified a token of the old one."""
    config = CentrifugoConfig(
        issuer=ISSUER, audience=AUDIENCE, backend_url="http://127.0.0.1:9", namespaces=NAMESPACES,
        client_concurrency=8, allowed_origins=("https://app.example",), port=free_port(), internal_port=free_port(),
        api_key=secrets.token_hex(16), proxy_secret=secrets.token_hex(16),
    )  # fmt: skip
    made: dict[str, Any] = document(config)
    made["client"]["token"]["jwks_public_endpoint"] = keys.url
    file = folder / "centrifugo.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(made))
    options = RunOptions(
        binary=Path(str(_CENTRIFUGO)), config=file, run_dir=folder / "run", key_check_seconds=key_check_seconds
    )
    events = Events()
    async with prepared_run(options, events, environ={"PATH": os.defpath}, output=lambda _: None) as run:
        serving = asyncio.create_task(run.run())
        try:
            async with asyncio.timeout(30):
                running = await events.running.get()
            assert await connect(running.ws_url, token(OLD)) is None
            yield Node(run=run, events=events, ws_url=running.ws_url, folder=folder / "run")
        finally:
            run.stop()
            await serving


async def test_a_reload_drops_the_keys_that_centrifugo_holds(keys: KeyServer, tmp_path: Path) -> None:
    """Row A2: a key that is withdrawn goes on being believed, until SIGHUP."""
    async with node(keys, tmp_path, key_check_seconds=0) as gateway:
        keys.keys.remove(OLD)
        assert [await connect(gateway.ws_url, token(OLD)) for _ in range(3)] == [None] * 3
        # The run is in this process, which the command's own signal would end.
        assert await ask_reload(gateway.folder, send=lambda _pid, _signal: gateway.run.reload()) is True
        assert await connect(gateway.ws_url, token(OLD)) == INVALID_TOKEN
        assert await connect(gateway.ws_url, token(NEW)) is None


async def test_a_withdrawn_key_is_noticed_and_refused_within_seconds(keys: KeyServer, tmp_path: Path) -> None:
    """Row A2: nobody has to think of it."""
    async with node(keys, tmp_path, key_check_seconds=0.1) as gateway:
        keys.keys.remove(OLD)
        async with asyncio.timeout(5):
            await gateway.events.withdrawn.wait()
            while await connect(gateway.ws_url, token(OLD)) is None:
                pass
        assert await connect(gateway.ws_url, token(OLD)) == INVALID_TOKEN
        assert await connect(gateway.ws_url, token(NEW)) is None


async def test_a_key_withdrawn_at_the_provider_is_refused_within_seconds_through_the_backend(
    keys: KeyServer, tmp_path: Path
) -> None:
    """Row A2, the whole way: `gateway run` shows the backend the secret, which then asks the provider."""
    environ = {
        "PATH": os.defpath,
        "SUPABASE_URL": ISSUER.removesuffix("/auth/v1"),
        "CADENZA_ISSUER": ISSUER,
        "CADENZA_AUDIENCE": AUDIENCE,
        "CADENZA_JWKS_URL": keys.url,
        "CADENZA_WS_URL": "ws://127.0.0.1:8000/connection/websocket",
        "CADENZA_API_KEY": secrets.token_hex(16),
        "CADENZA_PROXY_SECRET": secrets.token_hex(16),
        "PORT": str(free_port()),
    }
    ports = CentrifugoOptions(port=free_port(), internal_port=free_port())
    file = tmp_path / "centrifugo.json"
    file.write_text(text(document(centrifugo_config(ports, environ), with_secrets=False)))
    options = RunOptions(binary=Path(str(_CENTRIFUGO)), config=file, run_dir=tmp_path / "run", key_check_seconds=0.2)
    events = Events()
    async with (
        ExternalBackend(external_settings_from_environment(environ, book_updates_per_second=0)),
        prepared_run(options, events, environ=environ, output=lambda _: None) as run,
    ):
        serving = asyncio.create_task(run.run())
        try:
            async with asyncio.timeout(30):
                running = await events.running.get()
            assert await connect(running.ws_url, token(OLD)) is None
            keys.keys.remove(OLD)
            async with asyncio.timeout(5):
                await events.withdrawn.wait()
                while await connect(running.ws_url, token(OLD)) is None:
                    pass
            assert await connect(running.ws_url, token(OLD)) == INVALID_TOKEN
            assert await connect(running.ws_url, token(NEW)) is None
        finally:
            run.stop()
            await serving


async def test_an_outage_of_the_keys_costs_nobody_a_connection(keys: KeyServer, tmp_path: Path) -> None:
    """Row A1: while nothing can be fetched, what Centrifugo holds is left to it."""
    async with node(keys, tmp_path, key_check_seconds=0.05) as gateway:
        await keys.go_down()
        assert [await connect(gateway.ws_url, token(OLD)) for _ in range(20)] == [None] * 20
        assert not gateway.events.withdrawn.is_set()
