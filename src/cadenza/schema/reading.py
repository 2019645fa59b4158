"""What happens when a payload does not read: a null for an optional field is forgiven, anything else named.

Above: ``method``, ``events``, ``channels``. Below: msgspec, errors. Only the slow path stands here: a payload that
reads at once never comes this way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from cadenza.errors import ProtocolError, ValidationError
from cadenza.schema.codes import Code

__all__ = ["UNREADABLE", "field_of", "misfit", "reread", "reread_received"]

#: What msgspec raises for a payload it cannot read. Nesting too deep for the stack is the sender's fault as well.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")

_PATH: Final = re.compile(r" - at `(?:key` in `)?\$\.?(?P<path>[^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]+)`")
_LONGEST_MESSAGE: Final = 200


def reread(error: Exception, decoder: msgspec.json.Decoder[T], payload: bytes | msgspec.Raw) -> T:
    """Read once more with nulls of optional fields left out; raise ``error`` where that does not help.

    The contract's own client omits what is not set, others write null for it (``contract/README.md``: "Null for an
    optional field parses as absent"). Most optional fields take null as it stands; this is for those with a default.
    """
    text = bytes(payload)
    if isinstance(error, msgspec.ValidationError) and b"null" in text:
        try:
            pruned = _without_nulls(msgspec.json.decode(text), msgspec.inspect.type_info(decoder.type))
            return msgspec.convert(pruned, decoder.type)
        except UNREADABLE:
            pass  # the first error says it better: it speaks of what was sent
    raise error


def reread_received(error: Exception, decoder: msgspec.json.Decoder[T], payload: bytes | msgspec.Raw) -> T:
    """Do as ``reread`` for what a server sent: there a misfit is the peer's misbehaviour, not the caller's mistake.

    Raises:
        ProtocolError: The message names the field.
    """
    try:
        return reread(error, decoder, payload)
    except UNREADABLE:
        # `from None`: an error of msgspec or of the decoder of UTF-8 may hold the payload, and that may hold a token.
        raise ProtocolError(f"The answer does not fit the contract. {misfit(error).message}") from None


def misfit(error: Exception) -> ValidationError:
    """Say what does not read, and where: code 22015, ``field`` the path in wire names, empty for the whole payload."""
    return ValidationError(_sentence(error), field=field_of(error), code=Code.INVALID_ARGUMENT)


def field_of(error: Exception) -> str:
    """Return the path of the field that an error of msgspec speaks of, in wire names: ``tradeOrder.fees[0].asset``."""
    text = str(error)
    found = _PATH.search(text)
    path = found["path"] if found else ""
    missing = _MISSING.search(text)
    return ".".join(part for part in (path, missing["name"] if missing else "") if part)


def _sentence(error: Exception) -> str:
    """Say what is wrong without the payload: only the text of an unknown enum value is repeated, cut short."""
    if isinstance(error, RecursionError):
        return "The payload is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "The payload is not UTF-8."
    text = _PATH.sub("", str(error))
    field = field_of(error)
    if len(text) > _LONGEST_MESSAGE:
        text = text[:_LONGEST_MESSAGE] + "..."
    return f"{field}: {text}." if field else f"{text}."


def _without_nulls(value: object, info: msgspec.inspect.Type) -> object:
    """Leave out the nulls of fields that are optional and do not know null, wherever the type has such."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _without_nulls(value, info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        for option in info.types:
            value = _without_nulls(value, option)
        return value
    if isinstance(info, msgspec.inspect.StructType) and isinstance(value, Mapping):
        fields = {field.encode_name: field for field in info.fields}
        return {
            name: _without_nulls(part, fields[name].type) if name in fields else part
            for name, part in value.items()
            if part is not None or name not in fields or not _forgives_null(fields[name])
        }
    if isinstance(info, msgspec.inspect.CollectionType) and isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_nulls(item, info.item_type) for item in value]
    return value


def _forgives_null(field: msgspec.inspect.Field) -> bool:
    info: object = field.type
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    options = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return not field.required and not any(isinstance(option, msgspec.inspect.NoneType) for option in options)
