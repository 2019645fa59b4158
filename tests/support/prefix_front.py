"""``/auth/v1`` in front of a bare Supabase Auth, as Supabase's own gateway puts it.

Run as ``python -m tests.support.prefix_front http://127.0.0.1:9999 8001``. Forwards everything else untouched.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
import uvicorn

PREFIX = "/auth/v1"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "host"}

_Message = MutableMapping[str, Any]


class PrefixFront:
    """An ASGI application that forwards below ``/auth/v1``."""

    def __init__(self, upstream: str) -> None:
        self._client = httpx.AsyncClient(base_url=upstream, timeout=10)

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Forward one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await _answer(send, 404, [], b"")
            return
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["path"].removeprefix(PREFIX) + ("?" + scope["query_string"].decode()).rstrip("?")
        headers = [
            (name.decode(), value.decode()) for name, value in scope["headers"] if name.decode() not in _HOP_BY_HOP
        ]
        reply = await self._client.request(scope["method"], path, content=bytes(body), headers=headers)
        kept = [
            (name.encode(), value.encode()) for name, value in reply.headers.multi_items() if name not in _HOP_BY_HOP
        ]
        await _answer(send, reply.status_code, kept, reply.content)


async def _answer(
    send: Callable[[_Message], Awaitable[None]], status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(PrefixFront(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), lifespan="off", log_level="warning")
