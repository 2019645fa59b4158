"""A session that ends over the socket closes its own sockets and no other's, over every stack (row E8)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import websockets
from tests.contract.conftest import Account
from tests.contract.stacks import System
from tests.contract.wire import Wire, connected, open_wire, rpc

requirement = pytest.mark.requirement
CLOSED = (4500, "session revoked")


@dataclass(frozen=True, kw_only=True)
class Sockets:
    """Two sockets of one session and one of another, all of one user."""

    token: str
    own: Wire
    own_too: Wire
    other: Wire


async def sign_in(system: System, account: Account) -> str:
    """Begin another session of the user; its access token."""
    async with system.http() as http:
        reply = await http.post(
            f"{system.auth_url}/token?grant_type=password",
            json={"email": account.email, "password": account.password},
        )
    assert reply.status_code == 200, reply.text
    return str(reply.json()["access_token"])


@contextlib.asynccontextmanager
async def sockets(system: System, account: Account) -> AsyncIterator[Sockets]:
    other = await sign_in(system, account)
    async with (
        connected(system, account.token) as own,
        connected(system, account.token) as own_too,
        connected(system, other) as of_other,
    ):
        yield Sockets(token=account.token, own=own, own_too=own_too, other=of_other)


async def sign_out(of: Sockets, scope: str) -> None:
    """The answer gets out, though the socket it comes over is closed soon after."""
    answer = await rpc(of.own, "command.auth.logout", {"accessToken": of.token, "scope": scope})
    assert answer == {"data": "ok"}


@requirement("END-LOCAL")
async def test_a_sign_out_closes_its_own_sessions_sockets(system: System, account: Account) -> None:
    """E8."""
    async with sockets(system, account) as of:
        await sign_out(of, "local")
        assert await of.own.closed() == CLOSED
        assert await of.own_too.closed() == CLOSED
        assert "data" in await rpc(of.other, "query.venue.list")


@requirement("END-OTHERS")
async def test_a_sign_out_of_the_others_leaves_ones_own_sockets(system: System, account: Account) -> None:
    async with sockets(system, account) as of:
        await sign_out(of, "others")
        assert await of.other.closed() == CLOSED
        for own in (of.own, of.own_too):
            assert "data" in await rpc(own, "query.venue.list")


@requirement("END-GLOBAL")
async def test_a_sign_out_everywhere_closes_every_socket_of_the_user(
    system: System, account: Account, other_account: Account
) -> None:
    async with sockets(system, account) as of, connected(system, other_account.token) as bystander:
        await sign_out(of, "global")
        for wire in (of.own, of.own_too, of.other):
            assert await wire.closed() == CLOSED
        assert "data" in await rpc(bystander, "query.venue.list")


@requirement("END-RETURN")
async def test_an_ended_sessions_token_finds_no_way_back(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        await rpc(wire, "command.auth.logout", {"accessToken": account.token})
        assert await wire.closed() == CLOSED
    async with open_wire(system) as wire:  # and it says nothing, if it is let in
        with contextlib.suppress(websockets.ConnectionClosed):
            await wire.ask(connect={"token": account.token})
        assert await wire.closed() == CLOSED
    async with open_wire(system) as wire:
        with contextlib.suppress(websockets.ConnectionClosed):
            reply = await wire.ask(connect={"token": account.token})
            assert "connect" in reply
            assert (await rpc(wire, "query.venue.list"))["error"]["code"] == 26007
        assert await wire.closed() == CLOSED
