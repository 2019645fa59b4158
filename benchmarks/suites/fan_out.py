"""A publication over the server API to 1000 subscribers of one ticker channel, history and tags as in production."""

from __future__ import annotations

from benchmarks.peers.targets import Target, targets
from benchmarks.plan import Plan
from benchmarks.processes import generate
from benchmarks.record import Row, Sample, row

from cadenza.schema.channels import ticker_channel

_SUBSCRIBERS = 1000
_BYTES = 200
#: Publications a second; 0: the next as soon as the last was taken.
_RATES = (20.0, 100.0, 0.0)
#: Deliveries that may still be under way a third of a second after the last publication, when the machine is busy.
_LATE_ALLOWED = 0.1


def run(plan: Plan) -> list[Row]:
    """Measure."""
    samples: dict[tuple[Target, float], list[Sample]] = {}
    with targets(plan) as (up, servers):
        token = up.mint()[0]
        for _ in range(plan.rounds):
            for server in servers:
                for rate in _RATES:
                    samples.setdefault((server, rate), []).append(_measure(plan, server, token, rate))
    return [
        row(
            "fan-out",
            f"{f'{rate:g} publications/s' if rate else 'closed loop'}, {server.name}",
            taken,
            unit="us CPU",
            load=plan.load(f"1 publisher, {_SUBSCRIBERS} subscribers"),
        )
        for (server, rate), taken in samples.items()
    ]


def _measure(plan: Plan, server: Target, token: str, rate: float) -> Sample:
    words = ["fanout", "--url", server.ws_url, "--api-url", server.publish_url, "--rate", str(rate)]
    words += ["--channel", ticker_channel("PAPER", "BTC/USDT"), "--size", str(_BYTES)]
    words += ["--connections", str(_SUBSCRIBERS), "--seconds", str(plan.seconds)]
    words += ["--warm-up", str(plan.warm_up_seconds)]
    secrets = {"LOADGEN_TOKEN": token, "LOADGEN_API_KEY": server.api_key}
    return generate("benchmarks.loadgen", words, pids=server.pids, environment=secrets, errors_allowed=_LATE_ALLOWED)
