"""The contract as JSON Schema, and as an AsyncAPI document, for those who do not write Python.

Above: ``cli``, the documentation's generators, tests. Below: ``_definitions``, the tables. Nothing here runs at import.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from cadenza.schema._definitions import Schema, definitions, event_name, reference, result_name
from cadenza.schema.channels import CHANNELS, ChannelPattern
from cadenza.schema.codes import CODES
from cadenza.schema.envelope import Event
from cadenza.schema.events import EVENTS, EventKind
from cadenza.schema.method import Method
from cadenza.schema.methods import METHODS
from cadenza.schema.scalars import KlineInterval, Venue
from cadenza.schema.system import NoParams

__all__ = ["asyncapi", "json_schema", "to_bytes"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SUMMARY: Final = "Cadenza's RPC methods, events and channels."


def to_bytes(document: Schema) -> bytes:
    """Write a document as JSON with two spaces of indentation and a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def json_schema() -> Schema:
    """Return the whole contract as one JSON Schema (2020-12) with a definition for each type.

    Beside ``$defs`` stand ``x-methods``, ``x-events``, ``x-channels`` and ``x-errors``, the tables that tie them.
    """
    return {
        "$schema": _DIALECT,
        "title": "Cadenza",
        "description": _SUMMARY,
        "$defs": definitions(),
        "x-methods": {method.name: _method(method) for method in METHODS.values()},
        "x-events": {kind.name: _event(kind) for kind in EVENTS.values()},
        "x-channels": {channel.pattern: _channel(channel) for channel in CHANNELS},
        "x-errors": {
            str(code): {
                "name": entry.code.name,
                "httpStatus": entry.http_status,
                "meaning": entry.meaning,
                "temporary": entry.temporary,
                "action": entry.action.value,
            }
            for code, entry in CODES.items()
        },
    }


def asyncapi(*, version: str) -> Schema:
    """Return the contract as an AsyncAPI 3.0 document, told from the server's side.

    Args:
        version: The version the document gives itself.
    """
    messages: Schema = {}
    for method in METHODS.values():
        messages[f"{method.name}.params"] = _message(f"Parameters of {method.name}", method.params.__name__)
        messages[f"{method.name}.result"] = _message(f"Result of {method.name}", result_name(method))
    for channel in CHANNELS:
        for name in _payload_names(channel):
            messages[name] = _message(name, name)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cadenza",
            "version": version,
            "description": f"{_SUMMARY} They travel in the frames of Centrifugo's client protocol.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "embedded": {
                "host": "127.0.0.1:8000",
                "pathname": "/connection/websocket",
                "protocol": "ws",
                "description": "The embedded stack's gateway.",
            }
        },
        "channels": {"rpc": _rpc_channel(), **{_channel_id(one): _async_channel(one) for one in CHANNELS}},
        "operations": {
            **{method.name: _call(method) for method in METHODS.values()},
            **{f"publish.{_channel_id(one)}": _publish(one) for one in CHANNELS},
        },
        "components": {
            "schemas": {name: _draft_7(schema) for name, schema in definitions().items()},
            "messages": messages,
        },
    }


def _method(method: Method[Any, Any]) -> Schema:
    return {
        "summary": method.summary,
        "kind": method.kind.value,
        "params": None if method.params is NoParams else reference(method.params.__name__),
        "result": reference(result_name(method)),
        "paginated": method.paginated,
        "access": method.access.name.lower(),
    }


def _event(kind: EventKind[Any]) -> Schema:
    name = event_name(kind) if kind.wrapped else kind.data.__name__
    return {"type": kind.type or None, "channel": kind.channel, "payload": reference(name)}


def _channel(channel: ChannelPattern) -> Schema:
    payload = [reference(name) for name in _payload_names(channel)]
    return {
        "params": {name: _parameter(name) for name in channel.parameters},
        "payload": payload[0] if len(payload) == 1 else {"oneOf": payload},
        "access": channel.access.name.lower(),
    }


def _parameter(name: str) -> Schema:
    return {
        "accountId": {"type": "string", "format": "uuid"},
        "venue": reference("Venue"),
        "symbol": {"type": "string", "format": "symbol-pair"},
        "interval": reference("KlineInterval"),
    }[name]


def _payload_names(channel: ChannelPattern) -> list[str]:
    """Name the definitions a channel's publications are of."""
    if channel.payload is Event:
        return [event_name(kind) for kind in EVENTS.values() if kind.channel == channel.pattern]
    return [channel.payload.__name__]


def _message(title: str, payload: str) -> Schema:
    return {"title": title, "payload": {"$ref": f"#/components/schemas/{payload}"}}


def _channel_id(channel: ChannelPattern) -> str:
    """``market:ticker:{venue}`` -> ``market.ticker.venue``."""
    return channel.pattern.replace(":", ".").replace("{", "").replace("}", "")


def _rpc_channel() -> Schema:
    names = [f"{name}.{part}" for name in METHODS for part in ("params", "result")]
    return {
        "address": None,
        "description": "RPC commands on the connection itself; the command's field `method` names the method.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _async_channel(channel: ChannelPattern) -> Schema:
    enums: dict[str, type[Venue | KlineInterval]] = {"venue": Venue, "interval": KlineInterval}
    return {
        "address": channel.pattern,
        "description": f"May be joined by: {channel.access.value}.",
        "parameters": {
            name: {"enum": [one.value for one in enums[name]]}
            if name in enums
            else {"description": _parameter(name)["format"]}
            for name in channel.parameters
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _payload_names(channel)},
    }


def _call(method: Method[Any, Any]) -> Schema:
    channel = {"$ref": "#/channels/rpc"}
    return {
        "action": "receive",
        "channel": channel,
        "summary": method.summary,
        "description": f"May be called by: {method.access.value}{_second_factor(method)}. Counted with: {method.rate}.",
        "messages": [{"$ref": f"#/channels/rpc/messages/{method.name}.params"}],
        "reply": {"channel": channel, "messages": [{"$ref": f"#/channels/rpc/messages/{method.name}.result"}]},
    }


def _second_factor(method: Method[Any, Any]) -> str:
    return "" if method.guarded is None else f"; with a second factor where one is demanded for {method.guarded}"


def _publish(channel: ChannelPattern) -> Schema:
    path = f"#/channels/{_channel_id(channel)}"
    return {
        "action": "send",
        "channel": {"$ref": path},
        "messages": [{"$ref": f"{path}/messages/{name}"} for name in _payload_names(channel)],
    }


def _draft_7(schema: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """Rewrite for AsyncAPI, whose schemas are JSON Schema draft 7: where definitions stand, and how tuples are said."""
    if isinstance(schema, list | tuple):
        return [_draft_7(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "prefixItems" in schema:
        schema = {**schema, "items": schema["prefixItems"], "additionalItems": schema.get("items", True)}
        del schema["prefixItems"]
    rewritten = {name: _draft_7(part) for name, part in schema.items()}
    if "$ref" not in rewritten:
        return rewritten
    target = {"$ref": rewritten.pop("$ref").replace("#/$defs/", "#/components/schemas/")}
    return {"allOf": [target], **rewritten} if rewritten else target  # draft 7 ignores what stands beside a $ref
