"""Holds the exported JSON Schema against the contract's files: both sides become facts, and facts are compared.

Used by ``test_contract`` and ``test_contract_mutations``. A fact is what one field promises: its type, whether it is
required, may be null, has a default, a format, a pattern, bounds. A finding is one line of text, which is also the key
under which ``differences.json`` gives the reason for a deliberate one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data" / "schema"

Json = dict[str, Any]
Fact = dict[str, Any]
Facts = Mapping[str, Mapping[str, Fact]]

#: Contract's name -> ours, where it is not the contract's name without ``Rpc``.
RENAMED = {
    "RpcError": "ErrorBody",
    "Health200ResponseChecks": "HealthChecks",
    "AuthUserIdentitiesInner": "AuthUserIdentity",
}
#: The contract's guess who may call (``rpc.json``, always ``scope_inferred``) -> our rule.
ACCESS = {"any": "anonymous", "market-read": "user", "service-or-admin": "service"}
#: What the export says in words of its own.
PROSE = {"summary"}
_CONSTRAINTS = {
    "pattern": "pattern",
    "min_items": "minItems",
    "max_items": "maxItems",
    "minimum": "minimum",
    "maximum": "maximum",
    "min_length": "minLength",
}


@cache
def contract(name: str) -> Json:
    """Read ``tests/data/schema/<name>.json``, a copy of the contract's file."""
    read: Json = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return read


@cache
def ours() -> Json:
    """Read what is not in the contract: definitions, methods, events and channels that ``decisions.md`` adds."""
    read: Json = json.loads((HERE / "ours.json").read_text(encoding="utf-8"))
    return read


@cache
def differences() -> Mapping[str, str]:
    """Read the deliberate differences, finding -> reason.

    ``{event}``, ``{name}`` and ``{type}`` stand for each wrapped event's definition, contract name and short form.
    """
    read: dict[str, str] = json.loads((HERE / "differences.json").read_text(encoding="utf-8"))
    wrapped = [one["event"] for one in contract("rpc")["events"] if one["event"] not in _BARE]
    return {
        key.replace("{event}", _event_definition(name))
        .replace("{name}", name)
        .replace("{type}", ours()["events"][name]["type"]): reason
        for key, reason in read.items()
        for name in wrapped
    }


_BARE = {"event.orderbook.updated"}


def our_name(model: str) -> str:
    """Return what a model of the contract is called here."""
    return RENAMED.get(model, model.removeprefix("Synth").removeprefix("Rpc"))


def result_definition(method: str) -> str:
    """Return the name of the definition of a method's result."""
    return _camel(method) + "Result"


def _event_definition(event: str) -> str:
    return _camel(event.removeprefix("event.")) + "Event"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace(".", "_").split("_"))


# --- the contract's side


@cache
def expected() -> Facts:
    """Everything that must be exported: definition -> field -> fact. Enums have one field, ``enum``."""
    models = contract("models")["models"]
    facts: dict[str, dict[str, Fact]] = {}
    for one in contract("rpc")["methods"]:
        facts[result_definition(one["method"])] = _model_facts(models[one["result"]])
    for one in contract("rpc")["events"]:
        if one["event"] not in _BARE:
            facts[_event_definition(one["event"])] = _model_facts(models[one["payload"]])
    for name in _reached(models):
        facts[our_name(name)] = _model_facts(models[name])
    for name, enum in contract("enums")["enums"].items():
        facts[name] = {"enum": {"values": enum["values"]}}
    for name, definition in ours()["definitions"].items():
        assert name not in facts, f"{name} is in the contract"
        facts[name] = {"enum": {"values": definition["enum"]}} if "enum" in definition else _model_facts(definition)
    return facts


def _reached(models: Mapping[str, Any]) -> set[str]:
    """Models that a method, an event or a channel reaches, envelopes apart."""
    rpc = contract("rpc")
    roots = [one["params"] for one in rpc["methods"] if one["params"]]
    for table in (rpc["methods"], rpc["events"]):
        envelopes = [one.get("result") or one["payload"] for one in table]
        roots += [model for name in envelopes for model in _mentioned(models[name])]
    roots += [one["payload"] for one in contract("channels")["channels"] if one["payload"]]
    roots += ["AuthSession", "AuthUser"]  # design/decisions.md: the auth methods answer the contract's REST entities
    found: set[str] = set()
    while roots:
        name = roots.pop()
        if name not in found:
            found.add(name)
            roots += _mentioned(models[name])
    return found


def _mentioned(part: Any) -> list[str]:
    if isinstance(part, Mapping):
        here = [part["model"]] if "model" in part else []
        return here + [name for one in part.values() for name in _mentioned(one)]
    if isinstance(part, list):
        return [name for one in part for name in _mentioned(one)]
    return []


def _model_facts(model: Json) -> dict[str, Fact]:
    return {
        field["wire"]: {
            **_contract_type(field),
            "required": field["required"],
            "nullable": field["nullable"],
            **({"default": field["default"]} if "default" in field else {}),
        }
        for field in model["fields"]
    }


def _contract_type(part: Json) -> Fact:
    if "model" in part:
        return {"definition": our_name(part["model"])}
    if "enum" in part:
        return {"definition": part["enum"]}
    if "const" in part:
        return {"const": part["const"]}
    fact: Fact = {"type": part["type"]}
    if "format" in part:
        fact["format"] = part["format"]
    for theirs, name in _CONSTRAINTS.items():
        if theirs in part.get("constraints", {}):
            fact[name] = part["constraints"][theirs]
    for inner in ("items", "values"):
        if inner in part:
            fact[inner] = _contract_type(part[inner])
    return fact


