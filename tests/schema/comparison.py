"""Hold an exported document against the contract: both are brought into one form, then compared key by key.

Above: the tests beside this file. Below: nothing but JSON. The form is ``Facts``: methods, events, channels, models and
enums by name, each field a flat description of its type, marks and bounds.

The contract's side is ``tests/data/schema/{rpc,models,enums,channels}.json`` (copies of ``../shared/contract``) plus
``additions.json``, which says in the same form what ``design/decisions.md`` adds. What then still differs on purpose
stands in ``differences.json``, one line each with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "schema"
COPIES: Final = ("rpc", "models", "enums", "channels")

#: Part of a JSON document.
Json = dict[str, Any]
Facts = Mapping[str, Mapping[str, Any]]

_ABSENT: Final = "(absent)"
_CONSTRAINTS: Final = {"min_items": "minItems", "max_items": "maxItems", "min_length": "minLength"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the two sides differ; ``(absent)`` where one of them has nothing."""

    path: str
    contract: str
    exported: str


def load(name: str) -> Json:
    """Read one of the files in ``tests/data/schema``."""
    loaded: Json = json.loads((DATA / f"{name}.json").read_text())
    return loaded


def differences(contract: Facts, exported: Facts) -> set[Difference]:
    """Compare two sides, both ways."""
    return set(_differences("", contract, exported))


def _differences(path: str, contract: object, exported: object) -> Iterator[Difference]:
    if contract == exported:
        return
    if isinstance(contract, Mapping) and isinstance(exported, Mapping):
        for key in sorted(contract.keys() | exported.keys()):
            inner = f"{path}/{key}" if path else str(key)
            yield from _differences(inner, contract.get(key, _ABSENT), exported.get(key, _ABSENT))
    else:
        yield Difference(path, _shown(contract), _shown(exported))


def _shown(value: object) -> str:
    return _ABSENT if value == _ABSENT else json.dumps(value, sort_keys=True)


class ContractReader:
    """Brings the contract's own files into ``Facts``."""

    def __init__(self) -> None:
        self._additions = load("additions")
        self._models: Json = load("models")["models"] | self._additions["models"]
        self._renamed: Mapping[str, str] = {
            name: entry["name"] for name, entry in self._additions["renamed_models"].items()
        }

    def facts(self) -> Facts:
        """Return the contract as far as RPC, events and channels reach, with what the decisions add."""
        rpc, channels, enums = load("rpc"), load("channels"), load("enums")
        methods = {entry["method"]: self._method(entry) for entry in (*rpc["methods"], *self._additions["methods"])}
        events = {entry["event"]: self._event(entry) for entry in (*rpc["events"], *self._additions["events"])}
        patterns = {
            entry["pattern"]: self._channel(entry) for entry in (*channels["channels"], *self._additions["channels"])
        }
        return {
            "methods": methods,
            "events": events,
            "channels": patterns,
            "models": {self.renamed(name): self._fields(name) for name in sorted(self._reached(rpc))},
            "enums": {name: entry["values"] for name, entry in (enums["enums"] | self._additions["enums"]).items()},
        }

    def renamed(self, model: str) -> str:
        """Return the name a model of the contract has here."""
        return self._renamed.get(model, model.removeprefix("Synth").removeprefix("Rpc"))

    def unused_renamings(self) -> set[str]:
        """Return the renamings that rename nothing."""
        return {name for name in self._renamed if name not in self._reached(load("rpc"))}

    def _method(self, entry: Json) -> Json:
        return {
            "kind": entry["kind"],
            "params": entry["params"] and self.renamed(entry["params"]),
            "paginated": entry["result_paginated"],
            "result": self._fields(entry["result"]),
        }

    def _event(self, entry: Json) -> Json:
        """An event travels in the decided envelope, or bare on a channel of its own."""
        addition = self._additions["event_envelope"]
        short = addition["types"][entry["event"]]
        data = self._type(entry["payload_data"])
        if short is None:
            return {"channel": entry["channel"], "type": None, "payload": data}
        payload: Json = {field["wire"]: self._field(field) for field in addition["fields"]}
        payload["type"] |= {"const": short}
        payload["event"] |= {"const": entry["event"]}
        payload["data"] = {**data, "required": True, "nullable": False}
        return {"channel": entry["channel"], "type": short, "payload": payload}

    def _channel(self, entry: Json) -> Json:
        params = {name: self._type({"type": "string", **part}) for name, part in entry["params"].items()}
        return {"params": params, "payload": entry["payload"] and self.renamed(entry["payload"])}

    def _fields(self, model: str) -> Json:
        return {field["wire"]: self._field(field) for field in self._models[model]["fields"]}

    def _field(self, field: Json) -> Json:
        marks = {"required": field["required"], "nullable": field["nullable"]}
        if "default" in field:
            marks["default"] = field["default"]
        return self._type(field) | marks

    def _type(self, part: Json) -> Json:
        kept: Json = {key: part[key] for key in ("type", "format", "enum") if key in part}
        if "model" in part:
            kept["model"] = self.renamed(part["model"])
        for key, value in part.get("constraints", {}).items():
            kept[_CONSTRAINTS.get(key, key)] = value
        for key in ("items", "values"):
            if key in part:
                kept[key] = self._type(part[key])
        return kept

    def _reached(self, rpc: Json) -> set[str]:
        """Return every model that a method, an event or a channel leads to, envelopes left out."""
        reached: set[str] = set()
        waiting = [name for name in self._additions["models"] if not name.endswith("Result")]
        for entry in (*rpc["methods"], *self._additions["methods"]):
            waiting += [entry["params"]] if entry["params"] else []
            waiting += [name for field in self._models[entry["result"]]["fields"] for name in _models_in(field)]
        for entry in (*rpc["events"], *self._additions["events"]):
            waiting += _models_in(entry["payload_data"])
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += [inner for field in self._models[name]["fields"] for inner in _models_in(field)]
        return reached


