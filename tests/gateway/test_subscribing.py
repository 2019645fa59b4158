"""Subscriptions the backend decides on, and what others see of a subscriber."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from tests.gateway.kit import Gated, Gateway, RecordedBackend, turns

from cadenza.gateway.subscribing import Subscription
from cadenza.protocol.codes import Unsubscribes
from cadenza.protocol.proxy import SubscribeResponse, SubscribeResult

Make = Callable[..., Awaitable[Gateway]]
INTERNAL = {"code": 100, "message": "internal server error", "temporary": True}


@pytest.mark.parametrize(
    ("channel", "answer"),
    [
        ("psub:x", {"subscribe": {"data": {"sub": "data"}}}),
        ("psub:deny", {"error": {"code": 1103, "message": "no way"}}),
        ("psub:fail", {"error": INTERNAL}),
    ],
)
async def test_backend_decides_on_a_subscription(
    make_gateway: Make, backend: RecordedBackend, channel: str, answer: Any
) -> None:
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect("u", meta={"m": 1})
    asked = {"id": 2, "subscribe": {"channel": channel, "data": {"q": 1}}}
    assert socket.ask(json.dumps(asked)) == [{"id": 2, **answer}]
    request, peer = backend.subscribes[0]
    assert (request.channel, request.user, bytes(request.data), bytes(request.meta)) == (
        channel,
        "u",
        b'{"q": 1}',
        b'{"m": 1}',
    )
    assert peer.address == "192.0.2.7"


async def test_backend_may_close_the_socket_over_a_subscription(make_gateway: Make, backend: RecordedBackend) -> None:
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect()
    socket.put('{"id":2,"subscribe":{"channel":"psub:kick"}}')
    assert socket.closed is not None
    assert (socket.closed.code, socket.closed.reason) == (4501, "go away")


async def test_second_subscribe_while_the_backend_decides_is_already_subscribed(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend, client_concurrency=4)
    socket = gateway.connect()
    subscribe = '{"id":%d,"subscribe":{"channel":"psub:x"}}'
    assert [reply["error"]["code"] for reply in socket.ask(subscribe % 2 + "\n" + subscribe % 3)] == [105]
    backend.gate("psub:x").set()
    await turns(gateway)
    assert socket.take()[-1] == {"id": 2, "subscribe": {}}


async def test_subscription_the_backend_lets_expire_ends_with_2501(make_gateway: Make) -> None:
    gateway = await make_gateway(expired_sub_close_delay_seconds=5.0, ping_interval_seconds=0.0)

    class Expiring(Gated):
        async def subscribe(self, request: Any, peer: Any, /) -> SubscribeResponse:
            del peer
            ends = int(gateway.time.clock()) + {"psub:a": 10, "psub:b": 20}[request.channel]
            return SubscribeResponse(result=SubscribeResult(expire_at=ends))

    gateway.node.proxy = Expiring()
    socket = gateway.connect()
    for channel in ("psub:a", "psub:b"):
        assert "subscribe" in socket.ask(json.dumps({"id": 2, "subscribe": {"channel": channel}}))[0]
    socket.take()
    gateway.time.advance(14)
    assert socket.take() == []
    gateway.time.advance(2)
    ended = {"code": Unsubscribes.EXPIRED.code, "reason": Unsubscribes.EXPIRED.reason}
    assert socket.take() == [{"push": {"channel": "psub:a", "unsubscribe": ended}}]
    gateway.time.advance(10)
    assert [push["push"]["channel"] for push in socket.take()] == ["psub:b"]
    assert socket.closed is None


async def test_publication_shows_the_publishers_info_in_its_channel(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(info={"name": "Bob"})
    socket.connection.join("plain:x", Subscription(info=msgspec.Raw(b'{"ci":1}')))
    push, _ = socket.ask('{"id":2,"publish":{"channel":"plain:x","data":1}}')
    info = push["push"]["pub"]["info"]
    assert (info["user"], info["conn_info"], info["chan_info"]) == ("42", {"name": "Bob"}, {"ci": 1})