# --- the exported side


def exported_facts(definition: Json) -> dict[str, Fact]:
    """Read one exported definition."""
    if "enum" in definition:
        return {"enum": {"values": definition["enum"]}}
    return {
        name: {
            **_exported_type(part),
            "required": name in definition["required"],
            "nullable": {"type": "null"} in part.get("anyOf", ()),
            **({"default": part["default"]} if "default" in part else {}),
        }
        for name, part in definition["properties"].items()
    }


def _exported_type(part: Json) -> Fact:
    options = [option for option in part.get("anyOf", ()) if option != {"type": "null"}]
    if options:
        part = options[0] if len(options) == 1 else {"type": options}
    if "$ref" in part:
        return {"definition": part["$ref"].rpartition("/")[2]}
    if "const" in part:
        return {"const": part["const"]}
    fact: Fact = {"type": part.get("type", "any")}
    for name in ("format", *_CONSTRAINTS.values()):
        if name in part:
            fact[name] = part[name]
    if "prefixItems" in part:
        fact["positions"] = [
            {**_exported_type(one), "nullable": {"type": "null"} in one.get("anyOf", ())} for one in part["prefixItems"]
        ]
    elif "items" in part:
        fact["items"] = _exported_type(part["items"])
    if "additionalProperties" in part:
        fact["values"] = _exported_type(part["additionalProperties"])
    return fact


# --- the comparison


def compare_definition(name: str, theirs: Mapping[str, Fact] | None, exported: Json | None) -> set[str]:
    """Find what differs between the contract's facts and one exported definition."""
    if theirs is None:
        return {f"{name}: only ours"}
    if exported is None:
        return {f"{name}: not exported"}
    here = exported_facts(exported)
    findings = {f"{name}.{field}: only ours, {_told(here[field])}" for field in here.keys() - theirs.keys()}
    findings |= {f"{name}.{field}: not exported" for field in theirs.keys() - here.keys()}
    for field in theirs.keys() & here.keys():
        findings |= {f"{name}.{field}: {line}" for line in _compare_facts(theirs[field], here[field])}
    return findings


def _compare_facts(theirs: Fact, here: Fact) -> Iterator[str]:
    for key in sorted(theirs.keys() | here.keys()):
        wanted, found = theirs.get(key), here.get(key)
        if wanted != found or (key in theirs) != (key in here):
            yield f"{key} is {json.dumps(wanted)} in the contract, {json.dumps(found)} here"


def _told(fact: Fact) -> str:
    """Say a fact in a few words: ``string uuid required``."""
    return " ".join(key if value is True else str(value) for key, value in fact.items() if value is not False)


def compare_definitions(document: Json) -> set[str]:
    """Compare every definition, both ways."""
    facts, definitions = expected(), document["$defs"]
    return {
        finding
        for name in facts.keys() | definitions.keys()
        for finding in compare_definition(name, facts.get(name), definitions.get(name))
    }


def compare_tables(document: Json) -> set[str]:
    """Compare the tables of methods, events and channels, both ways."""
    return {
        *_compare_table("method", _expected_methods(), document["x-methods"]),
        *_compare_table("event", _expected_events(), document["x-events"]),
        *_compare_table("channel", _expected_channels(), document["x-channels"]),
    }


def _compare_table(kind: str, theirs: Json, here: Json) -> Iterator[str]:
    for name in sorted(theirs.keys() | here.keys()):
        if name not in here:
            yield f"{kind} {name}: not exported"
        elif name not in theirs:
            yield f"{kind} {name}: only ours"
        else:
            row = {key: value for key, value in here[name].items() if key not in PROSE}
            yield from (f"{kind} {name}: {line}" for line in _compare_facts(theirs[name], row))


def _reference(name: str | None) -> Json | None:
    return None if name is None else {"$ref": f"#/$defs/{name}"}


def _expected_methods() -> Json:
    table = {
        one["method"]: {
            "kind": one["kind"],
            "params": _reference(one["params"] and our_name(one["params"])),
            "result": _reference(result_definition(one["method"])),
            "paginated": one["result_paginated"],
            "access": ACCESS.get(one["scope"], "owner"),
        }
        for one in contract("rpc")["methods"]
    }
    for name, one in ours()["methods"].items():
        assert name not in table, f"{name} is in the contract"
        table[name] = {
            "kind": name.partition(".")[0],
            "params": _reference(one["params"]),
            "result": _reference(result_definition(name)),
            "paginated": False,
            "access": "anonymous",
        }
    return table


def _expected_events() -> Json:
    """The contract's, and where it leaves short form and channel open, what ``decisions.md`` settled."""
    table = {}
    for one in contract("rpc")["events"]:
        name = one["event"]
        settled = ours()["events"].get(name, {"type": None, "channel": one["channel"]})
        assert one["channel"] in {None, settled["channel"]}, f"{name} has its channel in the contract"
        payload = one["payload_data"]["model"] if name in _BARE else _event_definition(name)
        table[name] = {**settled, "payload": _reference(payload)}
    for name in ours()["events"].keys() - table.keys():
        table[name] = {**ours()["events"][name], "payload": _reference(_event_definition(name))}
    return table


def _expected_channels() -> Json:
    table = {}
    for one in contract("channels")["channels"]:
        params = {
            name: _reference(param["enum"]) if "enum" in param else {"type": "string", "format": param["format"]}
            for name, param in one["params"].items()
        }
        table[one["pattern"]] = {"params": params, "payload": _reference(one["payload"])}
    for pattern, one in ours()["channels"].items():
        table.setdefault(pattern, {}).update(one)
    return table
