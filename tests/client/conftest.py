"""What several of the client's tests need: time moved by hand, sessions, and a fake of the connection port."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

import pytest

from cadenza.client.auth.session import Session, StoredSession
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
