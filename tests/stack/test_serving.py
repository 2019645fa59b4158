"""The server under the backend's port waits for nobody without end; its bounds themselves are tested in identity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from cadenza.identity.bounded_http import BoundedHttp
from cadenza.identity.http_server import HttpServer
from cadenza.stack.serving import bind

DEADLINE_SECONDS = 20
Message = MutableMapping[str, Any]


async def nothing(
    _scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "deadline_seconds", 0.05)
    server = HttpServer(
        nothing, bind("127.0.0.1", 0, what="backend", option="--backend-port"), name="cadenza-backend-http"
    )
    await server.start()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a")

            assert await reader.read() == b""
            writer.close()
    finally:
        await server.stop()
