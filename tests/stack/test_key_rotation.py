"""Row E10 through the whole embedded stack: new kid, old kid, revoked kid, and nobody who is connected notices."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx
from tests.stack.test_embedded import DEADLINE_SECONDS, settings_for

import cadenza
from cadenza.client import MemorySessionStore
from cadenza.errors import TokenInvalidError
from cadenza.identity.key_rotation import KeyRotation
from cadenza.schema.scalars import Venue
from cadenza.stack.embedded import EmbeddedStack
from cadenza.tokens.compact import split


async def access_token(stack: EmbeddedStack) -> str:
    email, password = stack.ready_user
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{stack.identity_url}/token?grant_type=password", json={"email": email, "password": password}
        )
    return str(answer.json()["access_token"])


def kid_of(token: str) -> str:
    return str(json.loads(split(token).header)["kid"])


async def refused_by_the_gateway(stack: EmbeddedStack, token: str) -> None:
    async with httpx.AsyncClient() as http:
        while True:
            try:
                await stack.verifier.verify(token)
            except TokenInvalidError:
                return
            await http.get(stack.identity.jwks_url)


async def test_a_rotation_under_a_running_stack_logs_nobody_out_and_a_revoked_key_is_gone(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        EmbeddedStack(settings_for(tmp_path)) as stack,
        cadenza.connect(
            stack.ws_url, supabase_url=stack.supabase_url, session_store=MemorySessionStore(), environ={}
        ) as api,
    ):
        await api.auth.sign_in_with_password(*stack.ready_user)
        before = await access_token(stack)
        rotation = KeyRotation(stack.data_dir / "identity" / "signing-keys.json", clock=time.time)

        rotation.rotate(lead_seconds=0)

        after = await access_token(stack)
        assert kid_of(after) != kid_of(before)
        for token in (before, after):
            assert (await stack.verifier.verify(token)).sub
        assert await api.market.tickers.list(venue=Venue.PAPER)

        rotation.revoke(kid_of(before))

        await refused_by_the_gateway(stack, before)
        assert (await stack.verifier.verify(after)).sub
        assert await api.market.tickers.list(venue=Venue.PAPER)
