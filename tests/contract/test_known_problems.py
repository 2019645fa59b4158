"""Every row of the list of known problems, and every attack, has a test that shows what becomes of it."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.known_problems import ATTACKS, SECTIONS, SHOWN

TESTS = Path(__file__).resolve().parents[1]
ROW = re.compile(r"(?<![-\w])[A-H]\d{1,2}\b")
ALL_ROWS = {f"{section}{number}" for section, rows in SECTIONS.items() for number in range(1, rows + 1)}


@functools.cache
def written() -> dict[str, str]:
    """Every test, as pytest names it without its class: what its docstring and its comments say."""
    found: dict[str, str] = {}
    for file in sorted(TESTS.glob("**/test_*.py")):
        if "node_modules" not in file.parts:
            text = file.read_text()
            comments = dict(_comments(text)) if ROW.search(text) else {}
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    lines = range(node.lineno, (node.end_lineno or 0) + 1)
                    said = [ast.get_docstring(node) or "", *(comments[line] for line in lines if line in comments)]
                    found[f"{file.relative_to(TESTS)}::{node.name}"] = "\n".join(said)
    return found


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("row", SHOWN)
def test_every_row_is_shown_by_a_test(row: str) -> None:
    assert [name for name, said in written().items() if row in ROW.findall(said)]


def test_every_row_that_a_test_names_is_one_of_the_list() -> None:
    named = {row: name for name, said in written().items() for row in ROW.findall(said)}
    assert {row: name for row, name in named.items() if row not in ALL_ROWS} == {}
    assert set(SHOWN) <= ALL_ROWS


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_tried_by_the_tests_that_stand_beside_it(attack: str) -> None:
    assert [name for name in ATTACKS[attack] if name not in written()] == []
