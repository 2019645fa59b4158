"""The Python examples run as a user would run them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.client.e2e.conftest import Place

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


async def run(name: str, place: Place, *, password: str | None = None) -> tuple[int | None, str]:
    email, right = place.stack.ready_user
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("CADENZA_", "SUPABASE_"))}
    environ |= {
        "SUPABASE_URL": place.stack.supabase_url,
        "CADENZA_WS_URL": place.stack.ws_url,
        "CADENZA_EMAIL": email,
        "CADENZA_PASSWORD": right if password is None else password,
        "PYTHONWARNINGS": "error",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize("name", ["quickstart.py", "mission_python.py"])
async def test_an_example_ends_well(place: Place, name: str) -> None:
    code, said = await run(name, place)
    assert code == 0, said


@pytest.mark.parametrize("name", ["quickstart.py", "mission_python.py"])
async def test_an_example_ends_badly_when_it_should(place: Place, name: str) -> None:
    code, said = await run(name, place, password="wrong password")
    assert code == 1
    assert "wrong password" not in said


async def test_every_python_example_is_run_here() -> None:
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == ["mission_python.py", "quickstart.py"]
