"""What a connection does beyond the recording: order, waiting, failures of the backend, limits, expiry."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.gateway.kit import Gated, Gateway, make_token, turns

from cadenza.protocol.codes import Disconnects
from cadenza.protocol.proxy import RpcResponse

Make = Callable[..., Awaitable[Gateway]]
DEADLINE = 5
INTERNAL = {"code": 100, "message": "internal server error", "temporary": True}


def rpc(number: int, method: str) -> str:
    return json.dumps({"id": number, "rpc": {"method": method, "data": {}}})


async def test_replies_keep_the_order_of_commands_when_one_waits(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect()
    assert socket.ask("\n".join([rpc(2, "slow"), rpc(3, "quick"), '{"id":4,"subscribe":{"channel":"plain:x"}}'])) == []
    backend.gate("slow").set()
    await turns(gateway)
    assert [reply["id"] for reply in socket.take()] == [2, 3, 4]
    assert backend.served == ["slow", "quick"]


async def test_commands_overtake_each_other_only_up_to_the_concurrency(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend, client_concurrency=2)
    socket = gateway.connect()
    assert socket.ask("\n".join([rpc(2, "slow1"), rpc(3, "slow2"), rpc(4, "quick")])) == []
    backend.gate("slow2").set()
    await turns(gateway)
    assert [reply["id"] for reply in socket.take()] == [3, 4]
    backend.gate("slow1").set()
    await turns(gateway)
    assert [reply["id"] for reply in socket.take()] == [2]


async def test_commands_behind_connect_wait_for_it_at_any_concurrency(make_gateway: Make) -> None:
    gateway = await make_gateway(client_concurrency=8)
    release = asyncio.Event()
    recorded = gateway.node.verifier

    class Waiting:
        def cached(self, token: str, /) -> None:
            del token

        async def verify(self, token: str, /) -> Any:
            await release.wait()
            return await recorded.verify(token)

    gateway.node.verifier = Waiting()
    socket = gateway.open()
    connect = json.dumps({"id": 1, "connect": {"token": make_token(sub="42")}})
    assert socket.ask(connect + '\n{"id":2,"subscribe":{"channel":"plain:x"}}') == []
    release.set()
    await turns(gateway)
    assert [reply["id"] for reply in socket.take()] == [1, 2]


async def test_pong_is_taken_while_a_command_waits(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway("B", proxy=backend, rpc_enabled=True, expired_close_delay_seconds=100.0)
    socket = gateway.connect()
    socket.put(rpc(2, "slow"))
    socket.answers_pings = True
    gateway.time.advance(10)
    assert socket.closed is None


async def test_backend_that_hangs_is_answered_for_after_the_proxy_timeout(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend, proxy_timeout_seconds=0.01)
    socket = gateway.connect()
    socket.put(rpc(2, "slow") + "\n" + rpc(3, "quick"))
    async with asyncio.timeout(DEADLINE):
        await backend.was_cancelled.wait()
    await turns(gateway)
    refused, served = socket.take()
    assert refused == {"id": 2, "error": INTERNAL}
    assert served == {"id": 3, "rpc": {"data": "quick"}}
    assert gateway.node.stats.proxy_errors == 1
    assert gateway.node.runner.pending_count == 0


async def test_backend_that_raises_is_a_temporary_error_and_logs_no_payload(
    make_gateway: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Gated):
        async def rpc(self, request: Any, peer: Any, /) -> RpcResponse:
            del request, peer
            raise ValueError("broken")

    gateway = await make_gateway(proxy=Broken())
    socket = gateway.connect()
    with caplog.at_level(logging.DEBUG):
        (reply,) = socket.ask('{"id":2,"rpc":{"method":"x","data":{"password":"hunter2"}}}')
    assert reply == {"id": 2, "error": INTERNAL}
    assert "broken" in caplog.text
    assert "hunter2" not in caplog.text


async def test_client_that_leaves_does_not_stop_the_work_it_asked_for(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect()
    socket.put(rpc(2, "slow"))
    socket.leave()
    backend.gate("slow").set()
    await turns(gateway)
    assert backend.served == ["slow"]
    assert socket.take() == []


async def test_shutdown_leaves_no_call_behind(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend)
    gateway.connect().put(rpc(2, "slow"))
    gateway.node.close_all()
    await gateway.node.aclose()
    assert backend.cancelled == ["slow"]
    assert gateway.node.runner.pending_count == 0


async def test_closed_connection_leaves_nothing_in_the_node(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(channels=["hist:a"])
    socket.put('{"id":2,"subscribe":{"channel":"plain:x"}}')
    socket.put("nonsense")
    assert socket.closed == Disconnects.BAD_REQUEST
    hub = gateway.node.hub
    assert (hub.client_count, hub.user_count, hub.channel_count, hub.subscription_count) == (0, 0, 0, 0)
    assert gateway.time.pending == 0
    socket.leave()
    assert gateway.node.socket_count == 0


async def test_commands_after_the_closing_one_are_not_served(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect()
    socket.put('{"id":2,"ping":{}}\n' + rpc(3, "quick"))
    assert socket.closed == Disconnects.BAD_REQUEST
    assert backend.served == []


async def test_commands_before_a_broken_line_are_served_and_answered(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    socket.put('{"id":2,"subscribe":{"channel":"plain:x"}}\nnonsense')
    assert socket.take() == [{"id": 2, "subscribe": {}}]
    assert socket.closed == Disconnects.BAD_REQUEST


async def test_anything_after_a_refused_connect_closes_and_silence_is_stale(make_gateway: Make) -> None:
    gateway = await make_gateway()
    expired = json.dumps({"id": 1, "connect": {"token": make_token(sub="42", exp=1)}})
    eager, patient = gateway.open(), gateway.open()
    for socket in (eager, patient):
        assert socket.ask(expired)[0]["error"]["code"] == 109
    eager.put(expired)
    assert eager.closed == Disconnects.BAD_REQUEST
    gateway.time.advance(11)
    assert patient.closed == Disconnects.STALE


async def test_lines_of_one_turn_share_frames_of_at_most_sixteen(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    socket.put('{"id":2,"subscribe":{"channel":"plain:x"}}')
    socket.frames.clear()
    for number in range(40):
        gateway.node.publish("plain:x", b"%d" % number)
    assert socket.frames == []
    gateway.time.settle()
    assert [frame.count(b"\n") + 1 for frame in socket.frames] == [16, 16, 8]


async def test_newlines_in_a_payload_never_split_a_frame(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    socket.ask('{"id":2,"subscribe":{"channel":"plain:x"}}')
    socket.take()
    gateway.node.publish("plain:x", b'{\n "a": "b\\nc"\n}')
    assert socket.take() == [{"push": {"channel": "plain:x", "pub": {"data": {"a": "b\nc"}}}}]


async def test_client_cannot_hand_broken_text_to_others(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    socket.put(b'{"id":2,"publish":{"channel":"plain:x","data":"\xff"}}')
    assert socket.closed is not None or socket.take()[0]["error"]["code"] == 107


# Refresh


async def test_refresh_without_meta_keeps_the_old_and_with_it_takes_the_new(make_gateway: Make, backend: Any) -> None:
    """Row A8: as Centrifugo does; the token hook therefore always emits a whole ``meta``."""
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect(meta={"role": "admin"})
    seen = []
    for number, claims in enumerate(({}, {"meta": {"role": "user"}})):
        token = make_token(sub="42", exp=int(gateway.time.clock()) + 7200, **claims)
        socket.ask(json.dumps({"id": 2 + number, "refresh": {"token": token}}))
        socket.ask(rpc(9, "ok"))
        seen.append(json.loads(bytes(backend.rpcs[-1][0].meta)))
    assert seen == [{"role": "admin"}, {"role": "user"}]


async def test_refresh_with_other_server_side_channels_asks_for_a_reconnect(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(channels=["hist:a"])
    token = make_token(sub="42", channels=["hist:b"])
    socket.put(json.dumps({"id": 2, "refresh": {"token": token}}))
    assert socket.closed == Disconnects.INSUFFICIENT_STATE


async def test_expiry_grace_starts_at_exp(make_gateway: Make) -> None:
    gateway = await make_gateway(expired_close_delay_seconds=25.0, pong_timeout_seconds=0.0)
    socket = gateway.open()
    token = make_token(sub="42", exp=int(gateway.time.clock()) + 10)
    (reply,) = socket.ask(json.dumps({"id": 1, "connect": {"token": token}}))
    assert (reply["connect"]["ttl"], reply["connect"].get("pong")) == (10, None)
    gateway.time.advance(34.9)
    assert socket.closed is None
    gateway.time.advance(0.2)
    assert socket.closed == Disconnects.EXPIRED


# Limits


async def test_third_connection_of_a_user_is_one_too_many(make_gateway: Make) -> None:
    gateway = await make_gateway(user_connection_limit=2)
    first, _ = gateway.connect("u"), gateway.connect("u")
    third = gateway.open()
    third.put(json.dumps({"id": 1, "connect": {"token": make_token(sub="u")}}))
    assert third.closed == Disconnects.CONNECTION_LIMIT
    first.leave()
    gateway.connect("u")
    gateway.connect("someone else")


async def test_token_with_too_many_channels_is_refused(make_gateway: Make) -> None:
    gateway = await make_gateway(client_channel_limit=2)
    socket = gateway.open()
    socket.put(
        json.dumps({"id": 1, "connect": {"token": make_token(sub="u", channels=["plain:1", "plain:2", "plain:3"])}})
    )
    assert socket.closed == Disconnects.CHANNEL_LIMIT


async def test_token_with_a_channel_of_no_namespace_is_an_unknown_channel(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.open()
    (reply,) = socket.ask(json.dumps({"id": 1, "connect": {"token": make_token(sub="u", channels=["nosuchns:x"])}}))
    assert reply["error"]["code"] == 102


async def test_client_may_ask_in_connect_only_for_what_it_could_subscribe_to(make_gateway: Make) -> None:
    gateway = await make_gateway()
    asked: dict[str, object] = {name: {} for name in ("plain:x", "tok:x", "psub:x", "$private")}
    socket = gateway.open()
    command = {"id": 1, "connect": {"token": make_token(sub="u"), "subs": asked}}
    (reply,) = socket.ask(json.dumps(command))
    assert reply["connect"]["subs"] == {"plain:x": {}}
    stranger = gateway.open()
    stranger.put(json.dumps({"id": 1, "connect": {"token": make_token(sub="u"), "subs": {"nosuchns:x": {}}}}))
    assert stranger.closed == Disconnects.BAD_REQUEST


async def test_flood_stops_the_reading_until_all_is_served(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend, client_command_queue_limit=2)
    socket = gateway.connect()
    socket.put("\n".join(rpc(number, "slow") for number in range(2, 5)))
    paused = [socket.is_paused]
    socket.put(rpc(5, "quick"))
    paused.append(socket.is_paused)
    backend.gate("slow").set()
    await turns(gateway)
    paused.append(socket.is_paused)
    assert paused == [False, True, False]
    assert [reply["id"] for reply in socket.take()] == [2, 3, 4, 5]
