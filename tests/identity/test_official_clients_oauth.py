"""Unmodified supabase-auth (both kinds) and auth-js administer third-party applications."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from supabase_auth import (
    AsyncGoTrueClient,
    AsyncMemoryStorage,
    SyncGoTrueClient,
    SyncMemoryStorage,
)
from supabase_auth.errors import AuthApiError
from supabase_auth.types import CreateOAuthClientParams, UpdateOAuthClientParams

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.keys import load_key_ring

JS = Path(__file__).resolve().parent.parent / "js"
DEADLINE_SECONDS = 60
REDIRECT = "https://app.example.com/cb"


@pytest.fixture
async def server(config: IdentityConfig) -> AsyncIterator[IdentityServer]:
    async with IdentityServer(dataclasses.replace(config, port=0, oauth_server=True)) as server:
        yield server


def admin_token(server: IdentityServer) -> str:
    now = int(time.time())
    claims = {"iss": server.issuer, "aud": server.config.audience, "role": "service_role", "iat": now, "exp": now + 600}
    return load_key_ring(server.config, random_bytes=os.urandom).signer.sign(claims)


async def administer(url: str, token: str) -> None:
    """Everything supabase-auth's ``admin.oauth`` can do."""
    headers = {"Authorization": f"Bearer {token}"}
    client = AsyncGoTrueClient(url=url, headers=headers, auto_refresh_token=False, storage=AsyncMemoryStorage())
    async with asyncio.timeout(DEADLINE_SECONDS), client:
        oauth = client.admin.oauth
        made = (
            await oauth.create_client(CreateOAuthClientParams(client_name="Charts", redirect_uris=[REDIRECT]))
        ).client
        assert made is not None
        assert made.client_secret
        assert made.registration_type == "manual"
        assert made.client_type == "confidential"
        listed = await oauth.list_clients()
        assert made.client_id in [each.client_id for each in listed.clients]
        changed = (await oauth.update_client(made.client_id, UpdateOAuthClientParams(client_name="Graphs"))).client
        assert changed is not None
        assert changed.client_name == "Graphs"
        renewed = (await oauth.regenerate_client_secret(made.client_id)).client
        assert renewed is not None
        assert renewed.client_secret not in {None, made.client_secret}
        found = (await oauth.get_client(made.client_id)).client
        assert found is not None
        assert found.redirect_uris == [REDIRECT]
        assert found.client_secret is None
        await oauth.delete_client(made.client_id)
        with pytest.raises(AuthApiError) as gone:
            await oauth.get_client(made.client_id)
        assert (gone.value.status, str(gone.value.code)) == (404, "oauth_client_not_found")


async def test_the_asynchronous_client_administers_them(server: IdentityServer) -> None:
    await administer(server.url, admin_token(server))


async def test_the_synchronous_client_administers_them(server: IdentityServer) -> None:
    headers = {"Authorization": f"Bearer {admin_token(server)}"}

    def flow() -> None:
        with SyncGoTrueClient(
            url=server.url, headers=headers, auto_refresh_token=False, storage=SyncMemoryStorage()
        ) as client:
            oauth = client.admin.oauth
            made = oauth.create_client(CreateOAuthClientParams(client_name="Charts", redirect_uris=[REDIRECT])).client
            assert made is not None
            assert oauth.regenerate_client_secret(made.client_id).client
            assert [each.client_id for each in oauth.list_clients().clients] == [made.client_id]
            oauth.delete_client(made.client_id)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.to_thread(flow)


@pytest.mark.node
async def test_auth_js_administers_them(server: IdentityServer) -> None:
    node = shutil.which("node")
    assert node is not None, "node is not on PATH: install Node.js 20 or later"
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS / "oauth_clients_flow.mjs"),
        server.url,
        REDIRECT,
        cwd=JS,
        env={**os.environ, "ADMIN_TOKEN": admin_token(server)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    result: dict[str, Any] = json.loads(out)

    assert result["made"] == {"type": "public", "hasSecret": False, "error": None}
    assert result["confidential"] == {"type": "confidential", "hasSecret": True, "error": None}
    assert result["listed"] == ["Second", "First"]
    assert result["changed"] == "Renamed"
    assert result["publicSecret"] == "validation_failed"
    assert result["newSecret"] is True
    assert result["gone"] == "oauth_client_not_found"
