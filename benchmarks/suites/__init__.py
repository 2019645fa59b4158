"""The suites, in the order they run. Each is a function from a plan to rows.

Above: ``__main__``. Below: one file a suite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.plan import Plan
from benchmarks.record import Row
from benchmarks.suites.calls import run as calls
from benchmarks.suites.checks import run as checks
from benchmarks.suites.connects import run as connects
from benchmarks.suites.fan_out import run as fan_out
from benchmarks.suites.identity import run as identity
from benchmarks.suites.idle import run as idle
from benchmarks.suites.rpc import run as rpc
from benchmarks.suites.start_up import run as start_up
from benchmarks.suites.verification import run as verification

__all__ = ["IDENTITY", "SUITES"]

SUITES: Mapping[str, Callable[[Plan], list[Row]]] = {
    "start-up": start_up,
    "rpc": rpc,
    "connect": connects,
    "verification": verification,
    "checks": checks,
    "client": calls,
    "fan-out": fan_out,
    "idle": idle,
}

#: ``make bench-identity``: measured by itself, with a record of its own, because its peer is another program.
IDENTITY: Mapping[str, Callable[[Plan], list[Row]]] = {"identity": identity}
