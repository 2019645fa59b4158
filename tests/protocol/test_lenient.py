"""What Centrifugo's programs forgive in JSON is forgiven here, and nothing else."""

from __future__ import annotations

import contextlib
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.protocol import lenient


class _Inner(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "none"
    count: Annotated[int, msgspec.Meta(ge=0)] = 7


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    text: str = "none"
    data: msgspec.Raw = msgspec.Raw(b"")
    inner: _Inner | None = None
    by_name: dict[str, _Inner] = {}
    tags: dict[str, str] = {}


_DECODER = msgspec.json.Decoder(_Message)


def test_null_members_are_members_that_are_not_there() -> None:
    read = lenient.decode(
        _DECODER,
        b'{"text":null,"data":null,"inner":{"name":null,"count":3},"by_name":{"a":null,"b":{"count":null}},"tags":null}',
    )
    assert (read.text, read.tags, read.inner) == ("none", {}, _Inner(count=3))
    assert read.by_name == {"a": _Inner(), "b": _Inner()}
    assert bytes(read.data) == b"null"


def test_payloads_keep_their_nulls_and_their_spacing() -> None:
    read = lenient.decode(_DECODER, b'{"text":null,"data":{ "a" : null }}')
    assert bytes(read.data) == b'{ "a" : null }'


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (rb'{"text":"cut \ud83d"}', "cut \ufffd"),
        (rb'{"text":"\uDE00\uD83D"}', "\ufffd\ufffd"),
        (rb'{"text":"\ud83d\ud83d\ude00"}', "\ufffd\U0001f600"),
        (rb'{"text":"\\ud83d \ud83d"}', "\\ud83d \ufffd"),
        (rb'{"text":"\ud83d","tags":null}', "\ufffd"),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(line: bytes, text: str) -> None:
    assert lenient.decode(_DECODER, line).text == text


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"text":5}',
        b'{"inner":5}',
        b'{"inner":{"count":-1}}',
        b'{"by_name":null,"tags":{"a":null}}',
        b'{"text":null,"data":}',
        rb'{"text":"\ud83"}',
        rb'{"text":"\ud83d","inner":5}',
    ],
)
def test_nothing_else_is_forgiven(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        lenient.decode(_DECODER, line)


@given(st.binary() | st.text().map(lambda text: f'{{"text":null,"data":"{text}"}}'.encode("utf-8", "replace")))
def test_any_bytes_give_a_message_or_the_decoders_own_errors(line: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        assert isinstance(lenient.decode(_DECODER, line), _Message)
