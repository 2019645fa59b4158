"""The proxy codec: round trips, absent payloads, precedence, and only one kind of error for garbage."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.errors import ProtocolError
from cadenza.protocol import proxy
from cadenza.protocol.proxy import (
    EMPTY,
    Disconnect,
    Error,
    RpcRequest,
    RpcResponse,
    RpcResult,
    SubscribeRequest,
    SubscribeResponse,
    SubscribeResult,
)

DECODERS = [
    proxy.decode_rpc_request,
    proxy.decode_rpc_response,
    proxy.decode_subscribe_request,
    proxy.decode_subscribe_response,
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
payloads = st.just(EMPTY) | json_values.map(lambda value: msgspec.Raw(json.dumps(value).encode()))
texts = st.text(max_size=30)


def plain(message: msgspec.Struct) -> dict[str, Any]:
    return {name: bytes(value) if isinstance(value, msgspec.Raw) else value for name, value in _fields(message)}


def _fields(message: msgspec.Struct) -> list[tuple[str, Any]]:
    return [(name, getattr(message, name)) for name in message.__struct_fields__]


@given(client=texts, user=texts, method=texts, data=payloads, meta=payloads)
def test_rpc_request_survives_the_wire(
    client: str, user: str, method: str, data: msgspec.Raw, meta: msgspec.Raw
) -> None:
    request = RpcRequest(client=client, user=user, method=method, data=data, meta=meta)
    assert plain(proxy.decode_rpc_request(proxy.encode_rpc_request(request))) == plain(request)


@given(client=texts, user=texts, channel=texts, data=payloads, meta=payloads)
def test_subscribe_request_survives_the_wire(
    client: str, user: str, channel: str, data: msgspec.Raw, meta: msgspec.Raw
) -> None:
    request = SubscribeRequest(client=client, user=user, channel=channel, data=data, meta=meta)
    assert plain(proxy.decode_subscribe_request(proxy.encode_subscribe_request(request))) == plain(request)


@given(data=payloads)
def test_rpc_result_survives_the_wire(data: msgspec.Raw) -> None:
    decoded = proxy.decode_rpc_response(proxy.encode_rpc_response(RpcResponse(result=RpcResult(data=data))))
    assert decoded.result is not None
    assert bytes(decoded.result.data) == bytes(data)


@given(data=payloads, info=payloads, expire_at=st.integers(min_value=0, max_value=2**40))
def test_subscribe_result_survives_the_wire(data: msgspec.Raw, info: msgspec.Raw, expire_at: int) -> None:
    result = SubscribeResult(info=info, data=data, expire_at=expire_at)
    decoded = proxy.decode_subscribe_response(proxy.encode_subscribe_response(SubscribeResponse(result=result)))
    assert decoded.result is not None
    assert plain(decoded.result) == plain(result)


@given(code=st.integers(min_value=0, max_value=2**32 - 1), message=texts, temporary=st.booleans())
def test_error_survives_the_wire(*, code: int, message: str, temporary: bool) -> None:
    error = Error(code=code, message=message, temporary=temporary)
    assert proxy.decode_rpc_response(proxy.encode_rpc_response(RpcResponse(error=error))).error == error
    assert (
        proxy.decode_subscribe_response(proxy.encode_subscribe_response(SubscribeResponse(error=error))).error == error
    )


def test_disconnect_is_written_before_an_error_and_an_error_before_a_result() -> None:
    disconnect = Disconnect(code=4500, reason="revoked")
    both = RpcResponse(result=RpcResult(), error=Error(code=1), disconnect=disconnect)
    assert proxy.encode_rpc_response(both) == b'{"disconnect":{"code":4500,"reason":"revoked"}}'
    assert proxy.encode_rpc_response(RpcResponse(result=RpcResult(), error=Error(code=1))) == b'{"error":{"code":1}}'
    assert proxy.encode_subscribe_response(SubscribeResponse(disconnect=disconnect)) == (
        b'{"disconnect":{"code":4500,"reason":"revoked"}}'
    )


def test_payload_keeps_its_whitespace_and_numbers_to_the_byte() -> None:
    data = msgspec.Raw(b'{ "n": 1.50,\t"big": 1e400 }')
    assert proxy.encode_rpc_response(RpcResponse(result=RpcResult(data=data))) == (
        b'{"result":{"data":{ "n": 1.50,\t"big": 1e400 }}}'
    )


def test_fields_stand_in_the_order_centrifugo_sends_them() -> None:
    request = RpcRequest(client="c", user="42", method="m", data=msgspec.Raw(b"{}"), meta=msgspec.Raw(b'{"a":1}'))
    assert list(json.loads(proxy.encode_rpc_request(request))) == [
        "client",
        "transport",
        "protocol",
        "encoding",
        "user",
        "method",
        "data",
        "meta",
    ]


def test_absent_user_means_anonymous_and_unknown_fields_are_ignored() -> None:
    request = proxy.decode_rpc_request(b'{"client":"c","method":"m","later":[1,{"x":2}]}')
    assert (request.user, bytes(request.data), bytes(request.meta)) == ("", b"", b"")


def test_empty_object_is_an_empty_result_as_centrifugo_takes_it() -> None:
    assert proxy.decode_rpc_response(b"{}").result is not None
    assert proxy.decode_subscribe_response(b"{}").result is not None


@pytest.mark.parametrize("decode", DECODERS)
@given(body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_garbage_raises_only_the_protocol_error(decode: Any, body: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode(body)


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"client":1,"error":1}', b"[" * 100_000, b'{"client":"c","data":' + b"[" * 100_000],
    ids=["empty", "array", "null", "wrong type", "deep", "deep payload"],
)
def test_unreadable_bodies_are_refused_without_quoting_them(decode: Any, body: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(body)
    assert "[[[" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "body", [b'{"result":3}', b'{"error":{"message":"no code"}}', b'{"disconnect":{}}'], ids=["result", "error", "disc"]
)
def test_responses_of_the_wrong_form_are_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        proxy.decode_rpc_response(body)
    with pytest.raises(ProtocolError):
        proxy.decode_subscribe_response(body)


def test_requests_without_a_client_are_refused() -> None:
    with pytest.raises(ProtocolError):
        proxy.decode_rpc_request(b'{"method":"m"}')
    with pytest.raises(ProtocolError):
        proxy.decode_subscribe_request(b'{"channel":"x"}')


def test_base64_stands_in_for_payloads() -> None:
    rpc = proxy.decode_rpc_response(b'{"result":{"data":1,"b64data":"eyJhIjoxfQ=="}}')
    assert rpc.result is not None
    assert bytes(rpc.result.data) == b'{"a":1}'
    subscribe = proxy.decode_subscribe_response(b'{"result":{"data":[1, 2],"b64info":"eyJhIjoxfQ=="}}')
    assert subscribe.result is not None
    assert (bytes(subscribe.result.info), bytes(subscribe.result.data)) == (b'{"a":1}', b"[1, 2]")


@pytest.mark.parametrize("packed", ["@@", "YWJj", "/w=="], ids=["not base64", "not JSON", "not UTF-8"])
def test_base64_that_holds_no_json_is_refused(packed: str) -> None:
    with pytest.raises(ProtocolError):
        proxy.decode_rpc_response(b'{"result":{"b64data":"%b"}}' % packed.encode())
    with pytest.raises(ProtocolError):
        proxy.decode_subscribe_response(b'{"result":{"b64info":"%b"}}' % packed.encode())


def test_override_reaches_the_gateway() -> None:
    override = proxy.Override(force_recovery=proxy.Flag(value=False), force_positioning=proxy.Flag(value=True))
    sent = proxy.SubscribeResponse(result=proxy.SubscribeResult(override=override))
    assert proxy.decode_subscribe_response(proxy.encode_subscribe_response(sent)) == sent


@pytest.mark.parametrize("code", [b"-1", b"4294967296", b'"1000"', b"1000.5"])
def test_codes_that_no_frame_can_carry_are_refused(code: bytes) -> None:
    for kind in (b"error", b"disconnect"):
        with pytest.raises(ProtocolError):
            proxy.decode_rpc_response(b'{"%b":{"code":%b}}' % (kind, code))


def test_null_members_of_an_answer_are_absent() -> None:
    answer = proxy.decode_rpc_response(b'{"error":{"code":1000,"message":null,"temporary":null},"result":null}')
    assert answer == proxy.RpcResponse(error=proxy.Error(code=1000))
