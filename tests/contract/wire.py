"""The gateway's wire without an SDK: commands in, replies, pushes and close codes out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import websockets
from tests.contract.direct import MemorySocket
from tests.contract.stacks import System

#: The one deadline of the suite.
DEADLINE_SECONDS = 15.0


class Wire:
    """One socket. Pings are answered; what comes is kept until it is asked for."""

    def __init__(self, socket: websockets.ClientConnection | MemorySocket) -> None:
        self._socket = socket
        self._kept: list[dict[str, Any]] = []
        self._last_id = 0
        #: Ids of the replies, in the order in which they came.
        self.order: list[int] = []

    async def send(self, *commands: dict[str, Any]) -> None:
        """Send commands in one frame, one a line."""
        await self._socket.send("\n".join(json.dumps(command) for command in commands))

    async def send_text(self, text: str) -> None:
        """Send a frame as it stands."""
        await self._socket.send(text)

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and wait for its reply."""
        self._last_id += 1
        await self.send({"id": self._last_id, **command})
        return await self.reply(self._last_id)

    async def reply(self, id_: int) -> dict[str, Any]:
        """Wait for the reply of that id."""
        return await self._wait(lambda message: message.get("id") == id_)

    async def push(self, kind: str, channel: str | None = None) -> dict[str, Any]:
        """Wait for a push of that kind (``pub``, ``unsubscribe`` ...) on that channel."""
        message = await self._wait(
            lambda message: kind in message.get("push", {}) and channel in {None, message["push"].get("channel")}
        )
        push: dict[str, Any] = message["push"]
        return push

    async def closed(self) -> tuple[int, str]:
        """Wait for the close frame: its code and reason."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                try:
                    await self._keep(await self._socket.recv())
                except websockets.ConnectionClosed as closed:
                    return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")

    async def is_open(self) -> None:
        """Make sure that the other side still answers, by a ping of RFC 6455."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            await (await self._socket.ping())

    async def _wait(self, wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                for index, message in enumerate(self._kept):
                    if wanted(message):
                        return self._kept.pop(index)
                await self._keep(await self._socket.recv())

    async def _keep(self, frame: str | bytes) -> None:
        for line in frame.splitlines():
            message = json.loads(line)
            if not message:  # a ping, which may share its frame with others
                await self._socket.send("{}")
                continue
            if "id" in message:
                self.order.append(message["id"])
            self._kept.append(message)


@contextlib.asynccontextmanager
async def open_wire(system: System, **options: Any) -> AsyncIterator[Wire]:
    """Open a socket and leave it at the end."""
    if system.socket is not None:
        socket = system.socket()
        try:
            yield Wire(socket)
        finally:
            await socket.close()
        return
    async with websockets.connect(system.ws_url, proxy=None, **options) as websocket:
        yield Wire(websocket)


@contextlib.asynccontextmanager
async def connected(system: System, token: str | None = None) -> AsyncIterator[Wire]:
    """Open a socket and connect with a token, or anonymously."""
    async with open_wire(system) as wire:
        reply = await wire.ask(connect={"token": token} if token else {})
        assert "connect" in reply, reply
        yield wire


async def outcome_of_connecting(system: System, token: str | None) -> str:
    """Say in a word what connecting with this token leads to: ``connected``, ``error 109`` or ``close 3500``."""
    async with open_wire(system) as wire:
        await wire.send({"id": 1, "connect": {"token": token} if token is not None else {}})
        try:
            reply = await wire.reply(1)
        except websockets.ConnectionClosed as closed:
            return f"close {closed.rcvd.code}" if closed.rcvd else "lost"
        if "error" in reply:
            await wire.is_open()  # an error at connect leaves the socket as it is
            return f"error {reply['error']['code']}"
        return "connected"


async def rpc(wire: Wire, method: str, data: Any = None) -> dict[str, Any]:
    """Call a method; the result envelope."""
    reply = await wire.ask(rpc={"method": method} | ({} if data is None else {"data": data}))
    envelope: dict[str, Any] = reply["rpc"]["data"]
    return envelope


async def api(system: System, method: str, **params: Any) -> dict[str, Any]:
    """Call the server API; its result."""
    async with system.http() as http:
        reply = await http.post(f"{system.api_url}/{method}", headers={"X-API-Key": system.api_key}, json=params)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    assert "result" in answer, answer
    result: dict[str, Any] = answer["result"]
    return result
