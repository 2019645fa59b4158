"""Unmodified supabase-auth (both kinds) and auth-js when keys change, others refresh too, or the provider is away."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator

import pytest
from tests.identity.peers import ALL_PEERS, MakePeer, PeerFoundNobodyError, PeerRefusedError

import cadenza
from cadenza.client.auth.session import Session
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.key_rotation import DEFAULT_LEAD_SECONDS, KeyRotation
from cadenza.tokens.compact import split

DEADLINE_SECONDS = 60
ANN = "ann@example.com"
JWKS = "/.well-known/jwks.json"
LIFETIME_SECONDS = 3600


class Ahead:
    """The machine's clock, and so many seconds: the clients judge by the machine's."""

    seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.seconds


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def server(config: IdentityConfig, clock: Ahead) -> AsyncIterator[IdentityServer]:
    """Nothing is forgiven but the parent of the active refresh token."""
    hard = dataclasses.replace(config, port=0, refresh_token_reuse_interval_seconds=0, path_prefixes=("",))
    async with IdentityServer(hard, clock=clock) as server:
        yield server


def kid_of(token: str) -> str:
    return str(json.loads(split(token).header)["kid"])


@pytest.mark.parametrize("make", ALL_PEERS)
async def test_keys_change_and_whoever_is_signed_in_stays_so(
    make: MakePeer, server: IdentityServer, clock: Ahead
) -> None:
    """E10: new kid, old kid, revoked kid; tokens are checked by their signature, and nobody falls back to asking."""
    rotation = KeyRotation(server.config.signing_keys_path, clock=clock)
    async with asyncio.timeout(DEADLINE_SECONDS), make(server.url) as peer, make(server.url) as stranger:
        before = await peer.sign_up(ANN)
        user = await peer.claims(before.access)
        assert peer.asked == [JWKS]

        rotation.rotate()
        assert kid_of((await peer.refresh()).access) == kid_of(before.access)
        clock.seconds += DEFAULT_LEAD_SECONDS
        after = await peer.refresh()
        assert kid_of(after.access) != kid_of(before.access)

        assert await peer.claims(after.access) == user
        assert peer.asked == [JWKS]  # what it had kept lacks the key
        assert await peer.claims(after.access) == user
        assert peer.asked == []
        assert await peer.claims(before.access) == user
        assert await peer.user(before.access) == user

        rotation.revoke(kid_of(before.access))
        for check in (peer.user, stranger.user, stranger.claims):
            with pytest.raises(PeerRefusedError):
                await check(before.access)
        assert await peer.claims(before.access) == user  # by the set that it keeps for ten minutes, as everywhere
        assert await peer.user(after.access) == user
        assert await stranger.claims((await peer.refresh()).access) == user


@pytest.mark.parametrize("make", ALL_PEERS)
async def test_an_old_key_goes_with_its_last_token(make: MakePeer, server: IdentityServer, clock: Ahead) -> None:
    """E10: the session outlives the key that its first token was signed with."""
    rotation = KeyRotation(server.config.signing_keys_path, clock=clock)
    async with asyncio.timeout(DEADLINE_SECONDS), make(server.url) as peer, make(server.url) as stranger:
        before = await peer.sign_up(ANN)
        rotation.rotate(lead_seconds=0)
        assert await stranger.claims(before.access)
        clock.seconds += 2 * LIFETIME_SECONDS
        after = await peer.refresh()
        assert await stranger.claims(after.access)
        async with make(server.url) as later:
            with pytest.raises(PeerRefusedError):
                await later.claims(before.access)
            assert await later.claims(after.access)


@pytest.mark.parametrize("make", ALL_PEERS)
async def test_the_sdk_refreshes_at_the_same_instant_and_both_stay_signed_in(
    make: MakePeer, server: IdentityServer
) -> None:
    """E1: what the other was given is the parent of the active token, or the active token itself."""
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        make(server.url) as peer,
        cadenza.connect(
            "ws://127.0.0.1:9/connection/websocket",
            supabase_url=server.url,
            auth_path="",
            session_store="memory",
            environ={},
        ) as api,
    ):
        tokens = await peer.sign_up(ANN)
        user = await peer.user(tokens.access)
        await api.auth.use_session(
            Session(
                access_token=tokens.access,
                refresh_token=tokens.refresh,
                expires_in=LIFETIME_SECONDS,
                expires_at=time.time() + LIFETIME_SECONDS,
                user_id=user,
            )
        )
        seen = {tokens.refresh}
        for _ in range(4):
            theirs, ours = await asyncio.gather(peer.refresh(), api.auth.refresh())
            assert theirs.refresh == ours.refresh_token
            seen.add(theirs.refresh)
        assert len(seen) == 5
        assert await peer.user((await peer.refresh()).access) == (await api.auth.user()).id == user


@pytest.mark.parametrize("make", ALL_PEERS)
async def test_two_of_them_refresh_at_the_same_instant_and_both_stay_signed_in(
    make: MakePeer, server: IdentityServer
) -> None:
    """E1: the recorded rules of reuse carry clients that do not lock."""
    async with asyncio.timeout(DEADLINE_SECONDS), make(server.url) as one, make(server.url) as other:
        first = second = await one.sign_up(ANN)
        await other.adopt(first)
        for _ in range(5):
            first, second = await asyncio.gather(one.refresh(), other.refresh())
            assert first.refresh == second.refresh
        assert await one.user(first.access) == await other.user(second.access)


@pytest.mark.parametrize("make", ALL_PEERS)
async def test_the_provider_is_restarted_and_the_session_goes_on(make: MakePeer, server: IdentityServer) -> None:
    """E3: a refresh that finds nobody costs nothing; the tokens of before are as good after."""
    async with asyncio.timeout(DEADLINE_SECONDS), make(server.url) as peer:
        before = await peer.sign_up(ANN)
        user = await peer.user(before.access)
        await server.stop()
        refreshing = asyncio.create_task(peer.refresh())
        await peer.unreachable.wait()
        async with IdentityServer(server.config):
            try:
                after = await refreshing
            except PeerFoundNobodyError:  # supabase-auth leaves trying again to its user
                after = await peer.refresh()
            assert await peer.user(after.access) == await peer.user(before.access) == user
            assert await peer.claims(before.access) == user
