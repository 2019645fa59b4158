"""HTTP in closed loop against an identity provider: documents, password sign-ins, refreshes.

Each connection asks again when it is answered. A refreshing connection has a user of its own and trades each refresh
token once, for the next.

Above: ``modes``. Below: asyncio streams, because a generator that costs more than the server measures itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from benchmarks.loadgen.measure import Plan, Result, Window

__all__ = ["documents", "refreshes", "sign_ins"]

#: Of throw-away users on loopback.
PASSWORD = "correct horse battery 1"
_OK = b" 200 "


class Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A request's bytes. The host is named as an address, which every provider answers to."""
        first = f"{method} {self._path}{path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        return f"{first}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    async def ask(self, request: bytes) -> tuple[bool, bytes]:
        """Send, and wait for the whole answer: whether it is a 200, and its body."""
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        return _OK in first, await self._body(self._reader, rest.lower())

    async def _body(self, reader: asyncio.StreamReader, headers: bytes) -> bytes:
        _, named, after = headers.partition(b"content-length:")
        if named:
            return await reader.readexactly(int(after.split(b"\r\n", 1)[0]))
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return body

    def close(self) -> None:
        """Drop it."""
        if self._writer is not None:
            self._writer.close()


async def documents(plan: Plan) -> Result:
    """``GET`` of ``plan.method``, a path."""

    async def make(connection: Connection, _number: int) -> Callable[[], Awaitable[bool]]:
        request = connection.request("GET", plan.method)

        async def ask() -> bool:
            return (await connection.ask(request))[0]

        return ask

    return await _closed_loop("documents", plan, make)


async def sign_ins(plan: Plan) -> Result:
    """The password grant, each connection for a user of its own."""

    async def make(connection: Connection, number: int) -> Callable[[], Awaitable[bool]]:
        body = await _signed_up(connection, number)
        request = connection.request("POST", "/token?grant_type=password", body)

        async def ask() -> bool:
            return (await connection.ask(request))[0]

        return ask

    return await _closed_loop("sign-ins", plan, make)


async def refreshes(plan: Plan) -> Result:
    """The refresh grant, each connection for a session of its own."""

    async def make(connection: Connection, number: int) -> Callable[[], Awaitable[bool]]:
        body = await _signed_up(connection, number)
        good, answer = await connection.ask(connection.request("POST", "/token?grant_type=password", body))
        if not good:
            raise RuntimeError(f"nobody was signed in: {answer[:200]!r}")
        token = json.loads(answer)["refresh_token"]

        async def ask() -> bool:
            nonlocal token
            body = b'{"refresh_token":"%b"}' % token.encode()
            good, answer = await connection.ask(connection.request("POST", "/token?grant_type=refresh_token", body))
            if good:
                token = json.loads(answer)["refresh_token"]
            return good

        return ask

    return await _closed_loop("refreshes", plan, make)


async def _signed_up(connection: Connection, number: int) -> bytes:
    """Sign up, or find that it was done in an earlier round; return the credentials."""
    body = json.dumps({"email": f"bench{number}@example.com", "password": PASSWORD}).encode()
    await connection.ask(connection.request("POST", "/signup", body))
    return body


async def _closed_loop(
    mode: str, plan: Plan, make: Callable[[Connection, int], Awaitable[Callable[[], Awaitable[bool]]]]
) -> Result:
    connections = [Connection(plan.url) for _ in range(plan.connections)]
    window = Window()
    asks = []
    for number, connection in enumerate(connections):
        await connection.open()
        asks.append(await make(connection, number))

    async def work(ask: Callable[[], Awaitable[bool]]) -> None:
        while True:
            started = time.perf_counter()
            good = await ask()
            if window.is_open:
                window.latencies.append(time.perf_counter() - started)
                window.errors += not good

    workers = [asyncio.create_task(work(ask)) for ask in asks]
    await asyncio.sleep(plan.warm_up_seconds)
    await plan.announce("begin")
    window.open()
    ended, _ = await asyncio.wait(workers, timeout=plan.duration_seconds, return_when=asyncio.FIRST_EXCEPTION)
    for worker in ended:
        worker.result()
    window.close()
    await plan.announce("end")
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    for connection in connections:
        connection.close()
    return window.result(mode, plan)
