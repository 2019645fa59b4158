from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import pytest
from tests.contract.conftest import Account
from tests.contract.stacks import System
from tests.contract.wire import DEADLINE_SECONDS, api, connected, rpc

requirement = pytest.mark.requirement
BOOK = "market:orderbook:PAPER:BTC/USDT"
TICKER = "market:ticker:PAPER:BTC/USDT"
#: Authorised, and nobody publishes on it but the test.
QUIET = "market:instrument:PAPER"


@requirement("RPC-ENVELOPE")
async def test_a_served_method_answers_in_the_envelope(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        answer = await rpc(wire, "query.ticker.list", {"venue": "PAPER"})
    assert set(answer) == {"data"}
    assert {row["symbol"] for row in answer["data"]} >= {"BTC/USDT", "ETH/USDT"}


@requirement("RPC-UNKNOWN")
async def test_an_unknown_method_is_named_so(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        assert (await rpc(wire, "query.nothing.list"))["error"]["code"] == 19003


@requirement("RPC-NOT-SERVED")
async def test_a_method_not_served_yet_is_named_so(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        assert (await rpc(wire, "query.portfolio.list", {}))["error"]["code"] == 18016


@requirement("RPC-PARAMS")
@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("query.ticker.list", {"venue": "NOWHERE"}, "venue"),
        ("query.ticker.list", {"symbols": ["BTC/USDT", 7]}, "symbols[1]"),
        ("query.orderbook.get", {"instrumentId": "PAPER:BTC/USDT", "depth": "ten"}, "depth"),
        ("command.auth.login", {"email": "a@example.com"}, "password"),
    ],
)
async def test_bad_parameters_name_their_field(
    system: System, account: Account, method: str, params: Any, field: str
) -> None:
    async with connected(system, account.token) as wire:
        error = (await rpc(wire, method, params))["error"]
    assert (error["code"], error["field"]) == (22015, field)


@requirement("RPC-ANONYMOUS")
async def test_an_anonymous_connection_reaches_the_system_alone(system: System) -> None:
    async with connected(system) as wire:
        assert (await rpc(wire, "query.system.info"))["data"]["version"]
        assert (await rpc(wire, "query.ticker.list"))["error"]["code"] == 26001


@requirement("RPC-LOGIN")
async def test_sign_in_over_the_socket_gives_a_token_that_connects(system: System, account: Account) -> None:
    async with connected(system) as wire:
        session = (await rpc(wire, "command.auth.login", {"email": account.email, "password": account.password}))[
            "data"
        ]
    assert session["user"]["id"] == account.id
    assert session["accessToken"] != account.token
    async with connected(system, session["accessToken"]) as wire:
        user = (await rpc(wire, "query.auth.user", {"accessToken": session["accessToken"]}))["data"]
    assert user["email"] == account.email


@requirement("RPC-LOGIN-WRONG")
async def test_wrong_credentials_over_the_socket_are_refused(system: System, account: Account) -> None:
    async with connected(system) as wire:
        answer = await rpc(wire, "command.auth.login", {"email": account.email, "password": "not the password"})
    assert answer["error"]["code"] == 26002
    assert "not the password" not in json.dumps(answer)


@requirement("RPC-LOGOUT")
async def test_sign_out_over_the_socket_ends_the_session(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        assert "error" not in await rpc(wire, "command.auth.logout", {"accessToken": account.token})
    async with system.http() as http:
        reply = await http.post(
            f"{system.auth_url}/token?grant_type=refresh_token",
            json={"refresh_token": account.session["refresh_token"]},
        )
    assert reply.status_code == 400


@requirement("SUB-BOOK")
async def test_a_book_is_joined_with_a_snapshot_and_a_position(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        reply = (await wire.ask(subscribe={"channel": BOOK}))["subscribe"]
    assert reply["recoverable"] is True
    assert reply["positioned"] is True
    assert len(reply["epoch"]) >= 4
    assert reply["data"]["book"]["updateType"] == "SNAPSHOT"
    assert reply["data"]["seq"].count(":") == 1


@requirement("EVENT-BOOK")
async def test_book_publications_are_numbered_without_a_hole(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        assert "subscribe" in await wire.ask(subscribe={"channel": BOOK})
        pushes = [(await wire.push("pub", BOOK))["pub"] for _ in range(10)]
    runs = {push["tags"]["seq"].split(":")[0] for push in pushes}
    numbers = [int(push["tags"]["seq"].split(":")[1]) for push in pushes]
    offsets = [push["offset"] for push in pushes]
    assert len(runs) == 1
    assert numbers == list(range(numbers[0], numbers[0] + 10))
    assert offsets == list(range(offsets[0], offsets[0] + 10))
    assert {push["data"]["updateType"] for push in pushes} == {"DIFF"}


@pytest.mark.parametrize(
    ("id_", "channel", "code"),
    [
        ("SUB-UNKNOWN", "nowhere:channel", 102),
        ("SUB-SPELLING", "market:orderBook:PAPER:BTC/USDT", 102),
        ("SUB-SPELLING", "market:orderbook:paper:BTC/USDT", 102),
        ("SUB-ACCOUNT", "tradingAccount:1b4e28ba-2fa1-41d2-883f-0016d3cca427", 103),
    ],
)
async def test_a_channel_is_refused_with_its_code(
    system: System, account: Account, id_: str, channel: str, code: int
) -> None:
    assert id_
    async with connected(system, account.token) as wire:
        assert (await wire.ask(subscribe={"channel": channel}))["error"]["code"] == code


@requirement("SUB-ANONYMOUS")
async def test_an_anonymous_connection_may_subscribe_to_nothing(system: System) -> None:
    async with connected(system) as wire:
        assert (await wire.ask(subscribe={"channel": TICKER}))["error"]["code"] == 103


@requirement("SUB-AGAIN")
async def test_a_second_subscribe_is_an_error(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        assert "subscribe" in await wire.ask(subscribe={"channel": TICKER})
        assert (await wire.ask(subscribe={"channel": TICKER}))["error"]["code"] == 105


@requirement("UNSUB")
async def test_unsubscribe_is_always_answered(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        await wire.ask(subscribe={"channel": TICKER})
        assert (await wire.ask(unsubscribe={"channel": TICKER}))["unsubscribe"] == {}
        assert (await wire.ask(unsubscribe={"channel": TICKER}))["unsubscribe"] == {}


@requirement("RECOVERY", "API-PUBLISH")
async def test_publications_of_a_gap_are_recovered(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        await wire.ask(subscribe={"channel": QUIET})
        first = await api(system, "publish", channel=QUIET, data={"n": 1}, tags={"kind": "test"})
        push = (await wire.push("pub", QUIET))["pub"]
        assert (push["data"], push["offset"], push["tags"]) == ({"n": 1}, first["offset"], {"kind": "test"})
    missed = [await api(system, "publish", channel=QUIET, data={"n": n}) for n in (2, 3)]
    async with connected(system, account.token) as wire:
        position = {"recover": True, "offset": first["offset"], "epoch": first["epoch"]}
        reply = (await wire.ask(subscribe={"channel": QUIET, **position}))["subscribe"]
    assert reply["recovered"] is True
    assert reply["was_recovering"] is True
    assert [row["data"] for row in reply["publications"]] == [{"n": 2}, {"n": 3}]
    assert [row["offset"] for row in reply["publications"]] == [row["offset"] for row in missed]


@requirement("RECOVERY-EPOCH")
async def test_another_epoch_is_not_recovered(system: System, account: Account) -> None:
    await api(system, "publish", channel=QUIET, data={})
    async with connected(system, account.token) as wire:
        position = {"recover": True, "offset": 1, "epoch": "elsewhen"}
        reply = (await wire.ask(subscribe={"channel": QUIET, **position}))["subscribe"]
    assert "recovered" not in reply
    assert reply["was_recovering"] is True
    assert "publications" not in reply


@requirement("API-KEY")
async def test_a_wrong_key_of_the_server_api_is_refused(system: System) -> None:
    async with system.http() as http:
        reply = await http.post(f"{system.api_url}/info", headers={"X-API-Key": secrets.token_hex(8)}, json={})
    assert (reply.status_code, reply.content) == (401, b"")


@requirement("API-DISCONNECT")
async def test_the_server_api_disconnects_a_user(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        await api(system, "disconnect", user=account.id, disconnect={"code": 4501, "reason": "enough"})
        assert await wire.closed() == (4501, "enough")


@requirement("API-UNSUBSCRIBE")
async def test_the_server_api_unsubscribes_a_user(system: System, account: Account) -> None:
    async with connected(system, account.token) as wire:
        await wire.ask(subscribe={"channel": QUIET})
        await api(system, "unsubscribe", user=account.id, channel=QUIET)
        push = await wire.push("unsubscribe", QUIET)
    assert push["unsubscribe"] == {"code": 2000, "reason": "server unsubscribe"}


@requirement("API-INFO")
async def test_info_counts_the_client(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), connected(system, account.token):
        while True:  # a Centrifugo node tells of itself every few seconds
            node = (await api(system, "info"))["nodes"][0]
            if node["num_clients"] >= 1 and node["num_users"] >= 1:
                break
            await asyncio.sleep(0.2)
    assert node["uid"]
    assert node["version"]
