"""A real Chromium on the SDK's two ways through a browser: OAuth at the test provider, and a link from the inbox."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, async_playwright, expect
from tests.peers.test_centrifuge_js import QUIET
from tests.support.loopback import use_free_ports

import cadenza
from cadenza.client import Client, MemorySessionStore
from cadenza.identity.config import IdentityConfig
from cadenza.schema.scalars import Venue
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

pytestmark = pytest.mark.browser
DEADLINE_SECONDS = 60


class WithTestProvider(EmbeddedStack):
    """The embedded stack with its test provider on."""

    def identity_config(self) -> IdentityConfig:
        return dataclasses.replace(super().identity_config(), test_provider=True)


@pytest.fixture(autouse=True)
def redirects(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Where a browser comes back to in this test."""
    return use_free_ports(monkeypatch)


@pytest_asyncio.fixture
async def signing_stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    settings = StackSettings(data_dir=tmp_path / "data", identity_port=0, gateway_port=0, backend_port=0)
    async with WithTestProvider(settings) as running:
        yield running


@pytest_asyncio.fixture
async def api(signing_stack: EmbeddedStack) -> AsyncIterator[Client]:
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        cadenza.connect(
            signing_stack.ws_url,
            supabase_url=signing_stack.supabase_url,
            session_store=MemorySessionStore(),
            environ={},
        ) as client,
    ):
        yield client


@pytest_asyncio.fixture
async def browser(chromium: str) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        try:
            yield await running.new_context()
        finally:
            await running.close()


async def test_oauth_goes_through_a_real_browser_and_back(
    api: Client, browser: BrowserContext, redirects: tuple[str, ...]
) -> None:
    page = await browser.new_page()

    async def opener(url: str) -> bool:
        await page.goto(url)
        await page.fill("[name=email]", "grace@example.com")
        await page.click("button[value=allow]")
        return True

    session = await api.auth.sign_in_with_provider("test", opener=opener)
    assert session.email == "grace@example.com"
    assert Venue.PAPER in await api.market.venues.list()
    await expect(page.locator("h1")).to_have_text("You can close this page")
    # The code is gone from the address bar, and so from the history.
    assert page.url == redirects[0].replace("/callback", "/done")


async def test_whoever_denies_in_the_browser_is_not_signed_in(api: Client, browser: BrowserContext) -> None:
    page = await browser.new_page()

    async def opener(url: str) -> bool:
        await page.goto(url)
        await page.click("button[value=deny]")
        return True

    with pytest.raises(cadenza.errors.IdentityError):
        await api.auth.sign_in_with_provider("test", opener=opener)
    await expect(page.locator("h1")).to_have_text("The sign-in was refused")
    assert api.auth.session is None


async def test_a_magic_link_is_followed_from_the_inbox(
    signing_stack: EmbeddedStack, api: Client, browser: BrowserContext
) -> None:
    signing_in = asyncio.create_task(api.auth.sign_in_with_magic_link("ada@example.com"))
    page = await browser.new_page()
    link = page.locator("article a").first
    while not await link.count():  # the page looks again by itself, but not so often
        await page.goto(f"{signing_stack.supabase_url}/inbox")
    await link.click()
    session = await signing_in
    assert session.email == "ada@example.com"
    await expect(page.locator("h1")).to_have_text("You can close this page")
    assert Venue.PAPER in await api.market.venues.list()


async def test_another_page_in_the_browser_cannot_end_the_sign_in(api: Client, browser: BrowserContext) -> None:
    """Images, frames and requests of a page that knows even the state; what it opens as a page has the wrong one."""
    async with await api.auth.start_provider_sign_in("test") as pending:
        callback = pending._flow.redirect_to + "&code=stolen"  # the attacker is given all there is
        page = await browser.new_page()
        await page.goto("about:blank")
        await page.evaluate(
            """async (url) => {
                const tried = [fetch(url, {mode: 'no-cors'}), fetch(url), fetch(url, {method: 'POST', mode: 'no-cors'})]
                for (const kind of ['img', 'iframe', 'script']) {
                    const element = document.createElement(kind)
                    tried.push(new Promise((done) => { element.onload = element.onerror = done }))
                    element.src = url
                    document.documentElement.append(element)
                }
                await Promise.allSettled(tried)
            }""",
            callback,
        )
        forged = await browser.new_page()
        await forged.goto(callback.replace("state=", "state=x"))
        await expect(forged.locator("h1")).to_have_text("This address belongs to another sign-in")
        with pytest.raises(cadenza.errors.DeadlineExceededError):
            await pending.wait(timeout_seconds=0.2)
