"""Fixtures of the gateway's tests; what they are made of stands in ``kit`` and ``wire``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
import uvloop
from tests.gateway.kit import NOW, Gateway, RecordedBackend, RecordedVerifier, recorded_config

from cadenza.gateway import GatewayServer
from cadenza.gateway.ports import ProxyCaller

ON_BOTH_LOOPS = frozenset(
    {"test_recorded_sockets.py", "test_hostile_peers.py", "test_eager.py", "test_real_clients.py"}
)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run what touches sockets and Tasks on uvloop, as in production, and on asyncio's own loop."""
    if item.path.name in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
def make_gateway() -> Callable[..., Awaitable[Gateway]]:
    """Make a gateway in memory: ``await make_gateway("A", proxy=None, epoch=..., **changes)``."""

    async def make(
        letter: str = "A", *, proxy: ProxyCaller | None = None, epoch: float = NOW, **changes: Any
    ) -> Gateway:
        return Gateway(recorded_config(letter, **changes), proxy, epoch)

    return make


@pytest.fixture
def backend() -> RecordedBackend:
    """The recorded backend."""
    return RecordedBackend()


@pytest.fixture
async def start_server(backend: RecordedBackend) -> AsyncIterator[Callable[..., Awaitable[GatewayServer]]]:
    """Start servers on real sockets: ``await start_server("A", epoch=..., **changes)``; all are stopped at the end."""
    servers: list[GatewayServer] = []

    async def start(
        letter: str = "A",
        *,
        proxy: ProxyCaller | None = backend,
        clock: Callable[[], float] = lambda: NOW,
        **changes: Any,
    ) -> GatewayServer:
        server = GatewayServer(
            recorded_config(letter, **{"close_timeout_seconds": 0.2, **changes}),
            verifier=RecordedVerifier(clock),
            proxy=proxy,
            clock=clock,
        )
        await server.start()
        servers.append(server)
        return server

    yield start
    async with asyncio.timeout(20):
        for server in servers:
            await server.stop()
