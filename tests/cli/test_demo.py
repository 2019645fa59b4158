"""`cadenza demo` shows each step as it ends; what the steps do is tests/stack's business."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cadenza.stack import demo
from cadenza.stack.demo import DemoStep

_GOOD = DemoStep(name="connect", detail="client 5f\x1b[2J", seconds=0.04, ok=True)
_BAD = DemoStep(name="sign out", detail="the old refresh token still works", seconds=1.5, ok=False)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[DemoStep]:
    """What the demo goes through."""
    given: list[DemoStep] = []

    async def run_demo(show: Callable[[DemoStep], None]) -> bool:
        for step in given:
            show(step)
        return all(step.ok for step in given)

    monkeypatch.setattr(demo, "run_demo", run_demo)
    return given


def test_each_step_has_a_mark_and_its_time(cadenza: Callable[..., Any], steps: list[DemoStep]) -> None:
    steps.append(_GOOD)
    ran = cadenza("demo")
    assert ran.code == 0
    first, last = ran.out.splitlines()
    assert first.split()[:4] == ["✓", "0.04", "s", "connect"]
    assert "\x1b" not in ran.out
    assert last == "1 steps in 0.0 s: all as they must be."


def test_a_step_that_differs_ends_it_with_1(cadenza: Callable[..., Any], steps: list[DemoStep]) -> None:
    steps.extend([_GOOD, _BAD])
    ran = cadenza("demo")
    assert ran.code == 1
    assert ran.out.splitlines()[1].startswith("✗   1.50 s  sign out")
    assert "the last one differs" in ran.out


def test_json_is_an_object_a_step(cadenza: Callable[..., Any], steps: list[DemoStep]) -> None:
    steps.extend([_GOOD, _BAD])
    ran = cadenza("demo", "--json")
    assert ran.code == 1
    assert [json.loads(line)["ok"] for line in ran.out.splitlines()] == [True, False]
    assert json.loads(ran.out.splitlines()[1]) == {
        "name": "sign out",
        "detail": "the old refresh token still works",
        "seconds": 1.5,
        "ok": False,
    }
