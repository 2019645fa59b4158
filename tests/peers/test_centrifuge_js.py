from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from tests.support.pages import Pages

from cadenza.stack.embedded import EmbeddedStack

ROOT = Path(__file__).resolve().parents[2]
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DEADLINE_SECONDS = 30
#: Without these Chromium looks up hosts of its own at every start.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


async def run_mission(node: str, stack: EmbeddedStack, folder: Path, node_modules: Path, *options: str) -> str:
    """Run the example in a folder that has its packages, as its reader would."""
    shutil.copytree(ROOT / "examples" / "mission_js", folder)
    (folder / "node_modules").symlink_to(node_modules)
    email, password = stack.ready_user
    environment = {
        "PATH": os.environ["PATH"],
        "SUPABASE_URL": stack.supabase_url,
        "CADENZA_WS_URL": stack.ws_url,
        "CADENZA_EMAIL": email,
        "CADENZA_PASSWORD": password,
    }
    process = await asyncio.create_subprocess_exec(
        node,
        *options,
        "mission.mjs",
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.node
async def test_the_missions_snippet_runs_under_node(
    node: str, stack: EmbeddedStack, tmp_path: Path, node_modules: Path
) -> None:
    output = await run_mission(node, stack, tmp_path / "mission", node_modules, "--import", "./websocket.mjs")
    assert re.search(rf"^connected {UUID}$", output, re.MULTILINE)
    assert re.search(r"^tickers .*BTC/USDT", output, re.MULTILINE)
    assert re.search(r"^event market:ticker:PAPER:BTC/USDT [0-9.]+ offset [1-9]", output, re.MULTILINE)
    assert re.search(r"^disconnected 0 disconnect called$", output, re.MULTILINE)
    assert stack.ready_user[1] not in output


@pytest.mark.node
async def test_a_token_signed_by_another_ends_with_3500(
    node: str, stack: EmbeddedStack, tmp_path: Path, node_modules: Path
) -> None:
    script = tmp_path / "refused.mjs"
    (tmp_path / "node_modules").symlink_to(node_modules)
    script.write_text(
        "import { WebSocket } from 'ws'; globalThis.WebSocket ??= WebSocket\n"
        "import { Centrifuge } from 'centrifuge'\n"
        "const client = new Centrifuge(process.env.WS_URL, { token: 'eyJhbGciOiJub25lIn0.e30.' })\n"
        "client.on('disconnected', ({ code, reason }) => console.log('disconnected', code, reason))\n"
        "client.connect()\n"
    )
    process = await asyncio.create_subprocess_exec(
        node,
        script,
        env={"PATH": os.environ["PATH"], "WS_URL": stack.ws_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        output, _ = await process.communicate()
    assert output.decode().strip() == "disconnected 3500 invalid token"


@pytest.mark.browser
async def test_the_missions_snippet_runs_in_a_browser(stack: EmbeddedStack, pages: Pages, chromium: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        try:
            page = await browser.new_page()
            await sign_in_and_watch(page, stack, pages)
        finally:
            await browser.close()


async def sign_in_and_watch(page: Page, stack: EmbeddedStack, pages: Pages) -> None:
    await page.goto(f"{pages.origin}/?supabase={stack.supabase_url}&ws={stack.ws_url}")
    await page.fill("[name=email]", stack.ready_user[0])
    await page.fill("[name=password]", stack.ready_user[1])
    await page.click("button")
    log = page.locator("[data-log]")
    await expect(log).to_contain_text(re.compile(rf"connected {UUID}"))
    await expect(log).to_contain_text("subscribed, recoverable: true")
    price = page.locator("[data-price]")
    await expect(price).to_have_text(re.compile(r"^[0-9]+\.[0-9]+$"))
    first = await price.text_content()
    await expect(price).not_to_have_text(first or "", timeout=15_000)
