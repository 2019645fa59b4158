"""The figures as tables: on the terminal, and between the markers of ``docs/explanation/performance.md``.

Above: ``__main__``; ``python -m benchmarks --page`` writes the page anew, ``--check-page`` says whether it is current.
Below: the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.record import IDENTITY_RECORD, RECORD, ROOT, Record, Row

PAGE = ROOT / "docs" / "explanation" / "performance.md"
_MARKERS = {
    RECORD: (
        "<!-- figures: begin; written by `python -m benchmarks` from docs/benchmarks.json -->",
        "<!-- figures: end -->",
    ),
    IDENTITY_RECORD: (
        "<!-- identity figures: begin; by `python -m benchmarks --identity` from docs/benchmarks-identity.json -->",
        "<!-- identity figures: end -->",
    ),
}
HEADINGS = {
    "start-up": "Start-up",
    "rpc": "RPC",
    "connect": "Connecting",
    "verification": "Checking a token",
    "checks": "Who may call, and how often",
    "client": "A typed call",
    "fan-out": "Fan-out",
    "idle": "Doing nothing",
    "identity": "The identity provider",
}
_COLUMNS = ("measured", "target", "", "rate/s", "p50 ms", "p99 ms", "server %", "generator %", "others %")


def terminal_table(rows: Sequence[Row]) -> Iterator[str]:
    """Write the table's lines, for a person."""
    table = [("", *_COLUMNS), *((f"{row.suite}: {row.name}", *_cells(row)) for row in rows)]
    name_width, *widths = (max(len(cells[number]) for cells in table) for number in range(len(table[0])))
    for name, *cells in table:
        yield f"{name:{name_width}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def update_page(record: Record, path: Path = RECORD) -> None:
    """Write the figures of the record kept at ``path`` between their markers."""
    PAGE.write_text(_with_figures(PAGE.read_text(), record, path))


def is_current(record: Record, path: Path = RECORD) -> bool:
    """Tell whether the page shows this record."""
    text = PAGE.read_text()
    return text == _with_figures(text, record, path)


def _with_figures(text: str, record: Record, path: Path) -> str:
    first, last = _MARKERS[path]
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has lost its markers")
    return before + begin + "\n\n" + "\n".join(_figures(record)) + "\n\n" + end + after


def _figures(record: Record) -> Iterator[str]:
    machine = record.machine
    yield (
        f"Taken on {record.date} at commit `{record.revision}`: {machine.system} on {machine.architecture}, "
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB. "
        f"Each figure is the median of {record.rounds} rounds of {record.seconds:g} s unless its load says otherwise."
    )
    if machine.others_percent is not None:
        yield f"Just before the run, other programs kept {machine.others_percent:g} % of the cores busy."
    yield ""
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in record.versions.items()) + "."
    for suite, found in groupby(record.rows, key=lambda row: row.suite):
        rows = list(found)
        yield ""
        yield f"### {HEADINGS[suite]}"
        yield ""
        yield from _markdown(rows)
        yield ""
        yield "Load: " + "; ".join(dict.fromkeys(row.load for row in rows)) + "."


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    table = [_cells(row) for row in rows]
    used = [number for number in range(len(_COLUMNS)) if number == 0 or any(cells[number] for cells in table)]
    split = sorted({name for row in rows for name in row.details if name.endswith("_us") and name[0] != "p"})
    yield "| | " + " | ".join([_COLUMNS[number] for number in used] + [f"{name[:-3]} us CPU" for name in split]) + " |"
    yield "|---|" + "--:|" * (len(used) + len(split))
    for row, cells in zip(rows, table, strict=True):
        parts = [f"{row.details[name]:.1f}" if name in row.details else "" for name in split]
        yield f"| {row.name} | " + " | ".join([cells[number] for number in used] + parts) + " |"


def _cells(row: Row) -> tuple[str, ...]:
    details = row.details

    def milliseconds(name: str) -> str:
        return f"{details[name] / 1000:.2f}" if name in details else ""

    def percent(name: str) -> str:
        return f"{details[name]:.0f}" if name in details else ""

    return (
        f"{row.value:g} {row.unit}",
        f"{row.at_most:g}" if row.at_most is not None else "",
        row.verdict,
        f"{details['rate']:.0f}" if "rate" in details else "",
        milliseconds("p50_us"),
        milliseconds("p99_us"),
        percent("server_percent"),
        percent("load_generator_percent"),
        percent("others_percent"),
    )
