"""The JSON codec of the server API: bodies in, requests out, and the other way round.

Above: ``gateway.api``, ``backend.publisher``. Below: ``messages``. Sans-I/O.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from cadenza.errors import ProtocolError
from cadenza.protocol import lenient
from cadenza.protocol.codes import ReplyError

__all__ = ["decode_request", "decode_response", "encode", "encode_error", "encode_result"]

R = TypeVar("R")

_encoder = msgspec.json.Encoder()


class _ResultBody(msgspec.Struct, frozen=True):
    result: object


class _ErrorBody(msgspec.Struct, frozen=True):
    error: ReplyError


class _Response(msgspec.Struct, frozen=True, kw_only=True):
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: ReplyError | None = None


def decode_request(body: bytes, into: type[R]) -> R:
    """Read a request's body.

    Raises:
        ProtocolError: It is not such a request.
    """
    try:
        return lenient.decode(msgspec.json.Decoder(into), body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # Not chained: the cause may hold the body.
        raise ProtocolError(f"The body is not a {into.__name__}: {type(error).__name__}.") from None


def encode(message: msgspec.Struct) -> bytes:
    """Write a message as it stands: a request's body, or a bare error (``X-Centrifugo-Error-Mode: transport``)."""
    return _encoder.encode(message)


def encode_result(result: msgspec.Struct) -> bytes:
    """Write the answer that holds a result."""
    return _encoder.encode(_ResultBody(result=result))


def encode_error(error: ReplyError) -> bytes:
    """Write the answer that holds an error; it travels with HTTP status 200."""
    return _encoder.encode(_ErrorBody(error=error))


def decode_response(body: bytes, into: type[R]) -> R | ReplyError:
    """Read an answer: the result, or the error the server decided on.

    Raises:
        ProtocolError: It is neither.
    """
    response = decode_request(body, _Response)
    return decode_request(bytes(response.result), into) if response.error is None else response.error
