"""An unmodified supabase-auth (Python), asynchronous and synchronous, signs up, in, refreshes and out."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
from supabase_auth import AsyncGoTrueClient, AsyncMemoryStorage, SyncGoTrueClient, SyncMemoryStorage
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from cadenza.identity import IdentityConfig, IdentityServer

PASSWORD = "correct horse 1"


@pytest.fixture
async def server(config: IdentityConfig) -> AsyncIterator[IdentityServer]:
    async with IdentityServer(dataclasses.replace(config, port=0)) as server:
        yield server


async def test_the_asynchronous_client_signs_up_in_refreshes_and_out(server: IdentityServer) -> None:
    client = AsyncGoTrueClient(url=server.url, auto_refresh_token=False, storage=AsyncMemoryStorage())
    async with asyncio.timeout(30), client:
        signed_up = await client.sign_up(
            {"email": "ann@example.com", "password": PASSWORD, "options": {"data": {"name": "Ann"}}}
        )
        assert signed_up.user is not None
        assert signed_up.session is not None
        assert signed_up.user.user_metadata["name"] == "Ann"
        signed_in = await client.sign_in_with_password({"email": "ann@example.com", "password": PASSWORD})
        assert signed_in.session is not None
        fetched = await client.get_user()
        assert fetched is not None
        assert fetched.user.id == signed_up.user.id
        refreshed = await client.refresh_session()
        assert refreshed.session is not None
        assert refreshed.session.refresh_token != signed_in.session.refresh_token
        claims = await client.get_claims()
        assert claims is not None
        assert claims["claims"].get("sub") == signed_up.user.id
        updated = await client.update_user({"data": {"name": "Anna"}})
        assert updated.user.user_metadata["name"] == "Anna"
        await client.sign_out({"scope": "local"})
        with pytest.raises(AuthApiError) as caught:
            await client.refresh_session(refreshed.session.refresh_token)
        assert str(caught.value.code) == "refresh_token_not_found"


async def test_its_errors_are_typed_as_with_the_real_service(server: IdentityServer) -> None:
    client = AsyncGoTrueClient(url=server.url, auto_refresh_token=False, storage=AsyncMemoryStorage())
    async with asyncio.timeout(30), client:
        with pytest.raises(AuthWeakPasswordError) as weak:
            await client.sign_up({"email": "ann@example.com", "password": "abc"})
        assert weak.value.reasons == ["length"]
        with pytest.raises(AuthApiError) as wrong:
            await client.sign_in_with_password({"email": "ann@example.com", "password": PASSWORD})
        assert (wrong.value.status, wrong.value.code) == (400, "invalid_credentials")


async def test_the_synchronous_client_signs_up_in_refreshes_and_out(server: IdentityServer) -> None:
    def flow() -> None:
        with SyncGoTrueClient(url=server.url, auto_refresh_token=False, storage=SyncMemoryStorage()) as client:
            assert client.sign_up({"email": "ann@example.com", "password": PASSWORD}).session
            assert client.sign_in_with_password({"email": "ann@example.com", "password": PASSWORD}).session
            refreshed = client.refresh_session()
            assert refreshed.session
            assert client.get_user() is not None
            client.sign_out()
            with pytest.raises(AuthApiError) as caught:
                client.refresh_session(refreshed.session.refresh_token)
            assert str(caught.value.code) == "refresh_token_not_found"

    async with asyncio.timeout(30):
        await asyncio.to_thread(flow)
