"""An unmodified auth-js signs up, in, refreshes and out, from Node."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cadenza.identity import IdentityConfig, IdentityServer

pytestmark = pytest.mark.node

JS = Path(__file__).resolve().parent.parent / "js"
PASSWORD = "correct horse 1"


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.fail("node is not on PATH: install Node.js 20 or later")
    if not (JS / "node_modules" / "@supabase" / "auth-js").is_dir():
        pytest.fail("auth-js is not installed: run `make setup`")
    return found


async def run(node: str, script: str, *arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS / script),
        *arguments,
        cwd=JS,
        env={**os.environ, "PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    result: dict[str, Any] = json.loads(out)
    return result


async def test_auth_js_signs_up_in_refreshes_and_out(node: str, config: IdentityConfig) -> None:
    async with IdentityServer(dataclasses.replace(config, port=0)) as server:
        result = await run(node, "auth_flow.mjs", server.url, "ann@example.com")

    user = result["signUp"]["userId"]
    assert user
    for step in ("signUp", "signIn", "getUser", "update", "refresh"):
        assert result[step]["error"] is None, step
        assert (result[step]["userId"], result[step]["email"]) == (user, "ann@example.com")
    assert result["signUpAgain"]["error"]["code"] == "user_already_exists"
    assert result["weakPassword"]["error"]["name"] == "AuthWeakPasswordError"
    assert result["weakPassword"]["error"]["reasons"] == ["length"]
    assert result["wrongPassword"]["error"]["code"] == "invalid_credentials"
    assert result["claims"]["sub"] == user
    assert result["claims"]["meta"]["session_id"] == result["claims"]["session_id"]
    assert result["refresh"]["refreshToken"] != result["signIn"]["refreshToken"]
    assert result["signOut"]["error"] is None
    assert result["refreshAfterSignOut"]["error"]["code"] == "refresh_token_not_found"
    assert result["getUserAfterSignOut"]["error"]["name"] == "AuthSessionMissingError"
