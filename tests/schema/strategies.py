"""Hypothesis strategies for any message, built from its inspected type.

Used by the tests beside it. What is drawn is what JSON can carry: text without lone surrogates, integers of 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

__all__ = ["integers", "json_values", "text", "values_of"]

Strategy = st.SearchStrategy[Any]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
_scalars = st.none() | st.booleans() | integers | text
json_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2)
)
_magnitudes = st.tuples(st.integers(0, 10**9), st.sampled_from(["", ".5", ".00000001", ".10"])).map(
    lambda parts: f"{parts[0]}{parts[1]}"
)
_decimals = st.tuples(st.sampled_from(["", "-"]), _magnitudes).map("".join)


def values_of(message: Any) -> Strategy:
    """Values of a type, each field drawn as its type says."""
    return _values_of(message)


@cache
def _values_of(message: Hashable) -> Strategy:
    return _values(inspect.type_info(message))


def _values(info: inspect.Type) -> Strategy:
    return _MAKERS[type(info)](info)


def _strings(info: inspect.StrType) -> Strategy:
    if info.pattern:
        return _decimals if info.pattern.startswith("^-?") else _magnitudes
    return text.map(lambda drawn: drawn.ljust(info.min_length or 0, "x"))


def _tuples(info: inspect.VarTupleType) -> Strategy:
    longest = 2 if info.max_length is None else info.max_length
    return st.lists(_values(info.item_type), min_size=info.min_length or 0, max_size=longest).map(tuple)


_MAKERS: Mapping[type[inspect.Type], Callable[[Any], Strategy]] = {
    inspect.Metadata: lambda info: _values(info.type),
    inspect.NoneType: lambda _: st.none(),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.IntType: lambda info: integers if info.ge is None else st.integers(info.ge, info.le),
    inspect.StrType: _strings,
    inspect.EnumType: lambda info: st.sampled_from(info.cls),
    inspect.UnionType: lambda info: st.one_of([_values(one) for one in info.types]),
    inspect.VarTupleType: _tuples,
    inspect.TupleType: lambda info: st.tuples(*(_values(one) for one in info.item_types)),
    inspect.ListType: lambda info: st.lists(_values(info.item_type), max_size=2),
    inspect.DictType: lambda info: st.dictionaries(text, _values(info.value_type), max_size=2),
    inspect.CustomType: lambda _: json_values,
    inspect.StructType: lambda info: st.fixed_dictionaries(
        {field.name: _values(field.type) for field in info.fields if field.required},
        optional={field.name: _values(field.type) for field in info.fields if not field.required},
    ).map(lambda drawn: info.cls(**drawn)),
}
