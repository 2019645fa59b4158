"""A stack without limits, a client of it, both doors."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.client.e2e.ways_in.acts import (
    DEADLINE_SECONDS,
    Unlimited,
    client_of,
)
from tests.support.loopback import use_free_ports

from cadenza.client import Client
from cadenza.client.auth.flows import Auth, OverWebSocket
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedStack]:
    folder: Path = tmp_path_factory.mktemp("every-way")
    settings = StackSettings(data_dir=folder, identity_port=0, gateway_port=0, backend_port=0)
    async with Unlimited(settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(stack: EmbeddedStack) -> AsyncIterator[Client]:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(stack) as client:
        yield client


@pytest.fixture(params=["provider", "websocket"])
def ways(request: pytest.FixtureRequest, api: Client) -> Auth | OverWebSocket:
    """Both doors."""
    return api.auth if request.param == "provider" else api.auth.over_websocket


@pytest.fixture(autouse=True)
def redirects(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Where a browser comes back to in this test."""
    return use_free_ports(monkeypatch)


@pytest.fixture
def email() -> str:
    return f"user-{secrets.token_hex(6)}@example.com"
