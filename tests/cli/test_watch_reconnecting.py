"""The foot of a live view while the connection is lost and comes back, over the whole stack in this process."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import cadenza
from cadenza.cli.watching import Wish, follow
from cadenza.protocol.codes import Termination
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

_EMAIL, _PASSWORD = "ann@example.com", "correct horse 1"


class _Terminal(io.StringIO):
    """A terminal that lets a test wait for what it shows."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._more.set()
        return super().write(text)

    async def until(self, pattern: str) -> re.Match[str]:
        while (found := re.search(pattern, self.getvalue())) is None:
            self._more.clear()
            await self._more.wait()
        return found


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    settings = StackSettings(data_dir=tmp_path / "data", identity_port=0, gateway_port=0, backend_port=0)
    async with asyncio.timeout(60), EmbeddedStack(settings) as running:
        await running.identity.ensure_user(_EMAIL, _PASSWORD)
        yield running


@pytest.fixture
async def user_id(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch, stack: EmbeddedStack, tmp_path: Path
) -> str:
    """Somebody whose session the commands of this test find."""
    for name, value in {
        "CADENZA_DATA_DIR": str(tmp_path / "mine"),
        "CADENZA_WS_URL": stack.ws_url,
        "SUPABASE_URL": stack.supabase_url,
        "TERM": "xterm",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    async with cadenza.connect() as api:
        return (await api.auth.sign_in_with_password(_EMAIL, _PASSWORD)).user_id


@contextlib.asynccontextmanager
async def _watching(channel: str) -> AsyncIterator[_Terminal]:
    terminal = _Terminal()
    wish = Wish(channel=channel, count=None, seconds=None, depth=None, lines=False, timeout=10)
    with contextlib.redirect_stdout(terminal):
        assert sys.stdout is terminal
        watching = asyncio.create_task(follow(wish, as_json=False))
        try:
            await terminal.until("● connected")
            yield terminal
        finally:
            watching.cancel()
            await asyncio.wait({watching})
    assert watching.cancelled(), watching.exception()


async def test_a_connection_that_comes_back_with_everything_says_so(stack: EmbeddedStack, user_id: str) -> None:
    async with _watching("market:trade:PAPER:BTC/USDT") as terminal:
        stack.gateway.node.disconnect(user_id, Termination(code=3011, reason="force reconnect"))
        await terminal.until(r"● connected again at \d\d:\d\d:\d\d, nothing missed")
    assert "missing" not in terminal.getvalue()


async def test_a_gateway_that_has_gone_is_said_to_be_gone(stack: EmbeddedStack, user_id: str) -> None:
    async with _watching("market:trade:PAPER:BTC/USDT") as terminal:
        await stack.gateway.stop()
        await terminal.until("○ connection lost: shutdown; reconnecting, attempt 2")
    last = terminal.getvalue().rpartition("\x1b[?1049l\x1b[?25h")[2]
    assert "connection lost" in last
