r"""JSON as Centrifugo's programs read it: more leniently than msgspec in two things.

Above: the codecs ``client.json_codec``, ``api.codec`` and ``proxy.codec``, whose peers are written in Go or expect one
that is. Below: msgspec. Sans-I/O.

A member that is ``null`` is one that is not there: every Go field has a zero value and ``null`` leaves it there.
Clients rely on it (a model dumped with its unset members, ``{"channel": "x", "tags": null}``). In payloads
(``msgspec.Raw``) ``null`` is a value and kept.

Half of a surrogate pair (``"\ud83d"``) is no error: JavaScript writes one for a text cut inside an emoji, and that must
not close anyone's socket. It becomes U+FFFD, which is what Go's decoder makes of it.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

__all__ = ["decode"]

T = TypeVar("T")

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members)
_encode = msgspec.json.Encoder().encode
_NULL = b"null"
# Each escape is taken whole, so a backslash that is itself escaped starts none.
_ESCAPE = re.compile(
    rb"""\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)""",
    re.DOTALL,
)
_REPLACEMENT = rb"\ufffd"


def decode(decoder: msgspec.json.Decoder[T], line: bytes) -> T:
    """Decode ``line``; where that fails, once more with what is forgiven made good.

    What needs nothing forgiven costs nothing more than the decoder itself.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError: It is not such a message.
    """
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        return decoder.decode(_without_nulls(_mended(line), decoder.type))
    except msgspec.DecodeError:
        mended = _mended(line)
        if mended == line:
            raise
        return decode(decoder, mended)


def _mended(line: bytes) -> bytes:
    """Replace half surrogate pairs."""
    if b"\\ud" not in line and b"\\uD" not in line:
        return line
    return _ESCAPE.sub(lambda escape: _REPLACEMENT if escape["half"] else escape[0], line)


def _without_nulls(line: bytes, into: Any) -> bytes:  # noqa: ANN401 - any type annotation
    """Drop ``null`` members of a struct and of the structs in it, as far as ``into`` describes them."""
    into = _plain(into)
    if not line.lstrip().startswith(b"{"):
        return line
    if isinstance(into, type) and issubclass(into, msgspec.Struct):
        fields: Mapping[str, Any] = {f.encode_name: f.type for f in msgspec.structs.fields(into)}
        kept = {
            name: _member(raw, fields[name])
            for name, raw in _members.decode(line).items()
            if name in fields and not (bytes(raw) == _NULL and _plain(fields[name]) is not msgspec.Raw)
        }
        return _encode(kept)
    if typing.get_origin(into) is dict:
        of = typing.get_args(into)[1]
        return _encode({name: _member(raw, of) for name, raw in _members.decode(line).items()})
    return line


def _member(raw: msgspec.Raw, into: Any) -> msgspec.Raw:  # noqa: ANN401 - any type annotation
    plain = _plain(into)
    if plain is msgspec.Raw:
        return raw
    if bytes(raw) == _NULL and isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return msgspec.Raw(b"{}")  # a null among a mapping's values is a zero value too
    return msgspec.Raw(_without_nulls(bytes(raw), plain))


def _plain(into: Any) -> Any:  # noqa: ANN401 - any type annotation
    """Take ``Annotated`` and ``| None`` away."""
    while typing.get_origin(into) is typing.Annotated:
        into = typing.get_args(into)[0]
    if typing.get_origin(into) in {typing.Union, types.UnionType}:
        rest = [_plain(one) for one in typing.get_args(into) if one is not type(None)]
        return rest[0] if len(rest) == 1 else into
    return into
