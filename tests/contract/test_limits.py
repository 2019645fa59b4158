"""How much one caller may ask, over every stack: what a call and a channel too many are answered.

The suite's backends have a narrow pace for one method that nothing else here calls, and for joins.
"""

from __future__ import annotations

import asyncio
import secrets

import pytest
from tests.contract.conftest import Account
from tests.contract.stacks import LIMITED, LIMITED_AT_ONCE, System
from tests.contract.wire import DEADLINE_SECONDS, Wire, connected, rpc

import cadenza
from cadenza.client import MemorySessionStore

requirement = pytest.mark.requirement

TICKERS = "market:ticker:PAPER"
#: Far more than may be joined at once, and far fewer than would be without a limit.
JOINS = 400


def somebody(system: System) -> str:
    """A token of a user of whom nothing was counted yet."""
    return system.mint(sub=f"00000000-0000-4000-8000-{secrets.token_hex(6)}")


async def join_and_leave(wire: Wire) -> dict[str, object] | None:
    """One join; the error, if there is one."""
    reply = await wire.ask(subscribe={"channel": TICKERS})
    if "error" in reply:
        error: dict[str, object] = reply["error"]
        return error
    await wire.ask(unsubscribe={"channel": TICKERS})
    return None


async def join_until_refused(wire: Wire) -> dict[str, object]:
    for _ in range(JOINS):
        error = await join_and_leave(wire)
        if error is not None:
            return error
    pytest.fail(f"{JOINS} channels were joined without a pause")


@requirement("LIMIT-CALLS")
async def test_a_call_too_many_is_refused_for_a_moment_on_every_connection_of_its_user(system: System) -> None:
    token = somebody(system)
    async with connected(system, token) as wire, connected(system, token) as second:
        for _ in range(LIMITED_AT_ONCE):
            assert "data" in await rpc(wire, LIMITED)
        refused = [(await rpc(by, LIMITED)).get("error") for by in (wire, second)]
        assert [(error["code"], error["temporary"]) for error in refused if error] == [(22020, True)] * 2
        waits = [error["retryAfter"] for error in refused if error]
        assert all(0 < wait <= 1 for wait in waits)
        assert "data" in await rpc(wire, "query.ticker.list")  # nothing else is held up
    async with connected(system, somebody(system)) as wire:
        assert "data" in await rpc(wire, LIMITED)  # and nobody else


@requirement("LIMIT-ANONYMOUS")
async def test_a_caller_who_is_not_signed_in_is_limited_too(system: System) -> None:
    async with connected(system) as wire:
        codes = [(await rpc(wire, LIMITED))["error"]["code"] for _ in range(LIMITED_AT_ONCE * 4)]
    assert 22020 in codes
    assert set(codes) <= {22020, 26001}


@requirement("LIMIT-JOINS")
async def test_a_channel_too_many_is_a_temporary_error_111(system: System) -> None:
    async with connected(system, somebody(system)) as wire:
        error = await join_until_refused(wire)
        assert error == {"code": 111, "message": "too many requests", "temporary": True}
        await wire.is_open()


@requirement("SDK-LIMITED")
async def test_the_sdk_waits_for_its_turn_with_calls_and_channels(system: System, account: Account) -> None:
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        cadenza.connect(
            system.ws_url,
            supabase_url=system.supabase_url,
            session_store=MemorySessionStore(),
            environ={},
        ) as sdk,
    ):
        await sdk.auth.sign_in_with_password(account.email, account.password)
        answers = await asyncio.gather(*(sdk.call(LIMITED) for _ in range(LIMITED_AT_ONCE + 2)))
        assert all(answers)  # two of them waited: without that, they would have been refused
        async with connected(system, account.token) as wire:
            assert (await join_until_refused(wire))["code"] == 111
            async with sdk.market.tickers.watch("PAPER:BTC/USDT") as tickers:
                assert (await anext(tickers)).symbol == "BTC/USDT"
