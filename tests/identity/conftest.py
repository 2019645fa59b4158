"""What the identity tests share: a clock that is moved by hand, a cheap hash, and a provider in process.

Most tests speak to the ASGI application without a socket; the database is copied from one that was migrated once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cadenza.identity.config import IdentityConfig, MailConfig, PasswordHashing, RateLimits
from cadenza.identity.keys import load_key_ring
from cadenza.identity.parts import Parts, assemble
from cadenza.identity.store import Store
from cadenza.protocol.auth import Request, Session, requests, responses

CHEAP = PasswordHashing(passes=1, memory_kib=8, lanes=1)
NO_LIMITS = RateLimits.off()
PASSWORD = "correct horse 1"
DEADLINE_SECONDS = 20


class FakeClock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, now: float = 1_795_423_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclasses.dataclass(frozen=True)
class Provider:
    """A provider without a socket, and a client that speaks to it."""

    config: IdentityConfig
    parts: Parts
    clock: FakeClock
    http: httpx.AsyncClient

    async def send(self, request: Request, **headers: str) -> httpx.Response:
        """Send a request of ``protocol.auth`` to the bare path."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.http.request(
                request.method,
                request.path,
                params=dict(request.query),
                headers={**request.headers(), **headers},
                content=request.body,
            )

    async def signed_up(self, email: str = "ann@example.com", password: str = PASSWORD) -> Session:
        """Sign someone up, confirmed at once."""
        answer = await self.send(requests.sign_up(email, password))
        session = responses.parse_sign_up(answer.status_code, answer.headers, answer.content)
        assert isinstance(session, Session)
        return session

    async def signed_in(self, email: str = "ann@example.com", password: str = PASSWORD) -> Session:
        """Sign someone in."""
        answer = await self.send(requests.password_grant(email, password))
        return responses.parse_session(answer.status_code, answer.headers, answer.content)


@pytest.fixture(scope="session")
def migrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the first start leaves it."""
    config = IdentityConfig(data_dir=tmp_path_factory.mktemp("identity-template") / "data")
    load_key_ring(config, random_bytes=_zeros)

    async def make() -> None:
        store = Store(config.database_path)
        await store.open()
        await store.close()

    asyncio.run(make())
    return config.data_dir


def _zeros(length: int) -> bytes:
    return bytes(length)


@pytest.fixture
def data_dir(migrated_folder: Path, tmp_path: Path) -> Path:
    """A data folder of this test's own, migrated, with keys."""
    folder = tmp_path / "data"
    shutil.copytree(migrated_folder, folder)
    folder.chmod(0o700)
    return folder


@pytest.fixture
def config(data_dir: Path) -> IdentityConfig:
    """Settings that cost nothing and limit nothing."""
    return IdentityConfig(data_dir=data_dir, hashing=CHEAP, limits=NO_LIMITS, mail=MailConfig(answer_step_seconds=0))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


OpenProvider = Callable[..., contextlib.AbstractAsyncContextManager[Provider]]
MakeProvider = Callable[..., contextlib.AbstractAsyncContextManager[Provider]]


@contextlib.asynccontextmanager
async def _open_provider(
    config: IdentityConfig, clock: FakeClock | None = None, **further: Any
) -> AsyncIterator[Provider]:
    clock = clock or FakeClock()
    keys = load_key_ring(config, random_bytes=os.urandom, clock=clock)
    parts = assemble(config, keys=keys, clock=clock, monotonic=clock, random_bytes=os.urandom, **further)
    await parts.store.open()
    transport = httpx.ASGITransport(parts.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:54321") as http:
            yield Provider(config=config, parts=parts, clock=clock, http=http)
    finally:
        await parts.close()


@pytest.fixture(scope="session")
def open_provider() -> OpenProvider:
    """Opens a provider of any settings, as an async context manager."""
    return _open_provider


@pytest.fixture
def make_provider(config: IdentityConfig, clock: FakeClock) -> MakeProvider:
    """Opens a provider with some settings changed, as an async context manager."""

    def make(
        *, make_client: Callable[[], httpx.AsyncClient] | None = None, **changes: Any
    ) -> contextlib.AbstractAsyncContextManager[Provider]:
        return _open_provider(dataclasses.replace(config, **changes), clock, make_client=make_client)

    return make


@pytest.fixture
async def provider(make_provider: MakeProvider) -> AsyncIterator[Provider]:
    """A provider with the settings of ``config``."""
    async with make_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def exchanges() -> list[dict[str, Any]]:
    """The recorded exchanges, by line."""
    path = Path(__file__).resolve().parent.parent / "data" / "identity" / "supabase-auth-exchanges.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
