"""The benchmark stays runnable: it is where the issue's bounds on verification are measured."""

from __future__ import annotations

import msgspec
from benchmarks.tokens import measure


def test_a_short_run_yields_every_figure_as_data() -> None:
    report = measure(rounds=1, seconds=0.001)
    names = {(case.algorithm, case.name) for case in report.cases}
    assert {alg for alg, _ in names} == {"ES256", "RS256", "EdDSA", "HS256"}
    assert ("ES256", "cadenza, cached") in names
    assert len(names) == 4 * 4 + 1
    assert all(0 < case.min_us <= case.median_us <= case.max_us for case in report.cases)
    assert msgspec.json.decode(msgspec.json.encode(report))["es256_ratio"] == report.es256_ratio
