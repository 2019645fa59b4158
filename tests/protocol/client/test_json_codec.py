"""The JSON codec: any split gives the same commands, payload bytes survive, garbage raises one error only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cadenza.errors import ProtocolError
from cadenza.protocol.client import (
    ABSENT,
    EMPTY_RESULT,
    ClientInfo,
    Command,
    ConnectRequest,
    ConnectResult,
    Publication,
    Push,
    RefreshRequest,
    RefreshResult,
    Reply,
    RpcRequest,
    RpcResult,
    SubscribeRequest,
    SubscribeResult,
    UnsubscribePush,
    decode_command,
    encode_publication,
    encode_push,
    encode_reply,
    encode_rpc_reply,
    join_lines,
    split_frame,
)
from cadenza.protocol.codes import ClientErrors

NAMES = Path(__file__).resolve().parents[2] / "data" / "gateway" / "client-protocol.json"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
payloads = json_values.map(lambda value: json.dumps(value).encode())
commands = st.builds(
    lambda number, method, data: (
        b'{"id":%d,"rpc":{"method":%b,"data":%b}}' % (number, json.dumps(method).encode(), data),
        (number, method, data),
    ),
    st.integers(1, 2**32 - 1),
    st.text(max_size=20),
    payloads,
)


@given(batch=st.lists(commands, min_size=1, max_size=5), trailing=st.booleans())
def test_batched_commands_are_read_in_order_with_their_payload_bytes(
    batch: list[tuple[bytes, tuple[int, str, bytes]]], *, trailing: bool
) -> None:
    frame = b"\n".join(line for line, _ in batch) + (b"\n" if trailing else b"")
    read = [decode_command(line) for line in split_frame(frame)]
    assert [(c.id, c.rpc and c.rpc.method, c.rpc and bytes(c.rpc.data)) for c in read] == [want for _, want in batch]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"")
@example(b"{}\n\n{}")
@example(b'{"id":-1}')
@example(b'{"id":4294967296}')
@example(b'{"id":1,"rpc":{"data":\xff}}')
@example(b'{"id":1,"rpc":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[')
@example(b"[" * 100_000)
@example(b'{"id":1,"rpc":{"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}}")
def test_garbage_raises_only_the_protocol_error(frame: bytes) -> None:
    for line in split_frame(frame):
        try:
            command = decode_command(line)
        except ProtocolError as error:
            assert error.__cause__ is None  # noqa: PT017 - a cause would hold the line, and the line may hold a token
        else:
            assert isinstance(command, Command)


def test_empty_frame_is_one_line_that_is_no_command() -> None:
    assert split_frame(b"") == [b""]
    with pytest.raises(ProtocolError):
        decode_command(b"")


def test_at_most_one_newline_ends_a_frame() -> None:
    assert split_frame(b"{}\n") == [b"{}"]
    assert split_frame(b"{}\n\n") == [b"{}", b""]


def test_payload_bytes_are_kept_as_they_stand() -> None:
    line = b'{"id":3,"publish":{"channel":"a","data":{ "b" : 1.0 , "a":[1,  2], "u":"\\u0041<>&" }}}'
    publish = decode_command(line).publish
    assert publish is not None
    assert bytes(publish.data) == b'{ "b" : 1.0 , "a":[1,  2], "u":"\\u0041<>&" }'


def test_absent_payload_and_null_differ() -> None:
    absent, null = decode_command(b'{"id":1,"rpc":{}}').rpc, decode_command(b'{"id":1,"rpc":{"data":null}}').rpc
    assert absent is not None
    assert null is not None
    assert absent.data is ABSENT
    assert bytes(null.data) == b"null"


@given(payloads, st.integers(1, 2**32 - 1))
def test_rpc_reply_is_one_line_that_says_the_same(data: bytes, number: int) -> None:
    line = encode_rpc_reply(number, msgspec.Raw(data))
    assert b"\n" not in line
    assert line == encode_reply(Reply(id=number, rpc=RpcResult(data=msgspec.Raw(data))))
    assert json.loads(line) == {"id": number, "rpc": {"data": json.loads(data)}}


@given(st.lists(st.sampled_from(["{", "\n", '"a"', ":", "1", " ", "}", "[", "]", ","]), max_size=20))
def test_no_line_ever_holds_a_newline(parts: list[str]) -> None:
    data = msgspec.Raw("".join(parts).encode() or b"0")
    publication = Publication(data=data, tags={"a": "b\nc"})
    lines = [
        encode_publication("x", publication),
        encode_push(Push(channel="x\ny", pub=publication)),
        encode_reply(Reply(id=1, rpc=RpcResult(data=data))),
        encode_rpc_reply(1, data),
    ]
    assert all(b"\n" not in line for line in lines)
    assert join_lines(lines).split(b"\n") == lines


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (Reply(id=1, error=ClientErrors.TOKEN_EXPIRED), '{"id":1,"error":{"code":109,"message":"token expired"}}'),
        (
            Reply(id=1, error=ClientErrors.INTERNAL),
            '{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}',
        ),
        (Reply(id=2, subscribe=SubscribeResult()), '{"id":2,"subscribe":{}}'),
        (Reply(id=2, unsubscribe=EMPTY_RESULT), '{"id":2,"unsubscribe":{}}'),
        (Reply(id=2, refresh=RefreshResult(expires=True, ttl=60)), '{"id":2,"refresh":{"expires":true,"ttl":60}}'),
        (Reply(id=2, rpc=RpcResult()), '{"id":2,"rpc":{}}'),
        (
            Reply(id=1, connect=ConnectResult(client="c", version="v", ping=25, pong=True)),
            '{"id":1,"connect":{"client":"c","version":"v","ping":25,"pong":true}}',
        ),
    ],
)
def test_replies_are_written_as_recorded(reply: Reply, line: str) -> None:
    assert encode_reply(reply).decode() == line


def test_pushes_are_written_as_recorded() -> None:
    info = ClientInfo(user="", client="c", conn_info=msgspec.Raw(b'{"n": 1}'))
    publication = Publication(data=msgspec.Raw(b"1"), info=info, offset=1, tags={"t": "1"}, epoch="e")
    assert encode_publication("a:b", publication).decode() == (
        '{"push":{"channel":"a:b","pub":{"data":1,"info":{"user":"","client":"c","conn_info":{"n": 1}},'
        '"offset":1,"tags":{"t":"1"},"epoch":"e"}}}'
    )
    ended = UnsubscribePush(code=2000, reason="server unsubscribe")
    assert encode_push(Push(channel="a:b", unsubscribe=ended)).decode() == (
        '{"push":{"channel":"a:b","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}'
    )


@pytest.mark.parametrize(
    "message", [ConnectRequest(token="hush"), SubscribeRequest(token="hush"), RefreshRequest(token="hush")]
)
def test_tokens_never_show(message: Any) -> None:
    assert "hush" not in repr(message)
    assert "hush" not in repr(Command(id=1, connect=message if isinstance(message, ConnectRequest) else None))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Command, "Command"),
        (ConnectRequest, "ConnectRequest"),
        (SubscribeRequest, "SubscribeRequest"),
        (RpcRequest, "RPCRequest"),
        (RefreshRequest, "RefreshRequest"),
        (Reply, "Reply"),
        (ConnectResult, "ConnectResult"),
        (SubscribeResult, "SubscribeResult"),
        (RefreshResult, "RefreshResult"),
        (RpcResult, "RPCResult"),
        (Publication, "Publication"),
        (ClientInfo, "ClientInfo"),
        (Push, "Push"),
        (UnsubscribePush, "Unsubscribe"),
    ],
)
def test_fields_have_the_protocols_names(ours: type[msgspec.Struct], theirs: str) -> None:
    known = {field["name"] for field in json.loads(NAMES.read_text())["messages"][theirs]}
    seen_on_the_wire = {"epoch"} if theirs == "Publication" else set()
    assert set(ours.__struct_fields__) <= known | seen_on_the_wire
