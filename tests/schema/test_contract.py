"""The exported schema is the contract, field by field, both ways; each deliberate difference has its reason."""

from __future__ import annotations

from typing import Any

from tests.schema.contract_comparison import (
    compare_definitions,
    compare_tables,
    contract,
    differences,
    expected,
    ours,
)

from cadenza.schema.events import EVENTS
from cadenza.schema.methods import METHODS
from cadenza.schema.rpc_names import RpcMethod


def test_every_field_is_as_the_contract_has_it_or_differs_for_a_reason(document: dict[str, Any]) -> None:
    found = compare_definitions(document) | compare_tables(document)
    assert found - differences().keys() == set(), "differs from the contract, and nothing says why"
    assert differences().keys() - found == set(), "listed as a difference, but there is none"


def test_every_difference_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in differences().values())


def test_the_whole_contract_is_compared() -> None:
    rpc = contract("rpc")
    assert len(rpc["methods"]) == 64
    assert len(rpc["events"]) == 9
    assert len(contract("channels")["channels"]) == 6
    assert len(contract("enums")["enums"]) == 41
    names = {name for name, fields in expected().items() if "enum" in fields}
    assert contract("enums")["enums"].keys() <= names
    assert sum(len(fields) for fields in expected().values()) > 600


def test_all_methods_are_there_and_the_auth_methods_beside_them() -> None:
    documented = {one["method"] for one in contract("rpc")["methods"]}
    assert METHODS.keys() == documented | ours()["methods"].keys()
    assert len(documented) == 64


def test_every_name_of_the_contract_is_a_method_a_reply_or_an_event() -> None:
    replies = {one["response_name"] for one in contract("rpc")["methods"]}
    documented = {name for name in METHODS if name not in ours()["methods"]}
    events = {name for name, kind in EVENTS.items() if kind.documented}
    assert {name.value for name in RpcMethod} == documented | replies | events


def test_the_definitions_refer_only_to_each_other(document: dict[str, Any]) -> None:
    def references(part: object) -> set[str]:
        if isinstance(part, dict):
            here = {part["$ref"]} if "$ref" in part else set()
            return here.union(*(references(one) for one in part.values()))
        if isinstance(part, list):
            return set[str]().union(*(references(one) for one in part))
        return set()

    assert references(document) <= {f"#/$defs/{name}" for name in document["$defs"]}
