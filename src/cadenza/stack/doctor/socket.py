"""One connection to the gateway, spoken by hand: a doctor wants each answer as it comes, where the SDK would try again.

Above: ``gateway``. Below: ``protocol.codes``, websockets. Source: Centrifugo's client protocol, JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection

from cadenza.protocol.codes import ReplyError, Termination

__all__ = ["Closed", "Refused", "Socket", "open_socket"]

_NAME: Final = "cadenza-doctor"
_ABSENT: Final = msgspec.Raw(b"")


class Refused(Exception):  # noqa: N818 - an answer, for whoever asked
    """The gateway answered a command with an error."""

    def __init__(self, error: ReplyError) -> None:
        super().__init__(error.code)
        self.code = error.code
        self.message = error.message


class Closed(Exception):  # noqa: N818 - the same
    """The gateway closed the connection."""

    def __init__(self, termination: Termination) -> None:
        super().__init__(termination.code)
        self.code = termination.code
        self.reason = termination.reason


class _Data(msgspec.Struct, frozen=True):
    data: msgspec.Raw = _ABSENT


class _Push(msgspec.Struct, frozen=True):
    channel: str = ""
    pub: _Data | None = None


class _Reply(msgspec.Struct, frozen=True):
    id: int = 0
    error: ReplyError | None = None
    rpc: _Data | None = None
    push: _Push | None = None


_reply = msgspec.json.Decoder(_Reply)


class Socket:
    """A connection; commands one at a time.

    Args:
        socket: The open WebSocket.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last_id = 0
        self._waiting: list[_Reply] = []
        self._published: list[str] = []

    async def connect(self, token: str | None) -> None:
        """Say who we are. Raises Refused, Closed."""
        await self._ask("connect", {"name": _NAME, **({"token": token} if token else {})})

    async def call(self, method: str, params: object) -> bytes:
        """Call a method; the backend's answer as it stands. Raises Refused, Closed."""
        reply = await self._ask("rpc", {"method": method, "data": params})
        return bytes(reply.rpc.data) if reply.rpc is not None else b""

    async def subscribe(self, channel: str) -> None:
        """Join a channel. Raises Refused, Closed."""
        await self._ask("subscribe", {"channel": channel})

    async def publication(self, channel: str) -> None:
        """Wait for the next publication on a channel. Raises Closed."""
        while channel not in self._published:
            await self._read()

    async def _ask(self, command: str, body: object) -> _Reply:
        self._last_id += 1
        try:
            await self._socket.send(msgspec.json.encode({"id": self._last_id, command: body}).decode())
        except websockets.ConnectionClosed as closed:
            raise _closed(closed) from None
        while True:
            for reply in self._waiting:
                if reply.id == self._last_id:
                    if reply.error is not None:
                        raise Refused(reply.error)
                    return reply
            await self._read()

    async def _read(self) -> None:
        """Take one frame: a reply a line (pings are empty ones)."""
        try:
            frame = await self._socket.recv(decode=True)
        except websockets.ConnectionClosed as closed:
            raise _closed(closed) from None
        self._waiting = []
        for line in frame.splitlines():
            reply = _reply.decode(line)
            if reply.push is not None and reply.push.pub is not None:
                self._published.append(reply.push.channel)
            elif reply.id:
                self._waiting.append(reply)


def _closed(closed: websockets.ConnectionClosed) -> Closed:
    received = closed.rcvd
    if received is None:
        return Closed(Termination(code=1006))  # RFC 6455 section 7.4.1: it ended without a word
    return Closed(Termination(code=received.code, reason=received.reason))


@contextlib.asynccontextmanager
async def open_socket(url: str, *, timeout_seconds: float) -> AsyncIterator[Socket]:
    """Open a WebSocket, as an unmodified client would.

    Raises:
        OSError: Nothing listens, or there is no such host.
        TimeoutError: It took too long.
        websockets.InvalidHandshake: Whoever listens does not speak WebSocket there.
    """
    async with asyncio.timeout(timeout_seconds):
        socket = await websockets.connect(url, open_timeout=None, close_timeout=0.1)
    try:
        yield Socket(socket)
    finally:
        await socket.close()
