"""How long and how often: what every suite is told.

Above: ``__main__``. Below: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run of the benchmarks.

    Attributes:
        rounds: How often each measurement is made, interleaved with those it is compared with.
        seconds: Length of each measured window.
        warm_up_seconds: Load before it.
        folder: Scratch.
        centrifugo: The real program, if it was given.
        supabase_auth: The real program, if it was given.
    """

    rounds: int
    seconds: float
    warm_up_seconds: float
    folder: Path
    centrifugo: Path | None
    supabase_auth: Path | None = None

    def load(self, what: str) -> str:
        """Say the load of a row."""
        return f"{what}; {self.rounds} x {self.seconds:g} s"
