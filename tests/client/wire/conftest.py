"""The real embedded gateway with real tokens; only the backend behind its proxy port is scripted here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from cadenza.gateway.config import GatewayConfig, Namespace
from cadenza.gateway.server import GatewayServer
from cadenza.protocol.proxy import (
    Error,
    Peer,
    RpcRequest,
    RpcResponse,
    RpcResult,
    SubscribeRequest,
    SubscribeResponse,
    SubscribeResult,
)
from cadenza.tokens.jwks import StaticKeySet
from cadenza.tokens.signer import Signer, SigningKey
from cadenza.tokens.verifier import Verifier

ISSUER, AUDIENCE = "http://127.0.0.1:54321/auth/v1", "authenticated"
RpcHandler = Callable[[RpcRequest], Awaitable[RpcResponse]]


def answer(data: object) -> RpcResponse:
    return RpcResponse(result=RpcResult(data=msgspec.Raw(msgspec.json.encode(data))))


class ScriptedBackend:
    """Answers as a test says: by method, and for subscriptions by channel."""

    def __init__(self) -> None:
        self.methods: dict[str, RpcHandler] = {}
        self.snapshots: dict[str, Callable[[], object]] = {}
        self.refusals: dict[str, SubscribeResponse] = {}
        self.calls: list[RpcRequest] = []
        self.subscribes: list[str] = []

    async def rpc(self, request: RpcRequest, _peer: Peer) -> RpcResponse:
        self.calls.append(request)
        handler = self.methods.get(request.method)
        if handler is None:
            return RpcResponse(error=Error(code=404, message="no such method here"))
        return await handler(request)

    async def subscribe(self, request: SubscribeRequest, _peer: Peer) -> SubscribeResponse:
        self.subscribes.append(request.channel)
        if request.channel in self.refusals:
            return self.refusals[request.channel]
        make = self.snapshots.get(request.channel)
        if make is None:
            return SubscribeResponse(result=SubscribeResult())
        return SubscribeResponse(result=SubscribeResult(data=msgspec.Raw(msgspec.json.encode(make()))))


class World:
    """A gateway on a free port, the key its tokens are signed with, and the script behind it."""

    def __init__(self) -> None:
        self.key = SigningKey.generate("ES256")
        self.backend = ScriptedBackend()
        self.gateway = self._gateway(0)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.gateway.port}/connection/websocket"

    def token(self, sub: str = "user-1", *, expires_in: float = 3600.0, key: SigningKey | None = None) -> str:
        now = time.time()
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": sub, "iat": int(now), "exp": int(now + expires_in)}
        return Signer(key or self.key).sign(claims)

    def publish(self, channel: str, data: object, *, seq: str = "") -> None:
        self.gateway.node.publish(channel, msgspec.json.encode(data), tags={"seq": seq} if seq else None)

    async def restart(self) -> None:
        """The gateway stops with 3001 and comes back on the same port, remembering nothing."""
        port = self.gateway.port
        await self.gateway.stop()
        self.gateway = self._gateway(port)
        await self.gateway.start()

    def _gateway(self, port: int) -> GatewayServer:
        config = GatewayConfig(
            port=port,
            allow_anonymous_connect_without_token=True,
            disallow_anonymous_connection_tokens=True,
            expired_close_delay_seconds=2.0,
            namespaces={
                "market": Namespace(
                    history_size=100, history_ttl_seconds=60, force_recovery=True, subscribe_proxy_enabled=True
                ),
                "short": Namespace(
                    history_size=2, history_ttl_seconds=60, force_recovery=True, subscribe_proxy_enabled=True
                ),
            },
        )
        verifier = Verifier(StaticKeySet([self.key.public_jwk()]), issuer=ISSUER, audience=AUDIENCE, clock=time.time)
        return GatewayServer(config, verifier=verifier, proxy=self.backend, clock=time.time)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.gateway.start()
    async with asyncio.timeout(60):
        yield world
    await world.gateway.stop()


@pytest.fixture
def say() -> Callable[[object], RpcResponse]:
    """A good RPC answer with this data."""
    return answer
