"""The page on codes says what the code does."""

from __future__ import annotations

from pathlib import Path

from cadenza.client.codes_page import render
from cadenza.client.connection import RULES
from cadenza.schema.codes import CODES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "codes.md"


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == render(), "run: python -m cadenza.client.codes_page > docs/reference/codes.md"


def test_the_page_opens_with_the_missions_three_rows() -> None:
    rows = [line.split("|")[1].strip() for line in render().splitlines() if line.startswith("| **")]
    assert [row.split("**")[1] for row in rows] == ["3500", "109", "100"]


def test_each_row_of_the_tables_stands_on_the_page() -> None:
    lines = render().splitlines()
    for rule in RULES:
        assert any(rule.meaning in line and rule.next_step.value in line for line in lines), rule
    for code in CODES:
        assert any(line.startswith(f"| {code} |") for line in lines)


def test_every_table_has_as_many_cells_in_each_row_as_in_its_head() -> None:
    width = 0
    for line in render().splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = line.count("|")
        assert cells == (width or cells), line
        width = cells
