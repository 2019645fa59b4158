"""What a run is told, the window it measures in, and its result.

Above: ``modes``, ``__main__``. Below: nothing.
"""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Awaitable, Callable

__all__ = ["Plan", "Result", "Window"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """One run. ``announce`` tells the caller when the window opens and closes, so that it can read the server's CPU."""

    url: str
    token: str
    connections: int
    duration_seconds: float
    warm_up_seconds: float
    method: str
    size: int
    channel: str
    api_url: str
    api_key: str
    rate: float
    announce: Callable[[str], Awaitable[None]]
    hold: Callable[[], Awaitable[None]] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """Times in microseconds, ``cpu_percent`` of one core, the generator's own."""

    mode: str
    connections: int
    payload_bytes: int
    seconds: float
    operations: int
    rate: float
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float
    errors: int
    cpu_percent: float


class Window:
    """Collects latencies (seconds) while it is open."""

    def __init__(self) -> None:
        self.is_open = False
        self.latencies: list[float] = []
        self.errors = 0
        self._opened_at = 0.0
        self._seconds = 0.0
        self._cpu = 0.0

    def open(self) -> None:
        """Begin."""
        self._opened_at, self._cpu = time.perf_counter(), _own_cpu()
        self.is_open = True

    def close(self) -> None:
        """End."""
        self.is_open = False
        self._seconds, self._cpu = time.perf_counter() - self._opened_at, _own_cpu() - self._cpu

    def result(self, mode: str, plan: Plan) -> Result:
        """Sum up."""
        ordered = sorted(self.latencies)
        return Result(
            mode=mode,
            connections=plan.connections,
            payload_bytes=plan.size,
            seconds=round(self._seconds, 3),
            operations=len(ordered),
            rate=round(len(ordered) / self._seconds, 1),
            p50_us=_percentile(ordered, 0.50),
            p90_us=_percentile(ordered, 0.90),
            p99_us=_percentile(ordered, 0.99),
            max_us=_percentile(ordered, 1.0),
            errors=self.errors,
            cpu_percent=round(100 * self._cpu / self._seconds, 1),
        )


def _percentile(ordered: list[float], share: float) -> float:
    return round(1e6 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
