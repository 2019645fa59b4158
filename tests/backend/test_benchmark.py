"""The benchmark of the checks stays runnable: it is where the issue's bound on them is measured."""

from __future__ import annotations

from pathlib import Path

from benchmarks import page
from benchmarks.plan import Plan
from benchmarks.suites import IDENTITY, SUITES
from benchmarks.suites.checks import AT_MOST_US, run


def test_a_short_run_yields_every_figure_and_the_bound_of_all_three(tmp_path: Path) -> None:
    rows = run(Plan(rounds=1, seconds=0.001, warm_up_seconds=0, folder=tmp_path, centrifugo=None))
    assert [row.at_most for row in rows] == [AT_MOST_US] * 3 + [None] * 3
    assert all(row.value > 0 for row in rows)


def test_the_page_has_a_heading_for_every_suite() -> None:
    assert set(page.HEADINGS) == {*SUITES, *IDENTITY}
