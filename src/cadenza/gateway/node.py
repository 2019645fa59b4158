"""The node: what all connections share, and what the server API and the in-process publisher ask for.

Above: ``api`` and ``server``; ``stack`` publishes through it. Below: broker, hub, backend and verifier ports.
A publication is encoded once and handed to every subscriber's queue; the queues are flushed together at the end of the
loop turn, so several publications to one client share a frame and a system call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from random import Random

import msgspec

from cadenza.errors import GatewayError
from cadenza.gateway.config import GatewayConfig, Namespace
from cadenza.gateway.connection import Connection
from cadenza.gateway.eager import EagerRunner
from cadenza.gateway.hub import Hub
from cadenza.gateway.ports import (
    Broker,
    ProxyCaller,
    PublishOptions,
    PublishResult,
    Scheduler,
    TokenVerifier,
    Transport,
)
from cadenza.gateway.stats import Stats
from cadenza.protocol.client import ClientInfo, Publication, encode_publication
from cadenza.protocol.codes import ApiErrors, ClientErrors, Disconnects, ReplyError, Termination, Unsubscribes
from cadenza.protocol.proxy import Peer

__all__ = ["Node"]

_NO_TAGS: Mapping[str, str] = {}
_UUID_BYTES = 16


class Node:
    """One gateway node.

    Args:
        config: What it is told.
        broker: Keeps the channels' streams.
        verifier: Judges connection tokens.
        proxy: The backend; ``None`` serves no RPC and no subscribe proxy.
        runner: Runs the backend's and the verifier's coroutines.
        scheduler: Timers.
        call_soon: Calls back at the end of the loop turn.
        clock: Seconds since the epoch.
        random: Client ids and the spread of pings.
    """

    def __init__(
        self,
        config: GatewayConfig,
        *,
        broker: Broker,
        verifier: TokenVerifier,
        proxy: ProxyCaller | None,
        runner: EagerRunner,
        scheduler: Scheduler,
        call_soon: Callable[[Callable[[], None]], object],
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        self.config = config
        self.broker = broker
        self.verifier = verifier
        self.proxy = proxy
        self.runner = runner
        self.scheduler = scheduler
        self.clock = clock
        self.random = random
        self.hub: Hub[Connection] = Hub()
        self.stats = Stats()
        self.uid = self.new_client_id()
        self.started_at = scheduler.time()
        self._call_soon = call_soon
        self._sockets: dict[Connection, None] = {}
        self._unflushed: list[Connection] = []
        self.empty = asyncio.Event()
        self.empty.set()

    def new_client_id(self) -> str:
        """Make a UUID (version 4) that cannot be guessed when ``random`` cannot."""
        digits = self.random.randbytes(_UUID_BYTES).hex()
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def channel_options(self, channel: str) -> Namespace:
        """Give the channel's options.

        Raises:
            GatewayError: Its namespace is not configured (code 102).
        """
        options = self.config.channel_options(channel)
        if options is None:
            raise GatewayError(ClientErrors.UNKNOWN_CHANNEL.message, code=ClientErrors.UNKNOWN_CHANNEL.code)
        return options

    # Sockets

    def open(self, transport: Transport, peer: Peer) -> Connection:
        """Take a client's socket; it has to send ``connect`` next."""
        connection = Connection(self, transport, peer)
        self._sockets[connection] = None
        self.empty.clear()
        return connection

    def forget(self, connection: Connection) -> None:
        """Take note that a client's socket is gone."""
        connection.lost()
        self._sockets.pop(connection, None)
        if not self._sockets:
            self.empty.set()

    def close_all(self, termination: Termination = Disconnects.SHUTDOWN) -> None:
        """Close every socket."""
        for connection in list(self._sockets):
            connection.close(termination)

    @property
    def socket_count(self) -> int:
        """Client sockets open, connected or not."""
        return len(self._sockets)

    def flush_soon(self, connection: Connection) -> None:
        """Flush this connection at the end of the loop turn."""
        if not self._unflushed:
            self._call_soon(self._flush)
        self._unflushed.append(connection)

    def _flush(self) -> None:
        unflushed, self._unflushed = self._unflushed, []
        for connection in unflushed:
            connection.flush()

    # Publications

    def publish(
        self,
        channel: str,
        data: bytes | msgspec.Raw,
        *,
        tags: Mapping[str, str] | None = None,
        info: ClientInfo | None = None,
        idempotency_key: str = "",
        skip_history: bool = False,
    ) -> PublishResult:
        """Publish to a channel.

        Args:
            channel: Its name.
            data: One JSON value, passed on as it stands.
            tags: Travel beside the data.
            info: The client that publishes, if one does.
            idempotency_key: A second publication with it is not made; it gets the first one's result.
            skip_history: Deliver, but do not keep.

        Raises:
            GatewayError: The channel's namespace is not configured (code 102).
        """
        options = self.channel_options(channel)
        publication = Publication(data=msgspec.Raw(data), info=info, tags=dict(tags or _NO_TAGS))
        placed = self.broker.place(
            channel,
            publication,
            PublishOptions(
                history_size=0 if skip_history else options.history_size,
                history_ttl_seconds=options.history_ttl_seconds,
                idempotency_key=idempotency_key,
            ),
        )
        if not placed.is_repeat:
            self._deliver(channel, placed.publication)
        return placed.result

    def _deliver(self, channel: str, publication: Publication) -> None:
        stats, unflushed = self.stats, self._unflushed
        stats.publications += 1
        subscribers = self.hub.subscribers(channel)
        if not subscribers:
            return
        line = encode_publication(channel, publication)
        stats.deliveries += len(subscribers)
        if not unflushed:
            self._call_soon(self._flush)
        for connection in subscribers:
            # Connection.push, written out: this loop is the fan-out.
            out = connection.out
            if not out:
                unflushed.append(connection)
            out.append(line)

    # Who is where

    def present(self, channel: str) -> list[ClientInfo] | ReplyError:
        """Who is in a channel, or error 108 where its namespace does not let that be asked.

        Raises:
            GatewayError: The channel's namespace is not configured (code 102).
        """
        if not self.channel_options(channel).presence:
            return ApiErrors.NOT_AVAILABLE
        return [connection.info_in(channel) for connection in self.hub.subscribers(channel)]

    # What the server API does to clients

    def disconnect(
        self,
        user: str,
        termination: Termination = Disconnects.FORCE_DISCONNECT,
        *,
        client: str = "",
        whitelist: Iterable[str] = (),
    ) -> int:
        """Close a user's connections, or only ``client``, sparing the whitelist. Returns how many."""
        chosen = self._connections(user, client, frozenset(whitelist))
        for connection in chosen:
            connection.close(termination)
        return len(chosen)

    def unsubscribe(
        self, user: str, channel: str, termination: Termination = Unsubscribes.SERVER, *, client: str = ""
    ) -> None:
        """End a user's subscriptions to a channel.

        A client that has none is told all the same, and one that is being let in is let out again: as in Centrifugo.
        """
        for connection in self._connections(user, client, frozenset()):
            connection.end_subscription(channel, termination)

    def _connections(self, user: str, client: str, spared: frozenset[str]) -> list[Connection]:
        return [c for c in self.hub.of_user(user) if c.client not in spared and (not client or c.client == client)]

    async def aclose(self) -> None:
        """End what still waits for the backend."""
        await self.runner.aclose()
