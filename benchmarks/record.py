"""The figures as data: a row a measurement, each the median of its rounds, and the whole record in one file.

Above: every suite makes rows; ``page`` and ``__main__`` read them. Below: msgspec.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "docs" / "benchmarks.json"
IDENTITY_RECORD = ROOT / "docs" / "benchmarks-identity.json"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One round of one measurement: the figure that counts, and what was seen beside it."""

    value: float
    details: dict[str, float] = {}


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement. ``value`` and ``details`` are medians; ``at_most`` is the target, if there is one."""

    suite: str
    name: str
    unit: str
    load: str
    value: float
    rounds: tuple[float, ...]
    at_most: float | None = None
    details: dict[str, float] = {}

    @property
    def verdict(self) -> str:
        """How it stands to its target."""
        if self.at_most is None:
            return ""
        return "met" if self.value <= self.at_most else "MISSED"


class Machine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it ran on, without names. ``others_percent``: share of all cores that others used just before the run."""

    system: str
    architecture: str
    cpu: str
    cores: int
    memory_gib: int
    others_percent: float | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One whole run. ``revision`` is the commit, with ``+`` when files differ from it."""

    date: str
    revision: str
    rounds: int
    seconds: float
    machine: Machine
    versions: dict[str, str]
    rows: tuple[Row, ...]


def row(suite: str, name: str, samples: Sequence[Sample], *, unit: str, load: str, at_most: float | None = None) -> Row:
    """Sum up the rounds of one measurement."""
    return Row(
        suite=suite,
        name=name,
        unit=unit,
        load=load,
        value=_rounded(statistics.median(sample.value for sample in samples)),
        rounds=tuple(_rounded(sample.value) for sample in samples),
        at_most=at_most,
        details={
            key: _rounded(statistics.median(sample.details.get(key, 0.0) for sample in samples))
            for key in dict.fromkeys(key for sample in samples for key in sample.details)
        },
    )


def write(record: Record, path: Path = RECORD) -> None:
    """Keep the record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def read(path: Path = RECORD) -> Record:
    """Read the record that is kept."""
    return msgspec.json.decode(path.read_bytes(), type=Record)


def _rounded(value: float) -> float:
    """Four significant digits: the noise is larger."""
    return float(f"{value:.4g}")
