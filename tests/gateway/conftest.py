"""What the gateway's tests share: the recording, its configurations, a clock of our own, transports in memory."""

from __future__ import annotations

import asyncio
import base64
import heapq
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import uvloop

from cadenza.errors import TokenExpiredError, TokenFormatError, TokenInvalidError, TokenNotYetValidError, TransportError
from cadenza.gateway import GatewayConfig, GatewayServer, Namespace
from cadenza.gateway.broker import MemoryBroker
from cadenza.gateway.connection import Connection
from cadenza.gateway.eager import EagerRunner
from cadenza.gateway.node import Node
from cadenza.gateway.ports import ProxyCaller
from cadenza.protocol.codes import Termination
from cadenza.protocol.proxy import (
    Disconnect,
    Error,
    Peer,
    RpcRequest,
    RpcResponse,
    RpcResult,
    SubscribeRequest,
    SubscribeResponse,
    SubscribeResult,
)
from cadenza.tokens.claims import SubscriptionGrant

DATA = Path(__file__).resolve().parent.parent / "data" / "gateway"
SECRET = b"secret"
API_KEY = "api-key"
NOW = 1_795_422_804.5


ON_BOTH_LOOPS = frozenset({"test_sockets.py", "test_eager.py", "test_real_clients.py"})


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run what touches sockets and Tasks on uvloop, as in production, and on asyncio's own loop."""
    if item.path.name in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


class VirtualTime:
    """A clock and timers that move only when told to."""

    def __init__(self, epoch: float = NOW) -> None:
        self.epoch = epoch
        self.now = 0.0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._soon: list[Callable[[], object]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        return self.epoch + self.now

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> _Timer:
        timer = _Timer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_soon(self, callback: Callable[[], object]) -> None:
        self._soon.append(callback)

    def settle(self) -> None:
        """End the loop turn."""
        while self._soon:
            soon, self._soon = self._soon, []
            for callback in soon:
                callback()

    def advance_to(self, when: float) -> None:
        """Let time pass, timers and all."""
        self.settle()
        while self._timers and self._timers[0][0] <= when:
            at, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, at)
            if timer.callback is not None:
                timer.callback()
            self.settle()
        self.now = max(self.now, when)

    def advance(self, seconds: float) -> None:
        self.advance_to(self.now + seconds)

    @property
    def pending(self) -> int:
        """Timers that are still to come."""
        return sum(1 for _, _, timer in self._timers if timer.callback is not None)


class _Timer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class MemorySocket:
    """A client: its transport notes what the gateway sends, and when."""

    def __init__(self, node: Node, time: VirtualTime, peer: Peer) -> None:
        self._node = node
        self._time = time
        self.frames: list[bytes] = []
        self.lines: list[tuple[float, str]] = []
        self.closed: Termination | None = None
        self.closed_at = 0.0
        self.is_paused = False
        self.answers_pings = False
        self.connection: Connection = node.open(self, peer)

    # The gateway's side

    def send(self, data: bytes) -> None:
        assert self.closed is None, "nothing may follow a close frame"
        self.frames.append(data)
        self.lines += [(self._time.now, line) for line in data.decode().split("\n")]
        if self.answers_pings and data == b"{}":
            self._time.call_soon(lambda: self.put(b"{}"))

    def close(self, termination: Termination) -> None:
        assert self.closed is None
        self.closed, self.closed_at = termination, self._time.now

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    # The client's side

    def put(self, frame: str | bytes) -> None:
        """Send a frame."""
        if self.closed is None:
            self.connection.receive(frame.encode() if isinstance(frame, str) else frame)
            self.connection.flush()
            self._time.settle()

    def ask(self, frame: str) -> list[Any]:
        """Send a frame and take what comes back."""
        before = len(self.lines)
        self.put(frame)
        return [json.loads(line) for _, line in self.lines[before:]]

    def take(self) -> list[Any]:
        """Take everything that has come."""
        self._time.settle()
        lines, self.lines = self.lines, []
        return [json.loads(line) for _, line in lines]

    def leave(self) -> None:
        """Drop the socket."""
        self._node.forget(self.connection)


class RecordedToken(msgspec.Struct, frozen=True, kw_only=True):
    sub: str
    connection_expires_at: float | None
    meta: bytes
    info: bytes
    channels: tuple[str, ...]
    subs: dict[str, SubscriptionGrant]


