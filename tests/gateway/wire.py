"""Talking to a gateway over real sockets: a WebSocket client, and bytes by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import websockets
from tests.gateway.kit import make_token
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from cadenza.gateway import GatewayServer

DEADLINE = 10
UPGRADE = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

Start = Callable[..., Awaitable[GatewayServer]]


def url(server: GatewayServer) -> str:
    return f"ws://127.0.0.1:{server.port}/connection/websocket"


async def replies(client: ClientConnection) -> list[Any]:
    async with asyncio.timeout(DEADLINE):
        return [json.loads(line) for line in str(await client.recv()).split("\n")]


async def take(client: ClientConnection, count: int) -> list[Any]:
    """Read until so many replies and pushes have come; several may share a frame."""
    lines: list[Any] = []
    while len(lines) < count:
        lines += await replies(client)
    return lines


async def close_of(client: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(DEADLINE):
        with contextlib.suppress(websockets.ConnectionClosedError):
            async for _ in client:
                pass  # whatever still comes
        await client.wait_closed()
    return client.close_code, client.close_reason


async def raw_request(server: GatewayServer, *chunks: bytes) -> bytes:
    """Send bytes, and read until the gateway closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        async with asyncio.timeout(DEADLINE):
            return await reader.read()
    finally:
        writer.close()


def head(path: str = "/connection/websocket", **headers: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def open_deaf_client(server: GatewayServer, channel: str) -> socket.socket:
    """Open a client that subscribes and then reads no more."""
    loop = asyncio.get_running_loop()
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    own.setblocking(False)  # noqa: FBT003
    await loop.sock_connect(own, ("127.0.0.1", server.port))
    await loop.sock_sendall(own, head(**UPGRADE))
    commands: list[dict[str, Any]] = [
        {"id": 1, "connect": {"token": make_token(sub="42")}},
        {"id": 2, "subscribe": {"channel": channel}},
    ]
    for command in commands:
        await loop.sock_sendall(own, Frame(Opcode.TEXT, json.dumps(command).encode()).serialize(mask=True))
    read = b""
    async with asyncio.timeout(DEADLINE):
        while b'"subscribe":{}' not in read:
            read += await loop.sock_recv(own, 4096)
    return own


async def read_to_the_end(own: socket.socket) -> bytes:
    loop, everything = asyncio.get_running_loop(), b""
    with own:
        async with asyncio.timeout(DEADLINE):
            while chunk := await loop.sock_recv(own, 65_536):
                everything += chunk
    return everything
