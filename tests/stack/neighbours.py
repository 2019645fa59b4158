"""What stands around a backend, played by hand: a provider that can take its time, and a gateway's server API.

Above: tests that stop a backend, or change its secrets. Below: ``identity.http_server``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from cadenza.backend import SECRET_HEADER
from cadenza.identity.http_server import HttpServer
from cadenza.stack.serving import bind
from cadenza.tokens.signer import SigningKey

#: Reaches the provider, and takes as long as it does.
LOGIN = {"client": "c", "method": "command.auth.login", "data": {"email": "a@example.com", "password": "some-password"}}
INFO = {"client": "c", "method": "query.system.info", "data": {}}

_Message = MutableMapping[str, Any]


class Neighbours:
    """Both under one address.

    Attributes:
        api_keys: Those that the server API takes.
        asked: Set when somebody signs in at the provider.
        answering: The provider answers while it is set.
        taking: The server API answers while it is set.
        publications: What was published, in order.
        refused: Requests with another key.
    """

    def __init__(self, *api_keys: str) -> None:
        self.api_keys = set(api_keys)
        self.asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.taking = asyncio.Event()
        self.answering.set()
        self.taking.set()
        self.publications: list[dict[str, Any]] = []
        self.refused = 0
        self.url = ""
        self._jwks = {"keys": [SigningKey.generate("ES256").public_jwk()]}

    def environment(self, *, api_key: str, proxy_secret: str) -> dict[str, str]:
        """A backend's, between these two."""
        return {
            "SUPABASE_URL": self.url,
            "CADENZA_WS_URL": self.url.replace("http:", "ws:") + "/connection/websocket",
            "CADENZA_API_KEY": api_key,
            "CADENZA_PROXY_SECRET": proxy_secret,
        }

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Let both answer."""
        listener = bind("127.0.0.1", 0, what="neighbours", option="port")
        server = HttpServer(self, listener, name="neighbours")
        await server.start()
        self.url = f"http://127.0.0.1:{server.port}"
        try:
            yield
        finally:
            server.hurry()
            await server.stop()

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Answer as an ASGI application."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path: str = scope["path"]
        if path.startswith("/api/"):
            status, answer = await self._api(dict(scope["headers"]), path, json.loads(body))
        elif path.endswith("/jwks.json"):
            status, answer = 200, self._jwks
        else:
            status, answer = await self._sign_in()
        head = {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        await send(head)
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _sign_in(self) -> tuple[int, dict[str, Any]]:
        self.asked.set()
        await self.answering.wait()
        return 400, {"code": "invalid_credentials", "msg": "Invalid login credentials"}

    async def _api(self, headers: dict[bytes, bytes], path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if headers[b"x-api-key"].decode() not in self.api_keys:
            self.refused += 1
            return 401, {}
        await self.taking.wait()
        if path == "/api/publish":
            self.publications.append(body)
            return 200, {"result": {}}
        self.publications += [command["publish"] for command in body["commands"]]
        return 200, {"replies": [{"publish": {}} for _ in body["commands"]]}


def shown(secret: str) -> dict[str, str]:
    """What a gateway sends with a proxied call."""
    return {SECRET_HEADER: secret, "Content-Type": "application/json"}
