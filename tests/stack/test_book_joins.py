"""A thousand joins to a book that changes five hundred times a second: each is whole, and equal to the venue's own.

The race this is about: the snapshot of a subscribe reply is taken at one moment and the position from which
publications come is fixed at another. A change between the two arrives twice (it is in the snapshot already) or not at
all (a hole). The test counts both and fails if no join met either, for then it would have tested nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest
import websockets

from cadenza.backend.api_keys import ApiKeys
from cadenza.backend.config import BackendConfig, PaperConfig, RateLimits
from cadenza.backend.provider import HttpIdentityProvider
from cadenza.backend.publisher import ApiPublisher
from cadenza.backend.service import Backend
from cadenza.backend.venues.paper import PaperVenue
from cadenza.client.books import BookAssembly, Outcome, Sequence
from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.proxy_caller import HttpProxyCaller
from cadenza.gateway.server import GatewayServer
from cadenza.identity.http_server import HttpServer
from cadenza.schema.market import OrderBook, OrderBookSnapshot
from cadenza.stack.channels import NAMESPACES
from cadenza.stack.direct import DirectPublisher, DirectSockets
from cadenza.stack.serving import bind
from cadenza.tokens.jwks import StaticKeySet
from cadenza.tokens.signer import Signer, SigningKey
from cadenza.tokens.verifier import Verifier

SYMBOL = "BTC/USDT"
CHANNEL = f"market:orderbook:PAPER:{SYMBOL}"
CHANGES_PER_SECOND = 500
JOINS = 1_000
READERS = 10
#: Changes each join follows after its snapshot, each compared.
FOLLOWED = 5
DEADLINE_SECONDS = 90
ISSUER, AUDIENCE = "https://issuer.test", "authenticated"

Side = tuple[tuple[str, ...], ...]


@dataclass
class Stack:
    """What a join needs: where to connect, and the venue to compare with."""

    ws_url: str
    token: str
    venue: PaperVenue


@contextlib.asynccontextmanager
async def running(*, behind_proxies: bool) -> AsyncIterator[Stack]:
    """Gateway and backend in this process, joined directly or by HTTP both ways."""
    key, api_key, secret = SigningKey.generate("ES256"), secrets.token_hex(16), secrets.token_hex(16)
    verifier = Verifier(StaticKeySet([key.public_jwk()]), issuer=ISSUER, audience=AUDIENCE, clock=time.time)
    config = GatewayConfig(port=0, namespaces=NAMESPACES, api_key=api_key)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient())
        listener = bind("127.0.0.1", 0, what="backend", option="port")
        stack.callback(listener.close)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/proxy"

        def node() -> Any:
            return gateway.node

        publisher: ApiPublisher | DirectPublisher = DirectPublisher(node)
        if behind_proxies:
            gateway_listener = bind("127.0.0.1", 0, what="gateway", option="port")
            port = gateway_listener.getsockname()[1]
            gateway_listener.close()
            config = msgspec.structs.replace(config, port=port)
            publisher = ApiPublisher(f"http://127.0.0.1:{port}/api", ApiKeys(api_key), http)
        backend = Backend(
            BackendConfig(  # one user joins more often than any honest one
                proxy_secret=secret, paper=PaperConfig(book_updates_per_second=0), limits=RateLimits.off()
            ),
            publisher=publisher,
            sockets=DirectSockets(node),  # and no session ends
            identity=HttpIdentityProvider("http://127.0.0.1:9", http),  # no test here signs in
            verifier=verifier,
        )
        proxy = (
            HttpProxyCaller(f"{url}/rpc", f"{url}/subscribe", headers={"X-Cadenza-Proxy-Secret": secret}, client=http)
            if behind_proxies
            else backend.handlers
        )
        gateway = GatewayServer(config, verifier=verifier, proxy=proxy, clock=time.time)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        if isinstance(publisher, ApiPublisher):
            await stack.enter_async_context(publisher)
        await stack.enter_async_context(backend)
        server = HttpServer(backend.app, listener, name="cadenza-backend-http")
        await server.start()
        stack.push_async_callback(server.stop)
        venue = backend.venues[0]
        assert isinstance(venue, PaperVenue)
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "reader", "exp": int(time.time()) + 600}
        claims |= {"meta": {"session_id": "s1"}}
        yield Stack(f"ws://127.0.0.1:{gateway.port}/connection/websocket", Signer(key).sign(claims), venue)


@dataclass
class Seen:
    """What the joins met."""

    joins: int = 0
    compared: int = 0
    twice: int = 0
    holes: int = 0
    venue: dict[Sequence, tuple[Side, Side]] = field(default_factory=dict)


async def change(venue: PaperVenue, seen: Seen) -> None:
    """Let the venue act, and keep its own book at each ``seq``."""
    while True:
        venue.step(SYMBOL)
        await remember(venue, seen)
        await asyncio.sleep(1 / CHANGES_PER_SECOND)


async def remember(venue: PaperVenue, seen: Seen) -> None:
    own = await venue.order_book(SYMBOL)
    seen.venue[Sequence.parse(own.seq)] = (own.book.bids, own.book.asks)


class Reader:
    """One connection that joins, follows, leaves, and joins again."""

    def __init__(self, socket: websockets.ClientConnection, seen: Seen) -> None:
        self._socket = socket
        self._seen = seen
        self._id = 1
        self._waiting: list[dict[str, Any]] = []

    async def join(self) -> None:
        """Join once, follow some changes, compare each book, leave."""
        assembly = BookAssembly()
        while True:  # once more after a hole, as the SDK does
            snapshot = msgspec.convert((await self._ask("subscribe"))["data"], OrderBookSnapshot)
            assert assembly.snapshot(Sequence.parse(snapshot.seq), snapshot.book) is not Outcome.HOLE
            whole = await self._follow(assembly)
            await self._ask("unsubscribe")
            if whole:
                break
            self._seen.holes += 1
        self._seen.joins += 1

    async def _follow(self, assembly: BookAssembly) -> bool:
        applied = 0
        self._compare(assembly)
        while applied < FOLLOWED:
            message = await self._receive(lambda message: "push" in message)
            publication = message["push"]["pub"]
            update = msgspec.convert(publication["data"], OrderBook)
            outcome = assembly.apply(Sequence.parse(publication["tags"]["seq"]), update)
            if outcome is Outcome.HOLE:
                return False
            if outcome is Outcome.STALE:
                self._seen.twice += 1
            else:
                applied += 1
                self._compare(assembly)
        return True

    def _compare(self, assembly: BookAssembly) -> None:
        sequence, book = assembly.sequence, assembly.book()
        assert sequence is not None
        assert (book.bids, book.asks) == self._seen.venue[sequence], f"another book than the venue's at {sequence}"
        self._seen.compared += 1

    async def _ask(self, kind: str) -> dict[str, Any]:
        self._id += 1
        await self._socket.send(json.dumps({"id": self._id, kind: {"channel": CHANNEL}}))
        message = await self._receive(lambda message: message.get("id") == self._id)
        if kind == "unsubscribe":
            self._waiting.clear()
        result: dict[str, Any] = message[kind]
        return result

    async def _receive(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            for index, message in enumerate(self._waiting):
                if wanted(message):
                    return self._waiting.pop(index)
            for line in (await self._socket.recv(decode=False)).splitlines():
                if line == b"{}":  # a ping, which may share its frame with publications
                    await self._socket.send("{}")
                else:
                    self._waiting.append(msgspec.json.decode(line))


@pytest.mark.parametrize("behind_proxies", [False, True], ids=["in-process", "behind-the-proxies"])
async def test_every_join_reaches_the_venues_own_book(*, behind_proxies: bool) -> None:
    seen = Seen()
    async with asyncio.timeout(DEADLINE_SECONDS), running(behind_proxies=behind_proxies) as stack:
        await remember(stack.venue, seen)
        changing = asyncio.create_task(change(stack.venue, seen))

        async def read() -> None:
            async with websockets.connect(stack.ws_url, proxy=None) as socket:
                await socket.send(json.dumps({"id": 1, "connect": {"token": stack.token}}))
                assert b'"connect"' in await socket.recv(decode=False)
                reader = Reader(socket, seen)
                for _ in range(JOINS // READERS):
                    await reader.join()

        try:
            async with asyncio.TaskGroup() as readers:
                for _ in range(READERS):
                    readers.create_task(read())
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
    assert seen.joins == JOINS
    assert seen.compared >= JOINS * (FOLLOWED + 1)
    assert seen.twice + seen.holes > 0, "no join met a change between snapshot and position: nothing was tested"
