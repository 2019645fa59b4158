"""Checking an access token, uncached and cached, beside a bare signature check: ``benchmarks.tokens``, summed up."""

from __future__ import annotations

from benchmarks import tokens
from benchmarks.plan import Plan
from benchmarks.record import Row

_CASE_SECONDS = 0.2
_ROUNDS = 5
_TARGETS = {
    ("ES256", "cadenza, uncached"): tokens.MAX_UNCACHED_US,
    ("ES256", "cadenza, cached"): tokens.MAX_CACHED_US,
}


def run(plan: Plan) -> list[Row]:
    """Measure."""
    report = tokens.measure(rounds=max(_ROUNDS, plan.rounds), seconds=min(_CASE_SECONDS, plan.seconds))
    load = f"tokens of up to {report.token_characters} characters; {report.rounds} x {report.seconds_per_case:g} s CPU"
    ratio = Row(
        suite="verification",
        name="ES256, cadenza uncached / signature alone",
        unit="times",
        load=load,
        value=round(report.es256_ratio, 3),
        rounds=(round(report.es256_ratio, 3),),
        at_most=tokens.MAX_RATIO,
    )
    return [
        *(
            Row(
                suite="verification",
                name=f"{case.algorithm}, {case.name}",
                unit="us CPU",
                load=load,
                value=round(case.median_us, 2),
                rounds=(round(case.min_us, 2), round(case.median_us, 2), round(case.max_us, 2)),
                at_most=_TARGETS.get((case.algorithm, case.name)),
            )
            for case in report.cases
        ),
        ratio,
    ]
