"""Profiles, the environment's session and the session's state, with the whole embedded stack."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import cadenza
from cadenza.client import AuthPhase, MemorySessionStore, Profiles, Why
from cadenza.errors import SignInRequiredError

if TYPE_CHECKING:
    from tests.client.e2e.conftest import Place

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_profile_has_its_own_user_and_remembers_where_it_belongs(place: Place, tmp_path: Path) -> None:
    environ = {"CADENZA_DATA_DIR": str(tmp_path)}
    ws_url, supabase_url = place.stack.ws_url, place.stack.supabase_url
    first, second = await place.new_user(), await place.new_user()
    async with asyncio.timeout(30):
        async with cadenza.connect(ws_url, supabase_url=supabase_url, environ=environ, anon_key="anon") as api:
            await api.auth.sign_in_with_password(*first)
        async with cadenza.connect(ws_url, supabase_url=supabase_url, profile="uat", environ=environ) as api:
            await api.auth.sign_in_with_password(*second)
        Profiles(tmp_path).use("uat")
        async with cadenza.connect(environ=environ) as api:
            assert (await api.auth.user()).email == second[0]
        async with cadenza.connect(environ=environ | {"CADENZA_PROFILE": "default"}) as api:
            assert (await api.auth.user()).email == first[0]
            await api.auth.sign_out()
        async with cadenza.connect(profile="default", environ=environ) as api:  # where it was last
            assert api.addresses.supabase_url == place.stack.supabase_url
            await api.auth.sign_in_with_password(*first)
        async with cadenza.connect(profile="live", environ=environ) as api:
            with pytest.raises(SignInRequiredError):
                await api.auth.user()
    assert [profile.name for profile in Profiles(tmp_path).all()] == ["default", "uat"]
    assert Profiles(tmp_path).get("default").read().anon_key == "anon"


async def test_a_refresh_token_in_the_environment_is_all_a_program_needs(place: Place, tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        async with place.connect(store=MemorySessionStore()) as api:
            email, password = await place.new_user()
            session = await api.auth.sign_in_with_password(email, password)
        environ = {"CADENZA_DATA_DIR": str(tmp_path), "CADENZA_REFRESH_TOKEN": session.refresh_token}
        environ |= {"CADENZA_WS_URL": place.stack.ws_url, "SUPABASE_URL": place.stack.supabase_url}
        async with cadenza.connect(environ=environ) as api:
            assert (await api.auth.user()).email == email
            assert api.auth.state.email == email
            assert "kept in memory" in api.auth.state.store
    assert not any(os.scandir(tmp_path))


async def test_the_state_tells_who_until_when_what_next_and_where(place: Place, tmp_path: Path) -> None:
    phases: list[AuthPhase] = []
    async with asyncio.timeout(30):
        async with cadenza.connect(
            place.stack.ws_url,
            supabase_url=place.stack.supabase_url,
            session_store="file",
            environ={"CADENZA_DATA_DIR": str(tmp_path)},
        ) as api:

            async def watch() -> None:
                phases.extend([state.phase async for state in api.auth.watch_state()])

            watching = asyncio.create_task(watch())
            await asyncio.sleep(0)
            email, password = await place.new_user()
            await api.auth.sign_in_with_password(email, password)
            await api.auth.refresh()
            state = api.auth.state
            await api.auth.sign_out()
        await watching
    assert (state.phase, state.email, state.next_attempt_why) == (AuthPhase.SIGNED_IN, email, Why.EARLY)
    assert state.store == str(tmp_path / "session.json")
    assert state.last_refresh_at is not None
    assert state.clock_offset_seconds is not None
    assert phases == [AuthPhase.SIGNED_OUT, AuthPhase.SIGNED_IN, AuthPhase.SIGNED_IN, AuthPhase.SIGNED_OUT]
