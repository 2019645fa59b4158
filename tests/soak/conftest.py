"""A provider with the hardest settings, a signed-in session in a data folder, and how often everything is tried."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import cadenza
from cadenza.client import Client
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config.limits import PasswordHashing, RateLimits

#: Of the proof; the ordinary tests make a tenth.
FULL, TENTH = 200, 20


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often: ``SOAK=full`` for all of them, as ``make soak`` does."""
    return FULL if os.environ.get("SOAK") == "full" else TENTH


@dataclass
class Ground:
    """A provider, and a folder whose session it gave."""

    server: IdentityServer
    data_dir: Path
    user_id: str = ""

    def arguments(self) -> list[str]:
        """What a program needs to use the same session."""
        return [str(self.data_dir), self.server.url.removesuffix("/auth/v1")]

    def connect(self) -> Client:
        """A client on the same session."""
        return cadenza.connect(
            "ws://127.0.0.1:9/connection/websocket",
            supabase_url=self.server.url.removesuffix("/auth/v1"),
            environ={"CADENZA_DATA_DIR": str(self.data_dir)},
        )


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """Without a reuse interval: nothing is forgiven but the parent of the active token (E1)."""
    config = IdentityConfig(
        data_dir=tmp_path / "provider",
        port=0,
        access_token_lifetime_seconds=1_000_000,
        refresh_token_reuse_interval_seconds=0,
        hashing=PasswordHashing(passes=1, memory_kib=1024, lanes=1),
        limits=RateLimits.off(),
    )
    async with IdentityServer(config) as server:
        await server.ensure_user("ann@example.com", "correct horse 1")
        ground = Ground(server, tmp_path / "data")
        async with ground.connect() as api:
            ground.user_id = (await api.auth.sign_in_with_password("ann@example.com", "correct horse 1")).user_id
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
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def start() -> object:
    """Starts a program."""
    return program
