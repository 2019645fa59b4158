"""One client socket: connects, hands each frame on, answers pings.

Above: ``modes``. Below: picows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

__all__ = ["Client", "open_all"]

_PING_BYTES = 2
_DIALS_AT_ONCE = 32


class Client(WSListener):
    """A client that has sent ``connect``; ``on_frame`` gets every later frame that is not a ping."""

    def __init__(self, token: str) -> None:
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.on_frame: Callable[[WSFrame], None] | None = None
        self.wire: WSTransport | None = None
        self._connect = b'{"id":1,"connect":{"token":"%b"}}' % token.encode() if token else b'{"id":1,"connect":{}}'

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Send ``connect``."""
        self.wire = transport
        transport.send(WSMsgType.TEXT, self._connect)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hand the frame on."""
        if self.on_frame is not None and frame.msg_type == WSMsgType.TEXT and frame.payload_size > _PING_BYTES:
            self.on_frame(frame)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.payload_size == _PING_BYTES:
            transport.send(WSMsgType.TEXT, b"{}")
        elif not self.connected.done():
            reply = frame.get_payload_as_bytes()
            if b'"connect"' in reply:
                self.connected.set_result(None)
            else:
                self.connected.set_exception(ConnectionError(reply.decode()))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Say that the socket is gone."""
        del transport
        if not self.connected.done():
            self.connected.set_exception(ConnectionError("closed before the connect reply"))
        if not self.gone.done():
            self.gone.set_result(None)

    def send(self, data: bytes) -> None:
        """Send one frame."""
        if self.wire is not None:
            self.wire.send(WSMsgType.TEXT, data)

    def abort(self) -> None:
        """Drop the socket."""
        if self.wire is not None:
            self.wire.disconnect(graceful=False)


async def open_one(url: str, token: str) -> Client:
    """Open one socket and wait for the connect reply."""
    _, client = await ws_connect(lambda: Client(token), url, use_aiofastnet=False)
    assert isinstance(client, Client)
    await client.connected
    return client


async def open_all(url: str, token: str, count: int) -> list[Client]:
    """Open ``count`` sockets, some at a time."""
    gate = asyncio.Semaphore(_DIALS_AT_ONCE)

    async def dial() -> Client:
        async with gate:
            return await open_one(url, token)

    return list(await asyncio.gather(*(dial() for _ in range(count))))
