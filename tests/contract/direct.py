"""The embedded stack without sockets: frames go straight into the gateway's connection, requests into the applications.

What only a socket can show (a foreign Origin, an oversized frame, the SDK) is not asked of it: see
``requirements.NEEDS_SOCKETS``.
"""

from __future__ import annotations

import asyncio

import httpx
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from cadenza.gateway.api import Api, HttpRequest
from cadenza.gateway.node import Node
from cadenza.protocol.codes import Termination
from cadenza.protocol.proxy import Peer


class _Transport:
    """The gateway's side of a socket that is none."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes | Termination] = asyncio.Queue()
        self.is_closed = asyncio.Event()

    def send(self, data: bytes, /) -> None:
        """Take one frame."""
        self.frames.put_nowait(data)

    def close(self, termination: Termination, /) -> None:
        """Take the close frame."""
        self.frames.put_nowait(termination)
        self.is_closed.set()

    def pause_reading(self) -> None:
        """Nothing flows by itself here."""

    def resume_reading(self) -> None:
        """Nothing flows by itself here."""


class MemorySocket:
    """The client's side: what ``wire.Wire`` needs of a WebSocket."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._transport = _Transport()
        self._connection = node.open(self._transport, Peer(address="127.0.0.1"))

    async def send(self, text: str) -> None:
        """Send a frame to the gateway."""
        if not self._transport.is_closed.is_set():
            self._connection.receive(text.encode())
            self._connection.flush()  # as the WebSocket does at the end of each read

    async def recv(self) -> str:
        """Wait for a frame; raises as a socket does once it is closed."""
        frame = await self._transport.frames.get()
        if isinstance(frame, Termination):
            self._transport.frames.put_nowait(frame)  # whoever asks again is told again
            raise ConnectionClosedError(Close(frame.code, frame.reason), None)
        return frame.decode()

    async def ping(self) -> asyncio.Future[float]:
        """Say at once whether the other side is there."""
        pong: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if not self._transport.is_closed.is_set():
            pong.set_result(0.0)
        return pong

    async def close(self) -> None:
        """Go away."""
        self._node.forget(self._connection)


class ApiTransport(httpx.AsyncBaseTransport):
    """The gateway's server API, asked without HTTP."""

    def __init__(self, node: Node) -> None:
        self._api = Api(node)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = self._api.answer(
            HttpRequest(
                method=request.method,
                path=request.url.path,
                query=request.url.query.decode(),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.aread(),
            )
        )
        return httpx.Response(answer.status, headers={"content-type": answer.content_type}, content=answer.body)
