"""The recording's scenarios that need a real socket: handshakes, sizes, a slow client, shutdown."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
import websockets
from tests.gateway.kit import load_plans, load_scenarios, make_token
from tests.gateway.wire import (
    DEADLINE,
    UPGRADE,
    Start,
    close_of,
    head,
    open_deaf_client,
    raw_request,
    read_to_the_end,
    replies,
    status,
    take,
    url,
)
from websockets.asyncio.client import ClientConnection, connect

from cadenza.gateway import GatewayServer

SCENARIOS, PLANS = load_scenarios(), load_plans()


def covered() -> set[str]:
    return {
        "subprotocol_json",
        "origin_forbidden",
        "websocket_path_plain_get",
        "message_too_big",
        "message_max_ok",
        "slow_client",
        "zz_server_shutdown",
    }


def test_each_recorded_scenario_that_needs_a_socket_is_covered_here() -> None:
    assert covered() == {name for name, plan in PLANS.items() if plan["how"] == "socket"}


async def recorded_server(start: Start, name: str, **changes: Any) -> GatewayServer:
    plan = PLANS[name]
    return await start(plan["config"], clock=lambda: plan["clock"], **changes)


async def test_json_subprotocol_is_echoed(start_server: Start) -> None:
    scenario = SCENARIOS["subprotocol_json"]
    server = await recorded_server(start_server, "subprotocol_json")
    async with connect(url(server), subprotocols=[websockets.Subprotocol("centrifuge-json")]) as client:
        assert client.subprotocol == scenario["notes"][0]["accepted_subprotocol"]
        await client.send(scenario["sent"][0]["frame"])
        (reply,) = await replies(client)
    recorded = json.loads(scenario["received"][0]["frame"])
    assert reply == {**recorded, "connect": {**recorded["connect"], "client": reply["connect"]["client"]}}


async def test_protobuf_is_refused_at_the_handshake(start_server: Start) -> None:
    server = await start_server()
    for refused in (
        head(**UPGRADE, **{"Sec-WebSocket-Protocol": "centrifuge-protobuf"}),
        head("/connection/websocket?format=protobuf", **UPGRADE),
        head("/connection/websocket?cf_protocol=protobuf", **UPGRADE),
    ):
        assert status(await raw_request(server, refused)) == 400


async def test_foreign_origins_are_forbidden_as_recorded(start_server: Start) -> None:
    server = await recorded_server(start_server, "origin_forbidden")
    for entry in SCENARIOS["origin_forbidden"]["received"]:
        origin = {"Origin": entry["origin"]} if entry["origin"] else {}
        if entry["status"] == 101:
            async with connect(url(server), additional_headers=origin):
                continue
        answer = await raw_request(server, head(**UPGRADE, **origin))
        assert status(answer) == entry["status"]
        assert answer.endswith(b"\r\n\r\n" + entry["body"].encode())


async def test_plain_get_on_the_websocket_path_is_a_bad_request(start_server: Start) -> None:
    server = await recorded_server(start_server, "websocket_path_plain_get")
    recorded = SCENARIOS["websocket_path_plain_get"]["received"][0]
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/connection/websocket")
    assert (answer.status_code, answer.headers["content-type"]) == (recorded["status"], recorded["content_type"])
    assert answer.text == recorded["body"]


async def _publish_of_recorded_size(start: Start, name: str) -> ClientConnection:
    sent = SCENARIOS[name]["sent"]
    server = await recorded_server(start, name)
    client = await connect(url(server))
    await client.send(sent[0]["frame"])
    assert "connect" in (await replies(client))[0]
    frame = sent[1]["frame_head"].ljust(sent[1]["frame_len"] - 3, "x") + '"}}'
    await client.send(frame)
    return client


async def test_message_over_the_limit_closes_with_1009_and_no_reason(start_server: Start) -> None:
    """Row B5: the SDK turns this code into an error that names the limit."""
    client = await _publish_of_recorded_size(start_server, "message_too_big")
    assert await close_of(client) == (1009, "")


async def test_message_just_under_the_limit_is_served(start_server: Start) -> None:
    client = await _publish_of_recorded_size(start_server, "message_max_ok")
    assert await replies(client) == [json.loads(SCENARIOS["message_max_ok"]["received"][1]["frame"])]
    await client.close()


async def test_slow_client_is_cut_off_with_3008_and_stalls_nobody(start_server: Start) -> None:
    server = await recorded_server(start_server, "slow_client", close_timeout_seconds=1.0)
    slow = await open_deaf_client(server, channel="plain:x")
    async with connect(url(server)) as quick:
        await quick.send(json.dumps({"id": 1, "connect": {"token": make_token(sub="42")}}))
        await quick.send('{"id":2,"subscribe":{"channel":"plain:x"}}')
        assert [set(reply) - {"id"} for reply in await take(quick, 2)] == [{"connect"}, {"subscribe"}]
        recorded = SCENARIOS["slow_client"]["received"][0]["close_frame"]
        for number in range(1000):
            server.node.publish("plain:x", json.dumps({"n": number, "pad": "x" * 30_000}).encode())
            (push,) = await replies(quick)
            assert push["push"]["pub"]["data"]["n"] == number
            if server.stats.disconnects:
                break
        assert server.stats.disconnects == {recorded["code"]: 1}
        assert server.node.hub.client_count == 1
        everything = await read_to_the_end(slow)
    assert everything.endswith(recorded["code"].to_bytes(2, "big") + recorded["reason"].encode())


async def test_shutdown_closes_every_client_with_3001(start_server: Start) -> None:
    scenario = SCENARIOS["zz_server_shutdown"]
    server = await recorded_server(start_server, "zz_server_shutdown")
    async with connect(url(server)) as connected, connect(url(server)) as silent:
        await connected.send(scenario["sent"][0]["frame"])
        assert "connect" in (await replies(connected))[0]
        stopping = asyncio.create_task(server.stop())
        recorded = scenario["received"][-1]["close"]
        assert await close_of(connected) == (recorded["code"], recorded["reason"])
        assert await close_of(silent) == (recorded["code"], recorded["reason"])
        async with asyncio.timeout(DEADLINE):
            await stopping
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", server.port)
