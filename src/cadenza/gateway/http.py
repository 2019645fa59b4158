"""HTTP on the gateway's port: uvicorn's protocol with bounds, and the ASGI application around the server API.

Above: ``front`` hands sockets over with what it has read. Below: ``api`` answers, uvicorn speaks HTTP.

uvicorn bounds neither the size of a request's head nor the time it may take, and on a kept-alive socket the next
request does not pass the door again; so each request is bounded here, and its ``Host`` is checked here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from cadenza.gateway.api import Api, HttpAnswer, HttpRequest
from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.hosts import HostRule
from cadenza.gateway.stats import Stats

__all__ = ["HttpServer"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# What uvicorn warns of (bad requests, unknown upgrades) is a peer's doing; it is answered, not logged.
_quiet_log = logging.Logger("cadenza.gateway.http", logging.ERROR)  # noqa: LOG001 - its level is nobody's to change
_quiet_log.parent = logging.getLogger("cadenza.gateway")

_FORBIDDEN = HttpAnswer(status=403, content_type="text/plain; charset=utf-8", body=b"Forbidden\n")
_TOO_LARGE = HttpAnswer(status=413, content_type="text/plain; charset=utf-8", body=b"Request Entity Too Large\n")


class HttpServer:
    """Serves HTTP on sockets it is given.

    Args:
        config: Limits and hosts.
        api: What answers.
        stats: Where refusals are counted.
    """

    def __init__(self, config: GatewayConfig, api: Api, stats: Stats) -> None:
        self._config = config
        self._api = api
        self._stats = stats
        self._hosts = HostRule(config.allowed_hosts)
        self._state = ServerState()
        self._uvicorn = Config(
            app=self._application,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
        )
        self._uvicorn.load()

    def serve(self, transport: asyncio.Transport, data: bytes) -> None:
        """Take a socket over, with what has been read from it."""
        protocol = _BoundedProtocol(self._uvicorn, self._state, self._config, self._stats)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    async def aclose(self) -> None:
        """Let requests under way finish, close the rest."""
        for protocol in list(self._state.connections):
            protocol.shutdown()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=self._config.close_timeout_seconds)
        late = list(self._state.tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._hosts.allows(headers.get("host", ""), lambda: scope["server"][0] if scope.get("server") else ""):
            await self._send(send, _FORBIDDEN)
            return
        head = HttpRequest(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
        )
        refused = self._api.refuse(head)
        if refused is not None:
            await self._send(send, refused)
            return
        body = await _read_body(receive, self._config.api_body_limit_bytes)
        if body is None:
            await self._send(send, _TOO_LARGE)
            return
        await self._send(send, self._api.answer(msgspec.structs.replace(head, body=body)))

    async def _send(self, send: Send, answer: HttpAnswer) -> None:
        if answer in {_FORBIDDEN, _TOO_LARGE}:
            self._stats.refused_requests[answer.status] += 1
        headers = [(b"content-length", b"%d" % len(answer.body))]
        if answer.content_type:
            headers.append((b"content-type", answer.content_type.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise asyncio.CancelledError
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > limit:
            return None
        if not message.get("more_body"):
            return body


class _BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, each request bounded: its head in size, all of it in time."""

    def __init__(self, config: Config, state: ServerState, bounds: GatewayConfig, stats: Stats) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self.logger = _quiet_log
        self._bounds = bounds
        self._stats = stats
        self._head_bytes = 0
        self._is_in_head = False
        self._deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._is_in_head:
            # What came with the end of an earlier request may not all be head; one more piece settles it.
            limit = self._bounds.handshake_size_limit_bytes
            self._head_bytes += len(data) if was_in_head else min(len(data), limit)
            if self._head_bytes > limit:
                self._refuse(431)

    def on_message_begin(self) -> None:
        self._is_in_head = True
        self._head_bytes = 0
        self._deadline = self.loop.call_later(self._bounds.handshake_timeout_seconds, self._refuse, 408)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._forget_deadline()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _refuse(self, status: int) -> None:
        self._forget_deadline()
        if not self.transport.is_closing():
            self._stats.refused_requests[status] += 1
            self.transport.abort()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
