"""Says in words what a message takes: the wire's names, types, what is required, what a value may be.

Above: ``cli.methods``, ``cli.call``. Below: msgspec's JSON Schema of a message type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

__all__ = ["Parameter", "parameters_of", "summary"]

_WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "true|false", "object": "object"}


class Parameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parameter of a method.

    Attributes:
        name: Its name on the wire.
        type: Its type in a word: ``text``, ``uuid``, ``Venue``, ``integer[]``.
        required: Whether it must be given.
        default: What is taken where it is not given, as JSON.
        values: What it may be, where that is a list.
    """

    name: str
    type: str
    required: bool
    default: object = None
    values: tuple[str, ...] = ()


def parameters_of(message: type) -> tuple[Parameter, ...]:
    """Describe each field of a message type, required ones first."""
    schema = msgspec.json.schema(message)
    definitions = cast("Mapping[str, Mapping[str, object]]", schema.get("$defs", {}))
    body = definitions.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    required = cast("list[str]", body.get("required", []))
    properties = cast("Mapping[str, Mapping[str, object]]", body.get("properties", {}))
    described = [_parameter(name, part, definitions, required=name in required) for name, part in properties.items()]
    return tuple(sorted(described, key=lambda parameter: not parameter.required))


def summary(parameters: tuple[Parameter, ...]) -> str:
    """All parameters on one line, the optional ones in brackets."""
    return ", ".join(one.name if one.required else f"[{one.name}]" for one in parameters)


def _parameter(
    name: str, part: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]], *, required: bool
) -> Parameter:
    word, enum = _type(part, definitions)
    return Parameter(name=name, type=word, required=required, default=part.get("default"), values=enum)


def _type(part: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]]) -> tuple[str, tuple[str, ...]]:
    """A type's word, and its values if it is an enum (or a list of one)."""
    choices = cast("list[Mapping[str, object]]", part.get("anyOf", []))
    real = [choice for choice in choices if choice.get("type") != "null"]
    if real:
        named = [_type(choice, definitions) for choice in real]
        return "|".join(word for word, _ in named), named[0][1] if len(named) == 1 else ()
    if "$ref" in part:
        name = str(part["$ref"]).rpartition("/")[2]
        allowed = cast("list[object]", definitions.get(name, {}).get("enum", []))
        return name, tuple(map(str, allowed))
    if part.get("type") == "array" and isinstance(part.get("items"), Mapping):
        word, values = _type(cast("Mapping[str, object]", part["items"]), definitions)
        return f"{word}[]", values
    return str(part.get("format") or _WORDS.get(str(part.get("type")), "anything")), ()
