"""What `cadenza up` costs while nobody is connected: the simulated venue trades and publishes all the same."""

from __future__ import annotations

import time

from benchmarks.plan import Plan
from benchmarks.processes import cpu_seconds, running_up
from benchmarks.record import Row, Sample, row

#: Longer than the other windows: the figure is small.
_TIMES = 3


def run(plan: Plan) -> list[Row]:
    """Measure."""
    return [
        _measure(plan, "default feed, nobody connected"),
        _measure(plan, "feed paused, nobody connected", "--pace", "0"),
    ]


def _measure(plan: Plan, name: str, *words: str) -> Row:
    samples = []
    seconds = _TIMES * plan.seconds
    with running_up(plan.folder / f"idle-{len(words)}", *words) as up:
        time.sleep(plan.warm_up_seconds)
        for _ in range(plan.rounds):
            before, began = cpu_seconds(up.pid), time.perf_counter()
            time.sleep(seconds)
            used, passed = cpu_seconds(up.pid) - before, time.perf_counter() - began
            samples.append(Sample(value=100 * used / passed))
    return row("idle", name, samples, unit="% of a core", load=f"none; {plan.rounds} x {seconds:g} s")
