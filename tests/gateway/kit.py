"""The recording made usable: its configurations, its backend, a verifier for its tokens, and a gateway in memory.

Time stands still unless a test lets it pass, so a scenario of half a minute takes no time and no test sleeps.
"""

from __future__ import annotations

import asyncio
import base64
import heapq
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from cadenza.errors import TokenExpiredError, TokenFormatError, TokenInvalidError, TokenNotYetValidError, TransportError
from cadenza.gateway import GatewayConfig, Namespace
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
NOW = 1_795_422_804.5


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


class Gated:
    """A backend whose calls named ``slow`` wait until they are let go, in any order."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.served: list[str] = []
        self.cancelled: list[str] = []
        self.was_cancelled = asyncio.Event()

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    async def rpc(self, request: Any, peer: Any, /) -> RpcResponse:
        del peer
        try:
            if request.method.startswith("slow"):
                await self.gate(request.method).wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.method)
            self.was_cancelled.set()
            raise
        self.served.append(request.method)
        return RpcResponse(result=RpcResult(data=msgspec.Raw(json.dumps(request.method).encode())))

    async def subscribe(self, request: Any, peer: Any, /) -> SubscribeResponse:
        del peer
        await self.gate(request.channel).wait()
        return SubscribeResponse(result=SubscribeResult())


async def turns(gateway: Gateway, count: int = 10) -> None:
    """Let the event loop turn, so that what waits in it can go on."""
    for _ in range(count):
        await asyncio.sleep(0)
    gateway.time.settle()


def load_scenarios() -> dict[str, dict[str, Any]]:
    """Read the recording, by the scenarios' names."""
    lines = (DATA / "centrifugo-transcripts.jsonl").read_text().splitlines()
    return {scenario["name"]: scenario for scenario in map(json.loads, lines)}


def load_plans() -> dict[str, dict[str, Any]]:
    """Read how each scenario is replayed, or why it is not."""
    plans: dict[str, dict[str, Any]] = json.loads((DATA / "replay.json").read_text())
    return plans
