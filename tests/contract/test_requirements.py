from __future__ import annotations

import re
from pathlib import Path

from tests.contract.requirements import BY_ID, REQUIREMENTS, STACKS

HERE = Path(__file__).parent


def shown_ids() -> set[str]:
    marked: set[str] = set()
    for file in HERE.glob("test_*.py"):
        if file != Path(__file__):
            marked |= set(re.findall(r'"([A-Z]+(?:-[A-Z0-9]+)*)"', file.read_text()))
    return marked & set(BY_ID) | {id_ for id_ in marked if id_.split("-")[0] in PREFIXES and "-" in id_}


PREFIXES = {requirement.id.split("-")[0] for requirement in REQUIREMENTS}


def test_every_requirement_has_a_test_and_every_mark_names_a_requirement() -> None:
    assert shown_ids() == set(BY_ID)


def test_ids_are_unique_and_divergences_name_a_stack() -> None:
    assert len(BY_ID) == len(REQUIREMENTS)
    for requirement in REQUIREMENTS:
        assert set(requirement.divergences) <= set(STACKS)
        assert all(divergence.reason for divergence in requirement.divergences.values())
