"""The comparison of ``test_contract`` notices any single change: each is made once, and must be found.

Changes are made to one definition in memory, and that definition alone is compared again, so all of them take seconds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.schema.contract_comparison import (
    PROSE,
    compare_definition,
    compare_definitions,
    compare_tables,
    differences,
    expected,
)

Json = dict[str, Any]
#: What was changed, and the definition as it then is.
Mutant = tuple[str, Json]
Mutate = Callable[[Json], Iterator[Mutant]]

_TABLES = ("x-methods", "x-events", "x-channels")


def _copy(part: Json) -> Json:
    """Copy a document or a part of one."""
    return copy.deepcopy(part)


def fields_removed(definition: Json) -> Iterator[Mutant]:
    for name in definition.get("properties", {}):
        mutant = _copy(definition)
        del mutant["properties"][name]
        yield f"{name} removed", mutant


def fields_added(definition: Json) -> Iterator[Mutant]:
    if "properties" in definition:
        mutant = _copy(definition)
        mutant["properties"]["somethingElse"] = {"type": "string"}
        yield "somethingElse added", mutant


def enum_values_removed(definition: Json) -> Iterator[Mutant]:
    for value in definition.get("enum", ()):
        mutant = _copy(definition)
        mutant["enum"].remove(value)
        yield f"{value!r} removed", mutant


def enum_values_added(definition: Json) -> Iterator[Mutant]:
    if "enum" in definition:
        yield "'ELSE' added", {**definition, "enum": [*definition["enum"], "ELSE"]}


def required_marks_removed(definition: Json) -> Iterator[Mutant]:
    for name in definition.get("required", ()):
        mutant = _copy(definition)
        mutant["required"].remove(name)
        yield f"{name} not required", mutant


def required_marks_added(definition: Json) -> Iterator[Mutant]:
    for name in definition.get("properties", {}):
        if name not in definition["required"]:
            yield f"{name} required", {**definition, "required": [*definition["required"], name]}


def nullability_changed(definition: Json) -> Iterator[Mutant]:
    for name, part in definition.get("properties", {}).items():
        mutant = _copy(definition)
        if {"type": "null"} in part.get("anyOf", ()):
            mutant["properties"][name]["anyOf"].remove({"type": "null"})
        else:
            mutant["properties"][name] = {"anyOf": [part, {"type": "null"}]}
        yield f"{name} nullable or not", mutant


def defaults_changed(definition: Json) -> Iterator[Mutant]:
    for name, part in definition.get("properties", {}).items():
        mutant = _copy(definition)
        if "default" in part:
            del mutant["properties"][name]["default"]
        else:
            mutant["properties"][name]["default"] = 7
        yield f"{name} with or without default", mutant


def keywords_removed(definition: Json) -> Iterator[Mutant]:
    """Remove a type, a format, a bound, a pattern, a reference, at any depth."""
    for name, part in definition.get("properties", {}).items():
        for path in _keywords(part):
            mutant = _copy(definition)
            inner = mutant["properties"][name]
            for step in path[:-1]:
                inner = inner[step]
            del inner[path[-1]]
            yield f"{name}: {path} removed", mutant


def types_changed(definition: Json) -> Iterator[Mutant]:
    for name in definition.get("properties", {}):
        for other in ({"type": "else"}, {"$ref": "#/$defs/NoParams"}):
            mutant = _copy(definition)
            mutant["properties"][name] = other
            yield f"{name} of another type", mutant


def _keywords(part: object) -> Iterator[tuple[Any, ...]]:
    compared = {"type", "format", "pattern", "minItems", "maxItems", "minimum", "maximum", "minLength", "$ref", "const"}
    if isinstance(part, dict):
        for key, value in part.items():
            if key in compared and part != {"type": "null"}:
                yield (key,)
            yield from ((key, *path) for path in _keywords(value))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from ((index, *path) for path in _keywords(value))


@pytest.mark.parametrize(
    ("mutate", "at_least"),
    [
        (fields_removed, 600),
        (fields_added, 190),
        (enum_values_removed, 350),
        (enum_values_added, 40),
        (required_marks_removed, 150),
        (required_marks_added, 450),
        (nullability_changed, 600),
        (defaults_changed, 600),
        (keywords_removed, 900),
        (types_changed, 1200),
    ],
)
def test_every_change_of_a_definition_is_found(document: Json, mutate: Mutate, at_least: int) -> None:
    mutants, unnoticed = 0, []
    for name, definition in document["$defs"].items():
        allowed = {finding for finding in differences() if finding.startswith(f"{name}.")}
        theirs = expected()[name]
        for change, mutant in mutate(definition):
            mutants += 1
            if compare_definition(name, theirs, mutant) == allowed:
                unnoticed.append(f"{name}: {change}")
    assert unnoticed == []
    assert mutants >= at_least


def test_a_definition_that_is_missing_or_superfluous_is_found(document: Json) -> None:
    for name in document["$defs"]:
        fewer = {key: part for key, part in document["$defs"].items() if key != name}
        assert f"{name}: not exported" in compare_definitions({"$defs": fewer})
    more = {**document["$defs"], "Else": document["$defs"]["NoParams"]}
    assert "Else: only ours" in compare_definitions({"$defs": more})


@pytest.mark.parametrize("table", _TABLES)
def test_every_change_of_a_table_is_found(document: Json, table: str) -> None:
    tables = {name: document[name] for name in _TABLES}
    before = compare_tables(tables)
    mutants = 0
    for name, row in document[table].items():
        compared = row.keys() - PROSE
        changed = [{key: value for key, value in row.items() if key != part} for part in compared]
        changed += [{**row, part: "something else"} for part in compared]
        rows = [{**document[table], name: one} for one in changed]
        rows.append({key: value for key, value in document[table].items() if key != name})
        rows.append({**document[table], "else": row})
        for mutant in rows:
            mutants += 1
            assert compare_tables({**tables, table: mutant}) != before, name
    assert mutants > 0
