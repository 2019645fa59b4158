"""The page about keeping sessions is held to be true: each of its pieces runs, in order, against the embedded stack."""

from __future__ import annotations

import ast
import asyncio
import re
import types
from pathlib import Path

import pytest

import cadenza
from cadenza.client.auth.stores.ports import OTHER_PLACES
from cadenza.client.settings import KNOWN_VARIABLES, StoreKind
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "keep-sessions.md"


async def test_every_piece_runs_and_says_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = StackSettings(data_dir=tmp_path / "stack", identity_port=0, gateway_port=0, backend_port=0)
    printed: list[str] = []
    async with asyncio.timeout(60), EmbeddedStack(settings) as stack:
        monkeypatch.setenv("CADENZA_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("CADENZA_WS_URL", stack.ws_url)
        monkeypatch.setenv("SUPABASE_URL", stack.supabase_url)
        email, password = stack.ready_user
        names: dict[str, object] = {"cadenza": cadenza, "email": email, "password": password}
        names["print"] = lambda *words: printed.append(" ".join(map(str, words)))
        for piece in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
            code = compile(piece, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            running = types.FunctionType(code, names)()
            if running is not None:
                await running
    assert printed[:2] == [str(tmp_path / "data" / "session.json"), "['default', 'uat']"]
    assert printed[2].startswith("signed in some time before the access token runs out ")


def test_the_page_names_every_place_and_its_variables() -> None:
    page = PAGE.read_text()
    for kind in StoreKind:
        assert f"| `{kind}`" in page
    for name in KNOWN_VARIABLES:
        if "SESSION" in name or "TOKEN" in name or name == "CADENZA_PROFILE":
            assert name in page
    for name in re.findall(r"CADENZA_[A-Z_]+", OTHER_PLACES):
        assert name in page
