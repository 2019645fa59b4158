"""The whole embedded stack: real provider, real gateway, real backend. Its clock can be moved ahead."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

import cadenza
from cadenza.client import Client, LifecycleEvent, MemorySessionStore, Session, SessionStore
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

E = TypeVar("E", bound=LifecycleEvent)


class Recorder:
    """Takes lifecycle events as a handler does, and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[LifecycleEvent] = []
        self._more = asyncio.Event()

    def __call__(self, event: LifecycleEvent) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait(self, kind: type[E], count: int = 1) -> E:
        """The count-th event of a kind, when it comes."""
        async with asyncio.timeout(20):
            while len(self.of(kind)) < count:
                self._more.clear()
                await self._more.wait()
        return self.of(kind)[count - 1]


@dataclass
class Place:
    """A running stack and what a test needs to reach it."""

    stack: EmbeddedStack
    ahead: list[float] = field(default_factory=lambda: [0.0])

    def advance_clock(self, seconds: float) -> None:
        """Move the stack's clock ahead: the provider, the gateway and the backend agree, the client's stays."""
        self.ahead[0] += seconds

    def connect(self, *, store: SessionStore | None = None, recorder: Recorder | None = None) -> Client:
        seen = recorder if recorder is not None else Recorder()
        return cadenza.connect(
            self.stack.ws_url,
            supabase_url=self.stack.supabase_url,
            session_store=store if store is not None else MemorySessionStore(),
            on_connecting=seen,
            on_connected=seen,
            on_disconnected=seen,
            on_error=seen,
            environ={},
        )

    async def new_user(self) -> tuple[str, str]:
        email, password = f"user-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(12)
        await self.stack.identity.ensure_user(email, password)
        return email, password


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder: Path = tmp_path_factory.mktemp("stack")
    ahead = [0.0]
    settings = StackSettings(
        data_dir=folder / "data", identity_port=0, gateway_port=0, backend_port=0, book_updates_per_second=50
    )
    async with EmbeddedStack(settings, clock=lambda: time.time() + ahead[0]) as stack:
        yield Place(stack, ahead)


@pytest.fixture
def recorder() -> Recorder:
    """What the client under test reports."""
    return Recorder()


@pytest_asyncio.fixture(loop_scope="module")
async def api(place: Place, recorder: Recorder) -> AsyncIterator[Client]:
    async with asyncio.timeout(60), place.connect(recorder=recorder) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account(place: Place) -> tuple[str, str]:
    return await place.new_user()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_session(place: Place, account: tuple[str, str]) -> Session:
    """For tests that only look: signing in anew costs a password check each."""
    async with place.connect() as api:
        return await api.auth.sign_in_with_password(*account)


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in(api: Client, shared_session: Session) -> None:
    await api.auth.use_session(shared_session)


@pytest_asyncio.fixture(loop_scope="module")
async def user(api: Client, account: tuple[str, str]) -> Session:
    """A session of this test's own, that it may refresh, end or break."""
    return await api.auth.sign_in_with_password(*account)
