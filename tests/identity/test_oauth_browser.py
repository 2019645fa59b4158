"""The whole flow in a real Chromium, offline: an unmodified auth-js in a page, our provider, its test provider."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.support.pages import Pages

from cadenza.identity import IdentityConfig, IdentityServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

JS = Path(__file__).resolve().parent.parent / "js"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MODULES = JS / "node_modules" / "@supabase" / "auth-js" / "dist" / "module"


@pytest.fixture
def pages() -> Iterator[Pages]:
    """A page with an unmodified auth-js, whose modules are served by the names they import one another by."""
    if not MODULES.is_dir():
        pytest.fail("auth-js is not installed: run `make setup`")
    modules = {f"/auth-js/{file.relative_to(MODULES).with_suffix('')}": file for file in MODULES.rglob("*.js")}
    tslib = JS / "node_modules" / "tslib" / "tslib.es6.js"
    with Pages({"/": JS / "oauth.html", "/tslib.js": tslib, **modules}) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def server(config: IdentityConfig) -> AsyncIterator[IdentityServer]:
    async with IdentityServer(dataclasses.replace(config, port=0, test_provider=True)) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all: who comes next has a context of their own."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            break
    else:
        pytest.fail("there is no Chromium; run: make setup")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


async def opened(browser: Browser, pages: Pages, server: IdentityServer, *, flow: str = "pkce") -> Page:
    """The application's page in a browser of its own."""
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(20_000)
    await page.goto(f"{pages.origin}/?url={server.url}&flow={flow}")
    await is_ready(page)
    return page


async def is_ready(page: Page) -> None:
    await expect(page.locator("body")).to_have_attribute("data-ready", "yes", timeout=20_000)


async def begin(page: Page, pages: Pages, *, verb: str = "signInWithOAuth") -> None:
    """Click what an application has a button for, and arrive at the test provider."""
    await page.evaluate(
        f"to => window.client.{verb}({{ provider: 'test', options: {{ redirectTo: to }} }})", f"{pages.origin}/"
    )
    await expect(page.get_by_role("heading")).to_have_text("Who do you want to be?", timeout=20_000)


async def allow(page: Page, email: str = "ann@example.com") -> None:
    await page.get_by_label("Name").fill("Ann")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Allow").click()


async def test_somebody_signs_in_and_the_address_bar_keeps_no_code(
    browser: Browser, pages: Pages, server: IdentityServer
) -> None:
    page = await opened(browser, pages, server)
    await begin(page, pages)
    await allow(page)
    await is_ready(page)

    await expect(page.locator("body")).to_have_attribute("data-email", "ann@example.com")
    assert "code=" not in page.url
    assert await page.context.cookies() == []


async def test_the_implicit_flow_works_too(browser: Browser, pages: Pages, server: IdentityServer) -> None:
    page = await opened(browser, pages, server, flow="implicit")
    await begin(page, pages)
    await page.get_by_label("E-mail").press("Enter")  # which is to allow
    await is_ready(page)

    await expect(page.locator("body")).to_have_attribute("data-email", "ann@example.com")
    assert "access_token" not in page.url


async def test_whoever_denies_is_told_so_and_not_signed_in(
    browser: Browser, pages: Pages, server: IdentityServer
) -> None:
    page = await opened(browser, pages, server)
    await begin(page, pages)
    await page.get_by_role("button", name="Deny").click()
    await is_ready(page)

    await expect(page.locator("body")).to_have_attribute("data-email", "")
    await expect(page.locator("body")).to_have_attribute("data-error", "The user denied it")


async def test_csrf_a_link_that_somebody_else_began_signs_nobody_in(
    browser: Browser, pages: Pages, server: IdentityServer
) -> None:
    attacker = await opened(browser, pages, server, flow="implicit")
    await begin(attacker, pages)
    victim = await opened(browser, pages, server, flow="implicit")

    await victim.goto(attacker.url)
    await allow(victim, "mallory@example.com")
    await is_ready(victim)

    await expect(victim.locator("body")).to_have_attribute("data-email", "")
    await expect(victim.locator("body")).to_have_attribute("data-error", "OAuth state belongs to another browser")


async def test_a_way_in_is_added_and_removed_in_the_page(
    browser: Browser, pages: Pages, server: IdentityServer
) -> None:
    page = await opened(browser, pages, server)
    await page.evaluate("() => window.client.signUp({ email: 'bob@example.com', password: 'correct horse 1' })")
    await begin(page, pages, verb="linkIdentity")
    await allow(page, "bob@work.example")
    await is_ready(page)

    ways_in = "async () => (await window.client.getUserIdentities()).data.identities.map(each => each.provider)"
    assert await page.evaluate(ways_in) == ["email", "test"]
    await page.evaluate(
        "async () => window.client.unlinkIdentity("
        "(await window.client.getUserIdentities()).data.identities.find(each => each.provider === 'test'))"
    )
    assert await page.evaluate(ways_in) == ["email"]