class _Header(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    sub: str = ""
    exp: int | None = None
    nbf: int | None = None
    info: msgspec.Raw = msgspec.Raw(b"")
    meta: msgspec.Raw = msgspec.Raw(b"")
    channels: tuple[str, ...] = ()
    subs: dict[str, SubscriptionGrant] = {}


class RecordedVerifier:
    """Judges the recording's tokens: HS256 with the secret ``secret``, neither issuer nor audience.

    The real verifier demands a longer secret and both; ``test_auth_matrix.py`` runs it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def cached(self, token: str, /) -> None:
        del token

    async def verify(self, token: str, /) -> RecordedToken:
        try:
            head, body, signature = token.split(".")
            header = msgspec.json.decode(_unbase64(head), type=_Header)
            claims = msgspec.json.decode(_unbase64(body), type=_Claims)
        except ValueError as cause:
            raise TokenFormatError("not a token") from cause
        expected = hmac.digest(SECRET, f"{head}.{body}".encode(), "sha256")
        if header.alg != "HS256" or not hmac.compare_digest(expected, _unbase64(signature)):
            raise TokenInvalidError("signature")
        if claims.exp is not None and claims.exp <= self._clock():
            raise TokenExpiredError("exp")
        if claims.nbf is not None and claims.nbf > self._clock():
            raise TokenNotYetValidError("nbf")
        return RecordedToken(
            sub=claims.sub,
            connection_expires_at=claims.exp,
            meta=bytes(claims.meta),
            info=bytes(claims.info),
            channels=() if claims.subs else claims.channels,
            subs=claims.subs,
        )


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_token(**claims: object) -> str:
    """Sign claims as the recording's tokens were signed."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signing_input = f"{part({'typ': 'JWT', 'alg': 'HS256'})}.{part(claims)}"
    signature = hmac.digest(SECRET, signing_input.encode(), "sha256")
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class RecordedBackend:
    """The backend that stood behind the recorded gateway, as its answers show it."""

    def __init__(self) -> None:
        self.rpcs: list[tuple[RpcRequest, Peer]] = []
        self.subscribes: list[tuple[SubscribeRequest, Peer]] = []

    async def rpc(self, request: RpcRequest, peer: Peer, /) -> RpcResponse:
        self.rpcs.append((request, peer))
        match request.method:
            case "ok":
                asked = json.loads(bytes(request.data)) if request.data else None
                return RpcResponse(result=RpcResult(data=msgspec.Raw(json.dumps({"echo": asked}).encode())))
            case "err":
                return RpcResponse(error=Error(code=1042, message="custom message"))
            case "lowerr":
                return RpcResponse(error=Error(code=42, message="low code"))
            case "tmp":
                return RpcResponse(error=Error(code=1043, message="temp", temporary=True))
            case "http500" | "http404":
                raise TransportError("status")
            case "disc":
                return RpcResponse(disconnect=Disconnect(code=4500, reason="custom terminal"))
            case _:
                return RpcResponse(result=RpcResult())

    async def subscribe(self, request: SubscribeRequest, peer: Peer, /) -> SubscribeResponse:
        self.subscribes.append((request, peer))
        match request.channel.partition(":")[2]:
            case "deny":
                return SubscribeResponse(error=Error(code=1103, message="no way"))
            case "kick":
                return SubscribeResponse(disconnect=Disconnect(code=4501, reason="go away"))
            case "fail":
                raise TransportError("status")
            case _:
                info, data = msgspec.Raw(b'{"ci": 1}'), msgspec.Raw(b'{"sub": "data"}')
                return SubscribeResponse(result=SubscribeResult(info=info, data=data))


def _seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def recorded_config(letter: str, **changes: Any) -> GatewayConfig:
    """Turn a configuration of the recording into ours."""
    raw = json.loads((DATA / "centrifugo-config" / f"centrifugo-{letter}.json").read_text())
    client = raw["client"]
    settings: dict[str, Any] = {
        "port": 0,
        "api_key": raw["http_api"]["key"],
        "allowed_origins": tuple(client["allowed_origins"]),
        "allow_anonymous_connect_without_token": client.get("allow_anonymous_connect_without_token", False),
        "namespaces": {ns["name"]: _namespace(ns) for ns in raw["channel"]["namespaces"]},
        "rpc_enabled": bool(raw["rpc"]),
        "subscribe_to_user_personal_channel": bool(client.get("subscribe_to_user_personal_channel")),
        "connect_include_server_time": client.get("connect_include_server_time", False),
        "user_connection_limit": client.get("user_connection_limit", 0),
        "version": "0.0.0 OSS",
    }
    numbers = {"channel_limit": "client_channel_limit", "queue_max_size": "queue_max_size_bytes"}
    delays = ("ping_interval", "pong_timeout", "stale_close_delay", "expired_close_delay", "expired_sub_close_delay")
    settings |= {ours: client[theirs] for theirs, ours in numbers.items() if theirs in client}
    settings |= {f"{name}_seconds": _seconds(client[name]) for name in delays if name in client}
    return GatewayConfig(**settings | changes)


def _namespace(raw: Mapping[str, Any]) -> Namespace:
    known = {name: value for name, value in raw.items() if name in Namespace.__struct_fields__}
    if "history_ttl" in raw:
        known["history_ttl_seconds"] = _seconds(raw["history_ttl"])
    return Namespace(**known)


class Gateway:
    """A node in memory, on virtual time."""

    def __init__(self, config: GatewayConfig, proxy: ProxyCaller | None, epoch: float) -> None:
        self.time = VirtualTime(epoch)
        self.backend = proxy
        random = Random(1)  # noqa: S311 - not a secret
        self.node = Node(
            config,
            broker=MemoryBroker(clock=self.time.clock, choice=random.choice),
            verifier=RecordedVerifier(self.time.clock),
            proxy=proxy,
            runner=EagerRunner(asyncio.get_running_loop(), timeout_seconds=config.proxy_timeout_seconds),
            scheduler=self.time,
            call_soon=self.time.call_soon,
            clock=self.time.clock,
            random=random,
        )

    def open(self, address: str = "192.0.2.7") -> MemorySocket:
        """Open a client's socket."""
        return MemorySocket(self.node, self.time, Peer(address=address))

    def connect(self, user: str = "42", **claims: object) -> MemorySocket:
        """Open a socket and connect it with a token; ``user`` "" connects without one."""
        socket = self.open()
        token = make_token(sub=user, exp=int(self.time.clock()) + 3600, **claims) if user else ""
        (reply,) = socket.ask(json.dumps({"id": 1, "connect": {"token": token} if token else {}}))
        assert "connect" in reply, reply
        socket.take()
        return socket


@pytest.fixture
def data() -> Path:
    """The recording."""
    return DATA


@pytest.fixture(name="recorded_config")
def recorded_config_fixture() -> Callable[..., GatewayConfig]:
    """Make a configuration of the recording ours: ``recorded_config("A", port=0)``."""
    return recorded_config


@pytest.fixture(name="make_token")
def make_token_fixture() -> Callable[..., str]:
    """Sign claims."""
    return make_token


@pytest.fixture
def make_gateway() -> Callable[..., Awaitable[Gateway]]:
    """Make a gateway in memory: ``await make_gateway("A", proxy=None, epoch=..., **changes)``."""

    async def make(
        letter: str = "A", *, proxy: ProxyCaller | None = None, epoch: float = NOW, **changes: Any
    ) -> Gateway:
        return Gateway(recorded_config(letter, **changes), proxy, epoch)

    return make


@pytest.fixture
def backend() -> RecordedBackend:
    """The recorded backend."""
    return RecordedBackend()


@pytest.fixture
async def start_server(backend: RecordedBackend) -> AsyncIterator[Callable[..., Awaitable[GatewayServer]]]:
    """Start servers on real sockets: ``await start_server("A", epoch=..., **changes)``; all are stopped at the end."""
    servers: list[GatewayServer] = []

    async def start(
        letter: str = "A",
        *,
        proxy: ProxyCaller | None = backend,
        clock: Callable[[], float] = lambda: NOW,
        **changes: Any,
    ) -> GatewayServer:
        server = GatewayServer(
            recorded_config(letter, **{"close_timeout_seconds": 0.2, **changes}),
            verifier=RecordedVerifier(clock),
            proxy=proxy,
            clock=clock,
        )
        await server.start()
        servers.append(server)
        return server

    yield start
    async with asyncio.timeout(20):
        for server in servers:
            await server.stop()
