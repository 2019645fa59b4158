"""A provider of keys that a test can change and take away, and what a gateway makes of a token signed with one."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import websockets
from tests.support.programs import free_port
from tests.tokens.kit import AUDIENCE, ISSUER, USER

from cadenza.tokens.signer import Signer, SigningKey


class KeyServer:
    """A provider's JWKS endpoint that counts, and that can go away. ``keys`` are those it shows."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.fetches = 0
        self.port = free_port()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def come_up(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)

    async def go_down(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.fetches += 1
        body = json.dumps({"keys": [key.public_jwk() for key in self.keys]}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


def token(key: SigningKey, **claims: Any) -> str:
    now = int(time.time())
    return Signer(key).sign({"iss": ISSUER, "aud": AUDIENCE, "sub": USER, "iat": now, "exp": now + 600, **claims})


async def connect(ws_url: str, bearer: str) -> int | None:
    """Connect with a token: None when it is accepted, else the code that the socket is closed with."""
    async with asyncio.timeout(10), websockets.connect(ws_url) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": bearer}}))
        try:
            reply: dict[str, Any] = json.loads(await socket.recv())
        except websockets.ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code
        return None if "connect" in reply else int(reply["error"]["code"])
