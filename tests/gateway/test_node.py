"""The node: publishing in process, what the server API does to clients, the door's counters."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.gateway.kit import Gateway

import cadenza.gateway
from cadenza.errors import ConfigurationError, GatewayError, UsageError
from cadenza.gateway import GatewayConfig, GatewayServer, Namespace
from cadenza.gateway.api import Api, HttpRequest
from cadenza.gateway.metrics import metric_items, render_metrics
from cadenza.protocol.codes import Termination

Make = Callable[..., Awaitable[Gateway]]


def test_door_of_the_room_is_what_it_says() -> None:
    assert sorted(cadenza.gateway.__all__) == [
        "Broker",
        "GatewayConfig",
        "GatewayServer",
        "HttpProxyCaller",
        "Namespace",
        "Node",
        "ProxyCaller",
        "PublishResult",
        "Stats",
        "TokenVerifier",
        "VerifiedToken",
    ]


async def test_publishing_gives_offset_and_epoch_and_reaches_subscribers_with_tags(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    (reply,) = socket.ask('{"id":2,"subscribe":{"channel":"hist:x"}}')
    socket.take()
    result = gateway.node.publish("hist:x", b'{"v": 1}', tags={"seq": "run:1"})
    assert (result.offset, result.epoch) == (1, reply["subscribe"]["epoch"])
    (push,) = socket.take()
    assert push["push"]["pub"] == {"data": {"v": 1}, "offset": 1, "tags": {"seq": "run:1"}, "epoch": result.epoch}


async def test_unknown_namespace_is_a_gateway_error(make_gateway: Make) -> None:
    gateway = await make_gateway()
    with pytest.raises(GatewayError) as caught:
        gateway.node.publish("nosuchns:x", b"1")
    assert caught.value.code == 102


async def test_repeated_idempotency_key_delivers_once(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    socket.ask('{"id":2,"subscribe":{"channel":"plain:x"}}')
    socket.take()
    for _ in range(2):
        gateway.node.publish("plain:x", b"1", idempotency_key="k")
    assert len(socket.take()) == 1


async def test_disconnect_spares_the_whitelist_and_picks_one_client(make_gateway: Make) -> None:
    gateway = await make_gateway()
    one, two, other = gateway.connect("u"), gateway.connect("u"), gateway.connect("v")
    assert gateway.node.disconnect("u", whitelist=[one.connection.client]) == 1
    assert (one.closed, two.closed is not None, other.closed) == (None, True, None)
    assert gateway.node.disconnect("u", Termination(code=4500, reason="session revoked"), client="nobody") == 0
    assert gateway.node.disconnect("u", client=one.connection.client) == 1


async def test_unsubscribe_ends_no_other_subscription_and_tells_a_client_that_has_none(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(channels=["hist:mine"])
    gateway.node.unsubscribe("42", "plain:x")
    gateway.node.unsubscribe("42", "")
    ended = {"code": 2000, "reason": "server unsubscribe"}
    assert socket.take() == [{"push": {"channel": "plain:x", "unsubscribe": ended}}, {"push": {"unsubscribe": ended}}]
    assert gateway.node.hub.subscription_count == 1


async def test_client_ids_are_uuids_of_version_four(make_gateway: Make) -> None:
    gateway = await make_gateway()
    ids = {gateway.node.new_client_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", i) for i in ids)


async def test_metrics_are_prometheus_text_without_anyones_name(make_gateway: Make) -> None:
    gateway = await make_gateway()
    gateway.connect("somebody@example.com").put('{"id":2,"subscribe":{"channel":"nosuchns:secret"}}')
    text = render_metrics(gateway.node)
    assert "centrifugo_node_num_clients 1\n" in text
    assert 'centrifugo_client_num_reply_errors{code="102"} 1\n' in text
    assert "somebody" not in text
    assert "secret" not in text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+', line), line
    assert metric_items(gateway.node)["centrifugo.client.num_reply_errors.code.102"] == 1


async def test_what_is_switched_off_is_not_found(make_gateway: Make) -> None:
    gateway = await make_gateway(api_key=None, health=False, metrics=False)
    api = Api(gateway.node)
    for method, path in (
        ("POST", "/api/info"),
        ("POST", "/api"),
        ("GET", "/health"),
        ("GET", "/metrics"),
        ("GET", "/"),
    ):
        assert api.answer(HttpRequest(method=method, path=path, body=b"{}")).status == 404


async def test_b64data_that_is_not_json_is_a_bad_request(make_gateway: Make) -> None:
    gateway = await make_gateway()
    api = Api(gateway.node)
    for b64data in (b"!!!!", b"bm90IGpzb24="):
        body = b'{"channel":"plain:x","b64data":"%b"}' % b64data
        request = HttpRequest(method="POST", path="/api/publish", headers={"x-api-key": "api-key"}, body=body)
        assert api.answer(request).body == b'{"error":{"code":107,"message":"bad request"}}'


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"message_size_limit_bytes": 0}, "message_size_limit_bytes"),
        ({"api_key": ""}, "api_key"),
        ({"namespaces": {"x": Namespace(force_recovery=True)}}, "namespaces.x"),
        ({"without_namespace": Namespace(force_recovery=True, history_size=1)}, "without_namespace"),
    ],
)
def test_configuration_that_contradicts_itself_names_the_setting(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        GatewayConfig(**settings)
    assert caught.value.setting == named


async def test_server_that_is_not_started_says_so(make_gateway: Make) -> None:
    gateway = await make_gateway()
    server = GatewayServer(GatewayConfig(port=0), verifier=gateway.node.verifier, proxy=None, clock=lambda: 0.0)
    with pytest.raises(UsageError):
        _ = server.node
    await server.stop()
    await server.start()
    try:
        with pytest.raises(UsageError):
            await server.start()
    finally:
        await server.stop()
        await server.stop()
