"""The JSON codec of the client protocol: frames in, commands out; replies in, lines out.

Above: ``gateway.connection`` and ``gateway.node``. Below: ``messages``. Sans-I/O: bytes in, values out, and back.

A frame holds one or more commands, separated by exactly one newline, with at most one at its end. A payload is never
parsed: its bytes reach the other side with their spacing and number format kept (``publish_raw_json_preserved``).
"""

from __future__ import annotations

import msgspec

from cadenza.errors import ProtocolError
from cadenza.protocol import lenient
from cadenza.protocol.client.messages import Command, Publication, Push, Reply

__all__ = [
    "NEWLINE",
    "PING",
    "decode_command",
    "encode_publication",
    "encode_push",
    "encode_reply",
    "encode_rpc_reply",
    "join_lines",
    "split_frame",
]

PING = b"{}"
"""A ping is an empty reply, its answer an empty command."""

NEWLINE = 0x0A
"""Separates commands and replies in a frame."""

_decoder = msgspec.json.Decoder(Command)
_encoder = msgspec.json.Encoder()


class _PushReply(msgspec.Struct, frozen=True):
    push: Push


def split_frame(frame: bytes) -> list[bytes]:
    """Split a frame into its commands' lines, undecoded, so that those before a broken one are served."""
    if NEWLINE not in frame:
        return [frame]
    return (frame[:-1] if frame[-1] == NEWLINE else frame).split(b"\n")


def decode_command(line: bytes) -> Command:
    """Decode one command.

    Raises:
        ProtocolError: It is not a command. Nothing else is ever raised, whatever the bytes.
    """
    try:
        return lenient.decode(_decoder, line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The cause is not chained: it may hold the line, and the line may hold a token.
        raise ProtocolError(f"The line is not a command: {type(error).__name__}.") from None


def encode_reply(reply: Reply) -> bytes:
    """Encode one reply as one line."""
    return _one_line(_encoder.encode(reply))


def encode_rpc_reply(command_id: int, data: msgspec.Raw) -> bytes:
    """Encode the reply to an RPC that has a result: the most frequent reply, without the detour over a struct."""
    return _one_line(b'{"id":%d,"rpc":{"data":%b}}' % (command_id, data))


def encode_push(push: Push) -> bytes:
    """Encode one push as one line."""
    return _one_line(_encoder.encode(_PushReply(push=push)))


def encode_publication(channel: str, publication: Publication) -> bytes:
    """Encode a publication's push, once for all its receivers."""
    return _one_line(_encoder.encode(_PushReply(push=Push(channel=channel, pub=publication))))


def _one_line(line: bytes) -> bytes:
    """Take newlines out: they separate commands, and in valid JSON they only ever are formatting between tokens."""
    return line if NEWLINE not in line else line.replace(b"\n", b"")


def join_lines(lines: list[bytes]) -> bytes:
    """Put several replies and pushes into one frame."""
    return b"\n".join(lines)
