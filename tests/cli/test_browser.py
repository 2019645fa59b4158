"""``cadenza login`` opens a real Chromium, as it opens whatever browser a person has; it comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Error, Page, Playwright, async_playwright, expect
from tests.cli.people import Person

pytestmark = pytest.mark.browser

DEADLINE_SECONDS = 60
_QUIET = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run"


@pytest.fixture
def port() -> int:
    """Where the browser can be driven."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    return free


@pytest.fixture
def chromium(port: int, tmp_path: Path) -> str:
    """What ``BROWSER`` names."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return f"{found} {_QUIET} --remote-debugging-port={port} --user-data-dir={tmp_path / 'browser'}"
    pytest.fail("there is no Chromium; run: make setup")


async def _connected(playwright: Playwright, port: int) -> Browser:
    while True:  # until the deadline: it is being opened
        with contextlib.suppress(Error):
            return await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def _opened(port: int) -> AsyncIterator[Page]:
    """The page of the browser that the command opens; the browser is ended, which is its user's to do."""
    async with async_playwright() as playwright:
        browser = await _connected(playwright, port)
        try:
            yield browser.contexts[0].pages[0]
        finally:
            session = await browser.new_browser_cdp_session()
            with contextlib.suppress(Error):  # it is gone before it answers
                await session.send("Browser.close")


async def test_a_person_signs_in_in_the_browser_that_opens(person: Person, chromium: str, port: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        with person.at_terminal("login", "--provider", "test", environ={"BROWSER": chromium}) as terminal:
            await asyncio.to_thread(terminal.expect, "Your browser opens.")
            async with _opened(port) as page:
                await page.get_by_label("E-mail").fill(person.email)
                await page.get_by_role("button", name="Allow").click()
                await expect(page.get_by_role("heading")).to_have_text("You can close this page", timeout=20_000)
                assert "code=" not in page.url
                assert await asyncio.to_thread(terminal.end) == 0
            assert f"Signed in as {person.email};" in terminal.seen
    assert person.waiting == []
