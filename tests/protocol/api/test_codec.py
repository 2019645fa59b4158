"""The server API's codec: requests and answers both ways, payload bytes kept, garbage raises one error only."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.errors import ProtocolError
from cadenza.protocol.api import (
    BroadcastRequest,
    BroadcastResult,
    Disconnect,
    DisconnectRequest,
    EmptyResult,
    InfoResult,
    Metrics,
    NodeResult,
    PublishRequest,
    PublishResponse,
    PublishResult,
    UnsubscribeRequest,
    decode_request,
    decode_response,
    encode,
    encode_error,
    encode_result,
)
from cadenza.protocol.codes import ApiErrors, ReplyError

REQUESTS = [PublishRequest, BroadcastRequest, UnsubscribeRequest, DisconnectRequest]


@pytest.mark.parametrize(
    "message",
    [
        PublishRequest(channel="a:b", data=msgspec.Raw(b'{"n": 1.0}'), tags={"seq": "r:1"}, idempotency_key="k"),
        BroadcastRequest(channels=["a:b", "c"], data=msgspec.Raw(b"null"), skip_history=True),
        UnsubscribeRequest(channel="a:b", user="42"),
        DisconnectRequest(user="42", disconnect=Disconnect(code=4500, reason="session revoked"), whitelist=["x"]),
    ],
)
def test_requests_survive_the_way_there(message: msgspec.Struct) -> None:
    again = decode_request(encode(message), type(message))
    assert encode(again) == encode(message)
    assert json.loads(encode(again)) == json.loads(encode(message))


def test_payload_bytes_are_kept_and_absent_ones_left_out() -> None:
    assert encode(PublishRequest(channel="a", data=msgspec.Raw(b'{"n": 1.0}'))) == b'{"channel":"a","data":{"n": 1.0}}'
    assert encode(PublishRequest(channel="a")) == b'{"channel":"a"}'


@pytest.mark.parametrize(
    ("result", "body"),
    [
        (PublishResult(), '{"result":{}}'),
        (PublishResult(offset=1, epoch="e"), '{"result":{"offset":1,"epoch":"e"}}'),
        (EmptyResult(), '{"result":{}}'),
        (
            BroadcastResult(
                responses=[PublishResponse(result=PublishResult()), PublishResponse(error=ApiErrors.UNKNOWN_CHANNEL)]
            ),
            '{"result":{"responses":[{"result":{}},{"error":{"code":102,"message":"unknown channel"}}]}}',
        ),
    ],
)
def test_results_are_written_as_recorded(result: msgspec.Struct, body: str) -> None:
    assert encode_result(result).decode() == body
    assert encode(decode_back(body, type(result))) == encode(result)


def decode_back(body: str, into: type[msgspec.Struct]) -> msgspec.Struct:
    answer = decode_response(body.encode(), into)
    assert not isinstance(answer, ReplyError)
    return answer


def test_errors_travel_in_either_mode() -> None:
    assert encode_error(ApiErrors.BAD_REQUEST) == b'{"error":{"code":107,"message":"bad request"}}'
    assert encode(ApiErrors.BAD_REQUEST) == b'{"code":107,"message":"bad request"}'
    assert decode_response(encode_error(ApiErrors.BAD_REQUEST), PublishResult) == ApiErrors.BAD_REQUEST


def test_node_has_its_fields_in_the_recorded_order() -> None:
    node = NodeResult(
        uid="u",
        name="n",
        version="v",
        num_clients=1,
        num_users=1,
        num_channels=0,
        uptime=1,
        metrics=Metrics(interval=60.0, items={}),
    )
    fields = ["uid", "name", "version", "num_clients", "num_users", "num_channels", "uptime", "metrics", "num_subs"]
    assert list(json.loads(encode(InfoResult(nodes=[node])))["nodes"][0]) == fields


@given(st.binary(max_size=100), st.sampled_from(REQUESTS))
def test_garbage_raises_only_the_protocol_error(body: bytes, into: type[msgspec.Struct]) -> None:
    decoded: msgspec.Struct | None = None
    try:
        decoded = decode_request(body, into)
    except ProtocolError as error:
        assert error.__cause__ is None  # noqa: PT017 - a cause would hold the body
    assert decoded is None or isinstance(decoded, into)
