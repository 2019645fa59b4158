"""The compact form is read strictly."""

from __future__ import annotations

import msgspec
import pytest
from tests.tokens.kit import base64url

from cadenza.errors import TokenFormatError
from cadenza.tokens.compact import MAX_TOKEN_CHARACTERS, decode_json, split

ANYTHING = msgspec.json.Decoder(msgspec.Raw)


def read(raw: bytes) -> object:
    return decode_json(raw, ANYTHING, "token's claims")


def test_parts_come_back_decoded_and_the_signing_input_as_it_stood() -> None:
    text = f"{base64url(b'head')}.{base64url(b'claims!')}.{base64url(b'signature')}"
    parts = split(text)
    assert (parts.header, parts.payload, parts.signature) == (b"head", b"claims!", b"signature")
    assert parts.signing_input.decode() == text.rpartition(".")[0]
    assert "claims" not in repr(parts)


@pytest.mark.parametrize("length", range(1, 10))
def test_every_length_of_a_part_round_trips(length: int) -> None:
    data = bytes(range(250, 250 - length, -1))
    assert split(f"{base64url(data)}.QQ.QQ").header == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "QQ",
        "QQ.QQ",
        "QQ.QQ.",
        ".QQ.QQ",
        "QQ..QQ",
        "QQ.QQ.QQ.QQ",
        "QQ.QQ.QQ.QQ.QQ",  # the five parts of an encrypted token
        "QQ==.QQ.QQ",
        "QQ.QQ.QQ=",
        " QQ.QQ.QQ",
        "QQ.QQ.QQ\n",
        "QQ.Q Q.QQ",
        "QQ.QQ+.QQ",
        "QQ.QQ/.QQ",
        "Q.QQ.QQ",  # one character says less than a byte
        "QQQQQ.QQ.QQ",
        "QR.QQ.QQ",  # trailing bits that are not zero: another spelling of QQ
        "QQ.QQF.QQ",
        "QQ.QQ.Qf",
        "\uff31\uff31.QQ.QQ",
        "QQ.QQ.Q\u0307",
        "QQ.QQ.\x00",
        "QQ.QQ.\ud800",
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(TokenFormatError):
        split(text)


def test_a_huge_token_is_refused_before_it_is_read() -> None:
    whole = f"QQ.{'A' * (MAX_TOKEN_CHARACTERS - 8)}.QQAA"
    assert len(whole) == MAX_TOKEN_CHARACTERS
    assert split(whole).header == b"A"
    with pytest.raises(TokenFormatError, match=str(MAX_TOKEN_CHARACTERS)):
        split(f"A{whole}")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"sub":"a","sub":"b"}',
        b'{"sub":"a", "sub":"a"}',
        b'{"sub":"a","\\u0073ub":"b"}',
        b'{"meta":{"role":"user","role":"admin"}}',
        b'[{"a":[{"b":1,"b":2}]}]',
        b'{"":1,"":2}',
    ],
)
def test_a_member_named_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(TokenFormatError, match="twice"):
        read(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":{"a":{"a":1}}}',
        b'[{"a":1},{"a":1}]',
        b'{ "a" : 1 , "b" : 1e3 }',
        b'{"a":"\\u003c","A":"<"}',
        b'{"a":' + b"9" * 200 + b"}",
        '{"ä":1,"a":"ö"}'.encode(),
    ],
)
def test_any_other_json_is_read(raw: bytes) -> None:
    assert read(raw) == msgspec.Raw(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b"{'a':1}",
        "{}".encode("utf-16"),
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(raw: bytes) -> None:
    """RFC 8725 section 3.7, and nesting that would exhaust the stack."""
    with pytest.raises(TokenFormatError):
        read(raw)


def test_an_error_carries_nothing_of_the_text() -> None:
    with pytest.raises(TokenFormatError) as caught:
        read(b'{"email":"somebody@example.com","x":"\xff"}')
    assert "somebody" not in str(caught.value)
    assert caught.value.__cause__ is None
