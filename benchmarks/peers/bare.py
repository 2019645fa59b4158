"""A bare server on ``websockets`` that speaks the same frames: the obvious code, typed with msgspec, on uvloop.

It looks at no token, knows no rights, keeps no history and has no limits; it answers every RPC with the same data.
``python -m benchmarks.peers.bare`` prints its two ports as JSON and serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
import uvicorn
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

_Message = MutableMapping[str, Any]


class _Info(msgspec.Struct):
    name: str = "Bare"
    version: str = "0.1.0"
    description: str = "Typed RPC and live market data over one authenticated WebSocket."
    documentation: str = "docs/reference/methods.md"


class _Rpc(msgspec.Struct):
    method: str
    data: msgspec.Raw = msgspec.Raw(b"")


class _Subscribe(msgspec.Struct):
    channel: str


class _Command(msgspec.Struct):
    id: int = 0
    connect: object = None
    subscribe: _Subscribe | None = None
    rpc: _Rpc | None = None


_decode = msgspec.json.Decoder(_Command).decode
_encode = msgspec.json.Encoder().encode
_subscribers: dict[str, set[ServerConnection]] = {}


async def _serve_client(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):  # the load generator drops its sockets
        await _answer(connection)
    for subscribers in _subscribers.values():
        subscribers.discard(connection)


async def _answer(connection: ServerConnection) -> None:
    async for message in connection:
        command = _decode(message)
        if command.rpc is not None:
            data = _encode(_Info())
            await connection.send(b'{"id":%d,"rpc":{"data":{"data":%b}}}' % (command.id, data), text=True)
        elif command.connect is not None:
            await connection.send('{"id":1,"connect":{"client":"x","version":"bare","ping":25,"pong":true}}')
        elif command.subscribe is not None:
            _subscribers.setdefault(command.subscribe.channel, set()).add(connection)
            await connection.send(b'{"id":%d,"subscribe":{}}' % command.id, text=True)


class _Publication(msgspec.Struct):
    channel: str
    data: msgspec.Raw


async def _publish(
    scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
) -> None:
    """Answer POST /api/publish, as raw ASGI."""
    del scope
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    publication = msgspec.json.decode(body, type=_Publication)
    frame = b'{"push":{"channel":%b,"pub":{"data":%b}}}' % (_encode(publication.channel), bytes(publication.data))
    broadcast(_subscribers.get(publication.channel, ()), frame.decode())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"result":{}}'})


class _Http(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


async def _run() -> None:
    stop = asyncio.Event()
    async with serve(_serve_client, "127.0.0.1", 0, compression=None, max_queue=None) as sockets:
        http = _Http(
            uvicorn.Config(_publish, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False)
        )
        serving = asyncio.create_task(http.serve())
        await http.accepting.wait()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        ports = {
            "ws": next(iter(sockets.sockets)).getsockname()[1],
            "http": http.servers[0].sockets[0].getsockname()[1],
        }
        print(json.dumps(ports), flush=True)
        await stop.wait()
        http.should_exit = True
        await serving


if __name__ == "__main__":
    uvloop.run(_run())
