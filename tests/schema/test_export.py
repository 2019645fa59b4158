"""The two documents stand on their own: the same bytes each time, no loose end, nothing a reader of them must guess."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from cadenza.schema.channels import CHANNELS
from cadenza.schema.codes import CODES
from cadenza.schema.export import asyncapi, json_schema, to_bytes
from cadenza.schema.methods import METHODS

Json = dict[str, Any]

_PROGRAM: Final = """
import sys
from cadenza.schema.export import asyncapi, json_schema, to_bytes
sys.stdout.buffer.write(to_bytes(json_schema()) + to_bytes(asyncapi(version="1.2.3")))
"""


@pytest.fixture(scope="module")
def described() -> Json:
    """The AsyncAPI document."""
    return asyncapi(version="1.2.3")


def _parts(part: object) -> Iterator[Json]:
    """Every object in a document."""
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from _parts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _parts(inner)


def _resolve(document: Json, reference: str) -> object:
    assert reference.startswith("#/")
    found: Any = document
    for step in reference[2:].split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


@pytest.mark.parametrize("seed", ["0", "1"])
def test_documents_are_the_same_bytes_in_every_interpreter(seed: str, document: Json, described: Json) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.stdout == to_bytes(document) + to_bytes(described)


@pytest.mark.parametrize("name", ["json_schema", "asyncapi"])
def test_every_reference_leads_somewhere(name: str, document: Json, described: Json) -> None:
    whole = {"json_schema": document, "asyncapi": described}[name]
    references = {part["$ref"] for part in _parts(whole) if isinstance(part.get("$ref"), str)}
    assert len(references) > 100
    assert all(isinstance(_resolve(whole, reference), dict) for reference in references)


def test_json_schema_says_its_dialect_and_describes_each_definition(document: Json) -> None:
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert [name for name, schema in document["$defs"].items() if not schema["description"]] == []
    assert [name for name, schema in document["$defs"].items() if schema["title"] != name] == []


def test_nothing_of_msgspecs_or_of_python_is_left(document: Json) -> None:
    """``nullable`` is this room's own mark, ``default: null`` msgspec's way to say optional, ``\\Z`` Python's ``$``."""
    assert [part for part in _parts(document) if part.get("nullable") is True] == []
    assert [part for part in _parts(document) if "default" in part and part["default"] is None] == []
    assert [part["pattern"] for part in _parts(document) if "\\Z" in str(part.get("pattern", ""))] == []


def test_tables_name_every_method_channel_and_code(document: Json) -> None:
    assert document["x-methods"].keys() == METHODS.keys()
    assert document["x-channels"].keys() == {pattern.pattern for pattern in CHANNELS}
    assert document["x-errors"].keys() == {str(number) for number in CODES}


def test_documents_are_json(document: Json, described: Json) -> None:
    assert json.loads(to_bytes(document)) == document
    assert json.loads(to_bytes(described)) == described


def test_documents_may_be_changed_by_whoever_asked_for_them() -> None:
    json_schema()["$defs"].clear()
    asyncapi(version="0")["channels"].clear()
    assert json_schema()["$defs"]
    assert asyncapi(version="0")["channels"]


def test_asyncapi_keeps_to_draft_7(described: Json) -> None:
    """The schemas of AsyncAPI 3.0 are draft 7: no ``prefixItems``, and what stands beside a ``$ref`` is ignored."""
    schemas = list(_parts(described["components"]["schemas"]))
    assert [part for part in schemas if "prefixItems" in part or "$defs" in part] == []
    assert [part for part in schemas if isinstance(part.get("$ref"), str) and len(part) > 1] == []
    scope = described["components"]["schemas"]["LogoutParams"]["properties"]["scope"]
    assert scope == {"allOf": [{"$ref": "#/components/schemas/LogoutScope"}], "default": "local"}


def test_asyncapi_operation_uses_messages_of_its_channel_only(described: Json) -> None:
    for name, operation in described["operations"].items():
        for part in (operation, operation.get("reply", operation)):
            assert _resolve(described, part["channel"]["$ref"]), name
            for message in part["messages"]:
                assert message["$ref"].startswith(part["channel"]["$ref"] + "/messages/"), name


def test_asyncapi_has_a_call_for_each_method_and_a_publication_for_each_channel(described: Json) -> None:
    calls = {name: one for name, one in described["operations"].items() if one["action"] == "receive"}
    assert calls.keys() == METHODS.keys()
    assert all("reply" in call for call in calls.values())
    published = [one for one in described["operations"].values() if one["action"] == "send"]
    addresses = {_resolve(described, one["channel"]["$ref"])["address"] for one in published}  # type: ignore[index]  # an object of the document
    assert addresses == {pattern.pattern for pattern in CHANNELS}


def test_asyncapi_says_who_may_call_with_what_it_counts_and_where_a_second_factor_may_be_demanded(
    described: Json,
) -> None:
    said = {name: described["operations"][name]["description"] for name in METHODS}
    assert said["query.ticker.list"] == "May be called by: any signed-in user. Counted with: queries."
    demanded = "with a second factor where one is demanded for orders."
    assert said["command.trade_order.submit"] == (
        f"May be called by: the owner of the account; {demanded} Counted with: commands."
    )


def test_asyncapi_channel_declares_the_parameters_of_its_address(described: Json) -> None:
    for channel in described["channels"].values():
        if channel["address"] is not None:
            named = {f"{{{name}}}" for name in channel["parameters"]}
            assert {part for part in channel["address"].split(":") if part.startswith("{")} == named
