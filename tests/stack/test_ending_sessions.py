"""The embedded stack: whatever ends a session at the provider closes its sockets, and the SDK says why (row E8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import cadenza
from cadenza.client import AuthPhase, Client, Disconnected, MemorySessionStore
from cadenza.errors import SessionRevokedError, SignInRequiredError
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

DEADLINE_SECONDS = 10.0


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[EmbeddedStack]:
    settings = StackSettings(
        data_dir=tmp_path, identity_port=0, gateway_port=0, backend_port=0, book_updates_per_second=20
    )
    async with EmbeddedStack(settings) as stack:
        yield stack


def client_of(stack: EmbeddedStack, **options: Any) -> Client:
    return cadenza.connect(
        stack.ws_url, supabase_url=stack.supabase_url, session_store=MemorySessionStore(), environ={}, **options
    )


class Ending:
    """What the SDK told of a connection's end."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.over = asyncio.Event()

    def on_disconnected(self, event: Disconnected) -> None:
        self.codes.append(event.code)
        self.over.set()


async def test_a_sign_out_elsewhere_reaches_the_socket_of_a_client_that_only_listens(stack: EmbeddedStack) -> None:
    ending = Ending()
    async with (
        client_of(stack, events=ending) as listener,
        client_of(stack) as other,
        asyncio.timeout(DEADLINE_SECONDS),
    ):
        await listener.auth.sign_in_with_password(*stack.ready_user)
        async with listener.market.order_books.watch("PAPER:BTC/USDT") as books:
            await anext(books)
            await other.auth.sign_in_with_password(*stack.ready_user)
            await other.auth.sign_out("others")
            with pytest.raises(SessionRevokedError):
                async for _ in books:
                    pass
        await ending.over.wait()
        assert ending.codes == [4500]
        assert listener.auth.state.phase is AuthPhase.ENDED
        with pytest.raises(SignInRequiredError):
            await listener.market.venues.list()
        assert await other.market.venues.list()


@pytest.mark.parametrize("how", ["sign-out", "password", "deletion"])
async def test_whatever_ends_a_session_at_the_provider_closes_its_sockets(stack: EmbeddedStack, how: str) -> None:
    """E8."""
    email, password = "ann@example.com", "correct horse 1"
    async with client_of(stack) as listener, client_of(stack) as other, asyncio.timeout(DEADLINE_SECONDS):
        await listener.auth.sign_up(email, password)
        await listener.market.venues.list()
        await other.auth.sign_in_with_password(email, password)
        if how == "sign-out":
            await other.auth.sign_out("global")
        elif how == "password":
            await other.auth.update_user(password="correct horse 2")
        else:
            await other.auth.delete_account()
        ends = (state async for state in listener.auth.watch_state() if state.phase is AuthPhase.ENDED)
        assert (await anext(ends)).ended_because == "revoked"


async def test_signing_out_oneself_is_no_revocation_to_ones_own_client(stack: EmbeddedStack) -> None:
    ending = Ending()
    async with client_of(stack, events=ending) as client, asyncio.timeout(DEADLINE_SECONDS):
        for ways in (client.auth, client.auth.over_websocket):
            await ways.sign_in_with_password(*stack.ready_user)
            await client.market.venues.list()
            await client.auth.sign_out()
            assert client.auth.state.phase is AuthPhase.SIGNED_OUT
    assert 4500 not in ending.codes


async def test_an_ended_sessions_token_is_refused_at_connect(stack: EmbeddedStack) -> None:
    async with client_of(stack) as client, httpx.AsyncClient() as http, asyncio.timeout(DEADLINE_SECONDS):
        session = await client.auth.sign_in_with_password(*stack.ready_user)
        bearer = {"Authorization": f"Bearer {session.access_token}"}
        assert (await http.post(f"{stack.identity_url}/logout?scope=local", headers=bearer)).status_code == 204
        with pytest.raises(SessionRevokedError):
            await client.market.venues.list()
