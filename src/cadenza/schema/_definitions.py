"""The types as JSON Schema definitions, made to say what the contract says: an optional field is left out, not null.

Above: ``export``. Below: the tables of methods, events, channels and codes. Nothing here runs at import.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, Final

import msgspec

from cadenza.schema import auth, market_enums, rest_enums, rpc_names, trading_enums
from cadenza.schema.channels import CHANNELS
from cadenza.schema.envelope import ErrorBody, Event, Pagination
from cadenza.schema.events import EVENTS, EventKind
from cadenza.schema.market import OrderBookSnapshot
from cadenza.schema.method import Method
from cadenza.schema.methods import METHODS
from cadenza.schema.scalars import CONTRACT_PATTERNS

__all__ = ["Schema", "definitions", "event_name", "reference", "result_name"]

#: A JSON Schema, or a part of one. What stands in it is JSON by nature, so its values have no narrower type.
Schema = dict[str, Any]

_TEMPLATE: Final = "#/$defs/{name}"
_REFERENCED: Final = (ErrorBody, Pagination, OrderBookSnapshot, rpc_names.RpcMethod, *rest_enums.ALL)


def result_name(method: Method[Any, Any]) -> str:
    """Return the name of a method's result definition: ``QueryTickerListResult``."""
    return _camel(method.name) + "Result"


def event_name(kind: EventKind[Any]) -> str:
    """Return the name of an event's definition: ``TradeOrderUpdatedEvent``."""
    return _camel(kind.name.removeprefix("event.")) + "Event"


def reference(name: str) -> Schema:
    """Refer to a definition."""
    return {"$ref": _TEMPLATE.format(name=name)}


def definitions() -> dict[str, Schema]:
    """Return every message, enum, result and event by name, sorted."""
    types = list(_types())
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    data = dict(zip(types, schemas, strict=True))
    defined = {name: _as_contract(schema) for name, schema in components.items()}
    for one in _enums():
        defined[one.__name__]["enum"] = [value.value for value in one]  # msgspec sorts them
    for method in METHODS.values():
        defined[result_name(method)] = _result(method, data)
    for kind in EVENTS.values():
        if kind.wrapped:
            defined[event_name(kind)] = _event(kind, defined, data)
    del defined[_Envelope.__name__]
    return dict(sorted(defined.items()))


class _Envelope(Event[None], frozen=True, kw_only=True):
    """The envelope of an event on an account's or an instrument's channel."""


def _types() -> Iterable[Any]:
    """Everything the contract names, each once."""
    types: dict[Any, None] = dict.fromkeys((*_REFERENCED, _Envelope))
    for method in METHODS.values():
        types |= dict.fromkeys((method.params, method.data))
    for kind in EVENTS.values():
        types[kind.data] = None
    for channel in CHANNELS:
        if channel.payload is not Event:
            types[channel.payload] = None
    return types


def _enums() -> Iterable[type[enum.StrEnum]]:
    """Every enum that a message or the contract names."""
    for module in (market_enums, trading_enums, rest_enums, rpc_names, auth):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, enum.StrEnum):
                yield one


def _as_contract(schema: Schema) -> Schema:
    """Turn msgspec's view of a type, which shows how lenient the reader is, into what the contract promises."""
    schema = {**schema, "description": inspect.cleandoc(schema["description"])}
    if "properties" in schema:
        schema["properties"] = {
            name: _with_contract_patterns(_as_property(part, optional=name not in schema["required"]))
            for name, part in schema["properties"].items()
        }
    return schema


def _as_property(part: Schema, *, optional: bool) -> Schema:
    part = dict(part)
    nullable = part.pop("nullable", False)
    if optional and part.get("default", ...) is None:
        del part["default"]
    options = part.get("anyOf", ())
    if optional and not nullable and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del part["anyOf"]
        part = {**rest[0], **part} if len(rest) == 1 else {"anyOf": rest, **part}
    return part


def _with_contract_patterns(part: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    if isinstance(part, list):
        return [_with_contract_patterns(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: CONTRACT_PATTERNS.get(one, one) if name == "pattern" else _with_contract_patterns(one)
        for name, one in part.items()
    }


def _result(method: Method[Any, Any], data: Mapping[Any, Schema]) -> Schema:
    properties: Schema = {"error": reference("ErrorBody")}
    if method.data is not NoneType:
        properties = {"data": data[method.data], **properties}
    if method.paginated:
        properties["pagination"] = reference("Pagination")
    return {
        "title": result_name(method),
        "description": f"The answer of {method.name}: ``data`` or ``error``.",
        "type": "object",
        "properties": properties,
        "required": [],
    }


def _event(kind: EventKind[Any], defined: Mapping[str, Schema], data: Mapping[Any, Schema]) -> Schema:
    envelope = defined[_Envelope.__name__]
    return {
        "title": event_name(kind),
        "description": f"{kind.name} on {kind.channel}.",
        "type": "object",
        "properties": {
            **envelope["properties"],
            "type": {"const": kind.type},
            "event": {"const": kind.name},
            "data": data[kind.data],
        },
        "required": envelope["required"],
    }


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace(".", "_").split("_"))