def _models_in(part: Json) -> list[str]:
    found = [part["model"]] if "model" in part else []
    for key in ("items", "values"):
        if key in part:
            found += _models_in(part[key])
    return found


class ExportReader:
    """Brings an exported JSON Schema into ``Facts``.

    It remembers what it read of each definition, by identity: the mutation tests read a thousand documents that differ
    in one definition each.
    """

    def __init__(self) -> None:
        self._read: dict[int, tuple[Json, Json]] = {}

    def facts(self, document: Json) -> Facts:
        """Return the whole document; a definition of an unknown kind is an error."""
        definitions: Json = document["$defs"]
        methods, events = document["x-methods"], document["x-events"]
        envelopes = {_target(entry["result"]) for entry in methods.values()}
        envelopes |= {_target(entry["payload"]) for entry in events.values() if entry["type"] is not None}
        self._definitions = definitions
        return {
            "methods": {name: self._method(entry) for name, entry in methods.items()},
            "events": {name: self._event(entry) for name, entry in events.items()},
            "channels": {pattern: self._channel(entry) for pattern, entry in document["x-channels"].items()},
            "models": {
                name: self._fields(schema)
                for name, schema in definitions.items()
                if "enum" not in schema and name not in envelopes
            },
            "enums": {name: schema["enum"] for name, schema in definitions.items() if "enum" in schema},
        }

    def _method(self, entry: Json) -> Json:
        return {
            "kind": entry["kind"],
            "params": entry["params"] and _target(entry["params"]),
            "paginated": entry["paginated"],
            "result": self._referenced(entry["result"]),
        }

    def _event(self, entry: Json) -> Json:
        bare = entry["type"] is None
        payload = self._type(entry["payload"]) if bare else self._referenced(entry["payload"])
        return {"channel": entry["channel"], "type": entry["type"], "payload": payload}

    def _channel(self, entry: Json) -> Json:
        payload: Json = entry["payload"]
        options = payload.get("oneOf")
        return {
            "params": {name: self._type(part) for name, part in entry["params"].items()},
            "payload": [_target(option) for option in options] if options else _target(payload),
        }

    def _referenced(self, reference: Json) -> Json | str:
        schema = self._definitions.get(_target(reference))
        return _ABSENT if schema is None else self._fields(schema)

    def _fields(self, schema: Json) -> Json:
        kept = self._read.get(id(schema))
        if kept is None:
            fields = {
                name: self._field(part, required=name in schema["required"])
                for name, part in schema["properties"].items()
            }
            fields |= {name: _ABSENT for name in schema["required"] if name not in schema["properties"]}
            kept = self._read[id(schema)] = (schema, fields)  # the schema too, so that its id is not given again
        return kept[1]

    def _field(self, part: Json, *, required: bool) -> Json:
        options = part.get("anyOf", [])
        nullable = {"type": "null"} in options
        rest = [option for option in options if option != {"type": "null"}]
        described = self._type(rest[0] if len(rest) == 1 else part)
        marks = {"required": required, "nullable": nullable}
        if "default" in part:
            marks["default"] = part["default"]
        return described | marks

    def _type(self, part: Json) -> Json:
        if "$ref" in part:
            name = _target(part)
            enum = "enum" in self._definitions.get(name, {})
            return {"type": "string", "enum": name} if enum else {"type": "object", "model": name}
        if "const" in part:
            return {"type": "string", **part}
        kept: Json = {key: value for key, value in part.items() if key not in _UNCOMPARED}
        kept.setdefault("type", "any")
        inner: Mapping[str, Callable[[Any], object]] = {
            "items": lambda items: self._type(items) if items is not False else False,
            "prefixItems": lambda items: [self._type(item) for item in items],
            "anyOf": lambda options: [self._type(option) for option in options],
        }
        for key, read in inner.items():
            if key in kept:
                kept[key] = read(kept[key])
        if "additionalProperties" in kept:
            kept["values"] = self._type(kept.pop("additionalProperties"))
        return kept


#: Words for people, and marks that ``_field`` reads itself.
_UNCOMPARED: Final = ("title", "description", "default")


def _target(reference: Json) -> str:
    name: str = reference["$ref"].removeprefix("#/$defs/")
    return name
