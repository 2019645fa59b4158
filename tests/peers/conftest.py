"""A whole embedded stack for unmodified official clients, and where the JavaScript ones are."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.pages import Pages

from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def node_modules() -> Path:
    """The installed JavaScript peers."""
    found = ROOT / "tests" / "js" / "node_modules"
    if not (found / "centrifuge").is_dir():
        pytest.fail("the JavaScript peers are not installed; run: make setup")
    return found


@pytest.fixture
def node() -> str:
    """Node.js, the locked one when the tests run by ``make test``."""
    found = shutil.which("node")
    if found is None:
        pytest.fail("node is not on PATH; run the tests by: make test")
    return found


@pytest.fixture
def chromium() -> str:
    """The system's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.fail("there is no Chromium; run: make setup")


@pytest.fixture
def pages(node_modules: Path) -> Iterator[Pages]:
    """A web server with the browser example beside an unmodified centrifuge-js."""
    with Pages(
        {
            "/": ROOT / "examples" / "mission_browser" / "index.html",
            "/centrifuge.js": node_modules / "centrifuge" / "dist" / "centrifuge.js",
        }
    ) as served:
        yield served


@pytest_asyncio.fixture
async def stack(tmp_path: Path, pages: Pages) -> AsyncIterator[EmbeddedStack]:
    """A running stack that lets the example's page in."""
    settings = StackSettings(
        data_dir=tmp_path / "data", identity_port=0, gateway_port=0, backend_port=0, allowed_origins=(pages.origin,)
    )
    async with EmbeddedStack(settings) as running:
        yield running
