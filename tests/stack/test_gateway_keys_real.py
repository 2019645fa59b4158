"""The real Centrifugo pointed at the backend's key set: rows A1 and A3 of the known problems, seen there, end here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.key_server import KeyServer, connect, token
from tests.support.programs import free_port
from tests.support.real import find_programs, run_centrifugo
from tests.tokens.kit import AUDIENCE, ISSUER

from cadenza.gateway.centrifugo import CentrifugoConfig
from cadenza.stack.external import ExternalBackend, ExternalSettings
from cadenza.tokens.signer import SigningKey

_REAL = find_programs({**os.environ, "SUPABASE_AUTH_BIN": os.environ.get("SUPABASE_AUTH_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]


@pytest.fixture
async def keys() -> AsyncIterator[KeyServer]:
    served = KeyServer(SigningKey.generate("ES256"))
    await served.come_up()
    yield served
    await served.go_down()


@pytest.fixture
async def jwks_url(keys: KeyServer) -> AsyncIterator[str]:
    """The backend's."""
    settings = ExternalSettings(
        auth_url=ISSUER,
        issuer=ISSUER,
        jwks_url=keys.url,
        api_url="http://127.0.0.1:9/api",
        api_key=secrets.token_hex(8),
        proxy_secret=secrets.token_hex(16),
        port=0,
        book_updates_per_second=0,
    )
    async with ExternalBackend(settings) as backend:
        yield f"http://127.0.0.1:{backend.port}/.well-known/jwks.json"


@contextlib.contextmanager
def centrifugo(jwks_url: str, folder: Path) -> Iterator[str]:
    """A node that has fetched nothing yet; its WebSocket's address."""
    assert not isinstance(_REAL, str)
    config = CentrifugoConfig(
        issuer=ISSUER,
        audience=AUDIENCE,
        backend_url="http://127.0.0.1:9",  # no test here asks it anything but the keys
        port=free_port(),
        internal_port=free_port(),
        api_key=secrets.token_hex(16),
        proxy_secret=secrets.token_hex(16),
    )
    folder.mkdir()

    def point(file: dict[str, Any]) -> None:
        file["client"]["token"]["jwks_public_endpoint"] = jwks_url

    with run_centrifugo(_REAL.centrifugo, config, folder=folder, change=point):
        yield f"ws://127.0.0.1:{config.port}/connection/websocket"


async def test_a_cold_node_accepts_tokens_while_the_provider_is_down(
    keys: KeyServer, jwks_url: str, tmp_path: Path
) -> None:
    """Row A1. Pointed at the provider itself, the same node refuses for good: shown beside it."""
    bearer = token(keys.keys[0])
    async with httpx.AsyncClient() as http:
        (await http.get(jwks_url)).raise_for_status()
    await keys.go_down()
    with centrifugo(keys.url, tmp_path / "direct") as ws_url:
        assert await connect(ws_url, bearer) == 3500
    with centrifugo(jwks_url, tmp_path / "cached") as ws_url:
        assert [await connect(ws_url, bearer) for _ in range(10)] == [None] * 10


async def test_tokens_of_made_up_keys_do_not_reach_the_provider(keys: KeyServer, jwks_url: str, tmp_path: Path) -> None:
    """Row A3: 50 connects with a random ``kid`` each."""
    with centrifugo(jwks_url, tmp_path / "cached") as ws_url:
        assert await connect(ws_url, token(keys.keys[0])) is None
        before = keys.fetches
        forged = [token(SigningKey.generate("ES256", kid=secrets.token_hex(8))) for _ in range(50)]
        assert set(await asyncio.gather(*(connect(ws_url, bearer) for bearer in forged))) == {3500}
        assert keys.fetches == before
        assert await connect(ws_url, token(keys.keys[0])) is None
