"""What several of the client's tests need: time moved by hand, sessions, and a fake of the connection port."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

import pytest

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.ports import (
    Cause,
    ChannelSink,
    ConnectFailedError,
    ConnectionListener,
    Opened,
    Plane,
    TokenRenewal,
)
from cadenza.client.timing import Timing


class ManualTime:
    """Time that stands still until a test moves it. Chance always takes the upper end."""

    def __init__(self, epoch: float = 1_800_000_000.0) -> None:
        self._epoch = epoch
        self.now = 0.0
        self.sleeps: list[float] = []
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self.timing = Timing(
            clock=lambda: self._epoch + self.now,
            monotonic=lambda: self.now,
            sleep=self._sleep,
            uniform=lambda _low, high: high,
        )

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now + max(seconds, 0.0), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, waking each sleeper at its own moment and letting it run."""
        end = self.now + seconds
        await self.settle()
        while self._sleeping and self._sleeping[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleeping)
            self.now = max(self.now, at)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self.now = end

    async def settle(self) -> None:
        """Let every task that can run, run."""
        for _ in range(25):
            await asyncio.sleep(0)

    def jump_wall_clock(self, seconds: float) -> None:
        """Set the machine's clock; the monotonic one does not notice."""
        self._epoch += seconds


class FakeChannel:
    """Stands for one channel of a transport: the test plays the gateway on ``sink``."""

    def __init__(self, name: str, sink: ChannelSink) -> None:
        self.name = name
        self.sink = sink
        self.calls: list[str] = []

    async def start(self) -> None:
        self.calls.append("start")

    async def restart(self) -> None:
        self.calls.append("restart")

    async def stop(self) -> None:
        self.calls.append("stop")


class FakeConnection:
    """Stands for the transport: each attempt is answered with what the test lined up, else it succeeds."""

    def __init__(self, listener: ConnectionListener, renewal: TokenRenewal | None) -> None:
        self.listener = listener
        self.renewal = renewal
        self.tokens: list[str] = []
        self.answers: list[Cause] = []
        self.channels: dict[str, FakeChannel] = {}
        self.closed = False
        self.replies: list[object | Exception] = []
        self.calls: list[tuple[str, object]] = []
        self.deadlines: list[float] = []
        self.gate: Callable[[], Awaitable[None]] | None = None

    async def open(self, token: str) -> Opened:
        self.tokens.append(token)
        if self.gate is not None:
            await self.gate()
        if self.answers:
            raise ConnectFailedError(self.answers.pop(0))
        return Opened(client=f"client-{len(self.tokens)}", version="fake")

    async def close(self) -> None:
        self.closed = True

    async def call(self, method: str, data: object, deadline_seconds: float) -> object:
        self.calls.append((method, data))
        self.deadlines.append(deadline_seconds)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def channel(self, name: str, sink: ChannelSink) -> FakeChannel:
        self.channels[name] = FakeChannel(name, sink)
        return self.channels[name]

    def drop(self, code: int, reason: str = "", plane: Plane = Plane.DISCONNECT) -> None:
        self.listener.dropped(Cause(plane=plane, code=code, reason=reason))


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def make_session() -> Callable[..., Session]:
    """Sessions of one user, told apart by a number."""

    def make(number: int = 1, *, expires_in: float = 3600.0, user_id: str = "user-1", now: float = 0.0) -> Session:
        return Session(
            access_token=f"access-{number}",
            refresh_token=f"refresh-{number}",
            expires_in=expires_in,
            expires_at=1_800_000_000.0 + now + expires_in,
            user_id=user_id,
            email="ann@example.com",
        )

    return make


@pytest.fixture
def make_stored(make_session: Callable[..., Session]) -> Callable[..., StoredSession]:
    def make(number: int = 1, **options: object) -> StoredSession:
        return StoredSession(
            ws_url="ws://127.0.0.1:8000/connection/websocket",
            supabase_url="http://127.0.0.1:54321",
            session=make_session(number, **options),
        )

    return make


@pytest.fixture(scope="session")
def manual_time() -> type[ManualTime]:
    """Time moved by hand, for those who make it themselves."""
    return ManualTime


@pytest.fixture(scope="session")
def fake_connection() -> type[FakeConnection]:
    """The fake transport, for those who make one themselves."""
    return FakeConnection
