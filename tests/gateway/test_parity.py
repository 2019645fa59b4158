"""What runs of random commands against the real Centrifugo 6.9.1 and this gateway showed to differ, and no longer does.

Each expectation is what Centrifugo answered to the same input.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.gateway.kit import Gated, Gateway, RecordedBackend, make_token, turns

from cadenza.gateway import authenticate
from cadenza.gateway.api import Api, HttpRequest
from cadenza.gateway.ports import SubscriptionGrant
from cadenza.protocol.proxy import Flag, Override, SubscribeResponse, SubscribeResult

Make = Callable[..., Awaitable[Gateway]]
BAD_REQUEST = {"error": {"code": 107, "message": "bad request"}}
NOT_FOUND = {"error": {"code": 104, "message": "not found"}}
UNKNOWN_CHANNEL = {"error": {"code": 102, "message": "unknown channel"}}
ENDED = {"code": 2000, "reason": "server unsubscribe"}


def post(gateway: Gateway, path: str, body: str) -> Any:
    """Ask the server API; its answer, or its status when that is not 200."""
    request = HttpRequest(method="POST", path=path, headers={"x-api-key": "api-key"}, body=body.encode())
    answer = Api(gateway.node).answer(request)
    return json.loads(answer.body) if answer.status == 200 else answer.status


# The client protocol


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('{"id":2,"subscribe":{"channel":"plain:x","token":null,"recover":null,"data":null}}', {"subscribe": {}}),
        ('{"id":2,"unsubscribe":{"channel":"plain:x"},"publish":null}', {"unsubscribe": {}}),
        ('{"id":2,"publish":{"channel":"plain:\\ud800","data":1}}', BAD_REQUEST),
        ('{"id":2,"publish":{"channel":"plain:x","data":"cut \\ud83d"}}', {"publish": {}}),
        ('{"id":2,"subscribe":{"channel":"plain:x","tf":{"op":"eq","key":"a","val":"b"}}}', BAD_REQUEST),
        ('{"id":2,"subscribe":{"channel":"plain:x","tf":null,"delta":"fossil"}}', {"subscribe": {}}),
        ('{"id":2,"subscribe":{"channel":":x"}}', {"error": {"code": 103, "message": "permission denied"}}),
        ('{"id":2,"subscribe":{"channel":"$$plain:x"}}', UNKNOWN_CHANNEL),
        ('{"id":2,"rpc":{"method":"ns:ok"}}', {"error": {"code": 104, "message": "method not found"}}),
        ('{"id":2,"rpc":{"method":":ok","data":null}}', {"rpc": {}}),
    ],
)
async def test_command_is_answered_as_centrifugo_does(
    make_gateway: Make, backend: RecordedBackend, command: str, answer: Any
) -> None:
    gateway = await make_gateway(proxy=backend)
    assert gateway.connect().ask(command) == [{"id": 2, **answer}]


async def test_unknown_delta_closes_with_3501(make_gateway: Make) -> None:
    socket = (await make_gateway()).connect()
    socket.put('{"id":2,"subscribe":{"channel":"nosuchns:x","delta":"xdelta"}}')
    assert socket.closed is not None
    assert socket.closed.code == 3501


async def test_token_may_set_recovery_and_positioning_of_its_subscriptions(make_gateway: Make) -> None:
    gateway = await make_gateway()
    subs = {
        "hist:x": {"override": {"force_recovery": {"value": False}}},
        "plain:x": {"override": {"force_positioning": {"value": True}}},
        "hist:y": {"override": None},
        "": {},
    }
    command = {"id": 1, "connect": {"token": make_token(sub="42", subs=subs), "subs": {"": {}}}}
    (reply,) = gateway.open().ask(json.dumps(command))
    given = reply["connect"]["subs"]
    assert given.keys() == {"hist:x", "plain:x", "hist:y"}
    assert given["hist:x"] == {}
    assert given["plain:x"].keys() == {"epoch", "positioned"}
    assert given["hist:y"].keys() == {"recoverable", "epoch", "positioned"}


@pytest.mark.parametrize(
    ("first", "ended", "second", "code"),
    [
        (["plain:x", ""], "", ["plain:x"], None),
        (["plain:x"], "plain:x", ["plain:x"], 3010),
        (["plain:x"], "plain:x", [], None),
        (["plain:x"], "", [], 3010),
        ([], "", ["plain:x"], 3010),
    ],
)
async def test_refresh_compares_the_tokens_channels_with_the_subscriptions_there_are(
    make_gateway: Make, first: list[str], ended: str, second: list[str], code: int | None
) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(channels=first)
    if ended:
        gateway.node.unsubscribe("42", ended)
    socket.put(json.dumps({"id": 2, "refresh": {"token": make_token(sub="42", channels=second)}}))
    assert (socket.closed.code if socket.closed else None) == code


async def test_refresh_with_a_channel_of_no_namespace_is_an_unknown_channel(make_gateway: Make) -> None:
    socket = (await make_gateway()).connect()
    token = make_token(sub="42", channels=["nosuchns:x"])
    assert socket.ask(json.dumps({"id": 2, "refresh": {"token": token}})) == [{"id": 2, **UNKNOWN_CHANNEL}]
    assert socket.closed is None


async def test_info_that_is_not_json_reaches_nobody(make_gateway: Make) -> None:
    gateway = await make_gateway()
    who = authenticate.credentials(_BytesToken(), now=0.0)
    assert not who.info
    assert bytes(gateway.connect("u", info={"a": 1}).connection.who.info) == b'{"a": 1}'


class _BytesToken:
    """What the verifier makes of a token whose ``b64info`` holds no JSON."""

    sub = "42"
    connection_expires_at = None
    meta = b""
    info = b"abc"
    channels: tuple[str, ...] = ()
    subs: Mapping[str, SubscriptionGrant] = {}


async def test_backend_may_set_recovery_and_positioning_of_a_subscription(make_gateway: Make) -> None:
    class Overriding(Gated):
        async def subscribe(self, request: Any, peer: Any, /) -> SubscribeResponse:
            del peer, request
            override = Override(force_recovery=Flag(value=True))
            return SubscribeResponse(result=SubscribeResult(expire_at=-1, override=override))

    gateway = await make_gateway(proxy=Overriding())
    (reply,) = gateway.connect().ask('{"id":2,"subscribe":{"channel":"psub:x"}}')
    assert reply["subscribe"].keys() == {"recoverable", "epoch", "positioned"}


async def test_subscription_that_the_backend_lets_expire_says_when(make_gateway: Make) -> None:
    class Expiring(Gated):
        async def subscribe(self, request: Any, peer: Any, /) -> SubscribeResponse:
            del peer, request
            return SubscribeResponse(result=SubscribeResult(expire_at=int(gateway.time.clock()) + 100))

    gateway = await make_gateway(proxy=Expiring())
    (reply,) = gateway.connect().ask('{"id":2,"subscribe":{"channel":"psub:x"}}')
    assert reply == {"id": 2, "subscribe": {"expires": True, "ttl": 100}}


async def test_name_too_long_is_refused_before_the_channel_limit_counts(make_gateway: Make) -> None:
    gateway = await make_gateway(client_channel_limit=1)
    socket = gateway.connect(channels=["plain:x"])
    for channel, code in (("plain:" + "y" * 249, 106), ("plain:" + "y" * 250, 107), ("plain:" + "é" * 125, 107)):
        (reply,) = socket.ask(json.dumps({"id": 2, "subscribe": {"channel": channel}}))
        assert reply["error"]["code"] == code


async def test_subscription_ended_while_the_backend_decides_ends_once_it_has_begun(make_gateway: Make) -> None:
    backend = Gated()
    gateway = await make_gateway(proxy=backend)
    socket = gateway.connect()
    assert socket.ask('{"id":2,"subscribe":{"channel":"psub:x"}}') == []
    assert post(gateway, "/api/unsubscribe", '{"user":"42","channel":"psub:x"}') == {"result": {}}
    assert socket.take() == []
    backend.gate("psub:x").set()
    await turns(gateway)
    assert socket.take() == [{"id": 2, "subscribe": {}}, {"push": {"channel": "psub:x", "unsubscribe": ENDED}}]
    assert gateway.node.hub.subscription_count == 0


# The server API


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("publish", '{"channel":"plain:x","data":null,"tags":null,"idempotency_key":null}', {"result": {}}),
        ("publish", '{"channel":null,"data":1}', BAD_REQUEST),
        ("publish", '{"channel":"nosuchns:x","b64data":"@@"}', BAD_REQUEST),
        ("publish", '{"channel":"nosuchns:x"}', UNKNOWN_CHANNEL),
        ("publish", '{"channel":":x","data":1}', {"result": {}}),
        ("publish", '{"channel":"$$plain:x","data":1}', UNKNOWN_CHANNEL),
        ("broadcast", '{"channels":["plain:x"],"b64data":"@@"}', BAD_REQUEST),
        ("broadcast", '{"channels":["plain:x"]}', {"result": {"responses": [BAD_REQUEST]}}),
        ("batch", '{"commands":null}', {}),
        ("batch", '{"commands":[null,{},{"publish":null}]}', {"replies": [BAD_REQUEST, NOT_FOUND, NOT_FOUND]}),
        (
            "batch",
            '{"commands":[{"unsubscribe":{"channel":"a"},"publish":{"channel":"plain:x","data":1}}]}',
            {"replies": [{"publish": {}}]},
        ),
    ],
)
async def test_api_call_is_answered_as_centrifugo_does(make_gateway: Make, path: str, body: str, answer: Any) -> None:
    assert post(await make_gateway(), f"/api/{path}", body) == answer


async def test_batch_is_read_whole_before_any_of_it_is_done(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(channels=["plain:x"])
    body = '{"commands":[{"publish":{"channel":"plain:x","data":1}},{"publish":{"channel":5}}]}'
    assert post(gateway, "/api/batch", body) == 400
    assert socket.take() == []


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ('{"method":"batch","params":{"commands":[]}}', 400),
        ('{"method":"nosuch","params":{}}', 400),
        ('{"method":"publish","params":{"channel":5}}', BAD_REQUEST),
        ('{"method":"publish","params":{"channel":"plain:x","data":1}}', {"result": {}}),
    ],
)
async def test_old_way_of_asking_is_answered_as_centrifugo_does(make_gateway: Make, body: str, answer: Any) -> None:
    assert post(await make_gateway(), "/api", body) == answer


@pytest.mark.parametrize("method", ["disconnect", "unsubscribe"])
async def test_session_picks_no_websocket(make_gateway: Make, method: str) -> None:
    gateway = await make_gateway()
    socket = gateway.connect(channels=["plain:x"])
    body = '{"user":"42","channel":"plain:x","session":"0123"}'
    assert post(gateway, f"/api/{method}", body) == {"result": {}}
    assert socket.closed is None
    assert socket.take() == []


async def test_disconnect_without_a_code_has_none(make_gateway: Make) -> None:
    gateway = await make_gateway()
    socket = gateway.connect()
    assert post(gateway, "/api/disconnect", '{"user":"42","disconnect":{"reason":null}}') == {"result": {}}
    assert socket.closed is not None
    assert (socket.closed.code, socket.closed.reason) == (0, "")
    assert post(gateway, "/api/disconnect", '{"user":"42","disconnect":{"code":-1}}') == 400
