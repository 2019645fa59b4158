"""A provider with the hardest settings, a signed-in session in a data folder, and how often everything is tried."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.real import find_programs, run_postgres, run_supabase_auth

import cadenza
from cadenza.client import Client, SessionStore
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config.limits import PasswordHashing, RateLimits
from cadenza.tokens.signer import SigningKey

#: Of the proof; the ordinary tests make a tenth.
FULL, TENTH = 200, 20
#: Longer than any of it takes, by the racers' clocks too.
LIFETIME_SECONDS = 1_000_000
#: The gateway's program is not needed here.
PROGRAMS = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often: ``SOAK=full`` for all of them, as ``make soak`` does."""
    return FULL if os.environ.get("SOAK") == "full" else TENTH


@dataclass
class Ground:
    """A provider, and a folder whose session it gave."""

    url: str
    auth_path: str
    data_dir: Path
    user_id: str = ""

    def arguments(self) -> list[str]:
        """What a program needs to use the same session."""
        return [str(self.data_dir), self.url, self.auth_path]

    def connect(self, session_store: SessionStore | None = None) -> Client:
        """A client on the same session."""
        return cadenza.connect(
            "ws://127.0.0.1:9/connection/websocket",
            supabase_url=self.url,
            auth_path=self.auth_path,
            session_store=session_store,
            environ={"CADENZA_DATA_DIR": str(self.data_dir)},
        )


@asynccontextmanager
async def embedded(tmp_path: Path) -> AsyncIterator[str]:
    """Ours."""
    config = IdentityConfig(
        data_dir=tmp_path / "provider",
        port=0,
        path_prefixes=("",),
        access_token_lifetime_seconds=LIFETIME_SECONDS,
        refresh_token_reuse_interval_seconds=0,
        hashing=PasswordHashing(passes=1, memory_kib=1024, lanes=1),
        limits=RateLimits.off(),
    )
    async with IdentityServer(config) as server:
        yield server.url


@asynccontextmanager
async def real(tmp_path: Path) -> AsyncIterator[str]:
    """Supabase Auth itself."""
    assert not isinstance(PROGRAMS, str)
    with (
        run_postgres(PROGRAMS.postgres) as cluster,
        run_supabase_auth(
            PROGRAMS.supabase_auth,
            database_url=cluster.make_auth_database(),
            private_jwk=SigningKey.generate("ES256").private_jwk(),
            external_url="http://127.0.0.1:9/auth/v1",
            log=tmp_path / "supabase-auth.log",
            reuse_interval_seconds=0,
            further={"GOTRUE_JWT_EXP": str(LIFETIME_SECONDS)},
        ) as url,
    ):
        yield url


PROVIDERS = {"embedded": embedded, "real": real}


@pytest.fixture(
    params=[
        "embedded",
        pytest.param(
            "real", marks=[pytest.mark.real, pytest.mark.skipif(isinstance(PROGRAMS, str), reason=str(PROGRAMS))]
        ),
    ]
)
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    """Without a reuse interval: nothing is forgiven but the parent of the active token (E1)."""
    async with PROVIDERS[request.param](tmp_path) as url:
        ground = Ground(url, "", tmp_path / "data")
        async with ground.connect() as api:
            await api.auth.sign_up("ann@example.com", "correct horse 1")
            assert api.auth.session is not None
            ground.user_id = api.auth.session.user_id
        yield ground


class Program:
    """A program of this folder: a line in, a line out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, line: str) -> str:
        """Say a line, hear one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(60):
            return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def program(name: str, ground: Ground) -> AsyncIterator[Program]:
    """Start one; end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name(name)),
        *ground.arguments(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Program(process)
    finally:  # its children too: one may have been stopped
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.fixture
def start() -> object:
    """Starts a program."""
    return program
