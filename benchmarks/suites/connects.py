"""Connecting with a token: one that the gateway has verified before, and one that it never saw."""

from __future__ import annotations

from benchmarks.dialers import Dials
from benchmarks.peers.targets import Target, targets
from benchmarks.plan import Plan
from benchmarks.processes import generate
from benchmarks.record import Row, Sample, row

_WORKERS = 32
#: More connects a second than any server here makes.
_MOST_PER_SECOND = 9000


def run(plan: Plan) -> list[Row]:
    """Measure."""
    count = int(_MOST_PER_SECOND * (plan.seconds + plan.warm_up_seconds))
    samples: dict[tuple[str, str], list[Sample]] = {}
    with targets(plan) as (up, servers):
        for number in range(plan.rounds):
            # Every server sees each of them once.
            fresh = up.mint(count, first=1 + number * count)
            for server in servers:
                seen = samples.setdefault((server.name, "seen before"), [])
                seen.append(_measure(plan, server, up.mint()))
                if server.verifies:
                    samples.setdefault((server.name, "never seen"), []).append(_measure(plan, server, fresh))
    return [
        row("connect", f"token {what}, {name}", taken, unit="us CPU", load=plan.load("closed loop"))
        for (name, what), taken in samples.items()
    ]


def _measure(plan: Plan, server: Target, tokens: list[str]) -> Sample:
    dials = Dials(
        url=server.ws_url,
        tokens=tokens,
        workers=_WORKERS,
        seconds=plan.seconds,
        warm_up_seconds=plan.warm_up_seconds,
    )
    return generate("benchmarks.dialers", [], pids=server.pids, first=dials)
