"""The gateway server: listens on one port, and owns what runs behind it.

Above: ``stack`` starts and stops it. Below: ``front`` at the door, ``websocket`` and ``http`` behind it, ``node``.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from functools import partial
from random import Random, SystemRandom

from cadenza.errors import ConfigurationError, UsageError
from cadenza.gateway.api import Api
from cadenza.gateway.broker import MemoryBroker
from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.eager import EagerRunner
from cadenza.gateway.front import Door, Front
from cadenza.gateway.hosts import HostRule, OriginPatterns
from cadenza.gateway.http import HttpServer
from cadenza.gateway.node import Node
from cadenza.gateway.ports import ProxyCaller, TokenVerifier
from cadenza.gateway.stats import Stats
from cadenza.gateway.websocket import upgrade
from cadenza.protocol.codes import Disconnects

__all__ = ["GatewayServer"]

_BACKLOG = 4096
_SWEEP_SECONDS = 30.0


class GatewayServer:
    """A gateway on one port: WebSocket, server API, health and metrics.

    Args:
        config: What it is told.
        verifier: Judges connection tokens.
        proxy: The backend; ``None`` serves no RPC.
        clock: Seconds since the epoch.
        random: Client ids, epochs, the spread of pings; the system's source unless a test gives a seeded one.

    Raises:
        ConfigurationError: ``start`` cannot listen on the address.
    """

    def __init__(
        self,
        config: GatewayConfig,
        *,
        verifier: TokenVerifier,
        proxy: ProxyCaller | None,
        clock: Callable[[], float],
        random: Random | None = None,
    ) -> None:
        self._config = config
        self._verifier = verifier
        self._proxy = proxy
        self._clock = clock
        self._random = random if random is not None else SystemRandom()
        self._node: Node | None = None
        self._http: HttpServer | None = None
        self._listener: asyncio.Server | None = None
        self._at_the_door: set[Front] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._port = config.port

    @property
    def config(self) -> GatewayConfig:
        """What it was told."""
        return self._config

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def node(self) -> Node:
        """The node, for publishing in process.

        Raises:
            UsageError: The server has not been started.
        """
        if self._node is None:
            raise UsageError("the gateway has not been started")
        return self._node

    @property
    def stats(self) -> Stats:
        """The node's counters."""
        return self.node.stats

    async def start(self) -> None:
        """Listen."""
        if self._listener is not None:
            raise UsageError("the gateway is running already")
        node = self._node = self._make_node()
        self._http = HttpServer(self._config, Api(node), node.stats)
        door = Door(
            timeout_seconds=self._config.handshake_timeout_seconds,
            size_limit_bytes=self._config.handshake_size_limit_bytes,
            origins=OriginPatterns(self._config.allowed_origins),
            hosts=HostRule(self._config.allowed_hosts),
            trusted_proxies=frozenset(self._config.trusted_proxies),
            stats=node.stats,
            sockets=self._at_the_door,
            upgrade=partial(upgrade, node),
            serve_http=self._http.serve,
        )
        self._listener = await self._listen(door)
        self._port = self._listener.sockets[0].getsockname()[1]
        self._sweep()

    async def stop(self) -> None:
        """Close every client with 3001, finish requests under way, and free the port. Safe to repeat."""
        listener, self._listener = self._listener, None
        if listener is None or self._http is None:
            return
        listener.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for front in list(self._at_the_door):
            front.abort()
        self.node.close_all(Disconnects.SHUTDOWN)
        await self._http.aclose()
        await self.node.aclose()
        await self._wait_until_clients_have_gone()

    def _make_node(self) -> Node:
        loop = asyncio.get_running_loop()
        broker = MemoryBroker(
            clock=self._clock,
            choice=self._random.choice,
            meta_ttl_seconds=self._config.history_meta_ttl_seconds,
        )
        return Node(
            self._config,
            broker=broker,
            verifier=self._verifier,
            proxy=self._proxy,
            runner=EagerRunner(loop, timeout_seconds=self._config.proxy_timeout_seconds),
            scheduler=loop,
            call_soon=loop.call_soon,
            clock=self._clock,
            random=self._random,
        )

    async def _listen(self, door: Door) -> asyncio.Server:
        host, port = self._config.host, self._config.port
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: Front(door), host, port, backlog=_BACKLOG)
        except OSError as cause:
            setting = "port" if cause.errno in {errno.EADDRINUSE, errno.EACCES} else "host"
            raise ConfigurationError(
                f"the gateway cannot listen on {host}:{port}: {cause.strerror or cause}", setting=setting
            ) from cause

    def _sweep(self) -> None:
        self.node.broker.sweep()
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    async def _wait_until_clients_have_gone(self) -> None:
        """Give clients time to answer the close frame; whoever does not is cut off by its own timer."""
        async with asyncio.timeout(self._config.close_timeout_seconds * 2):
            await self.node.empty.wait()
