"""Where a command's result goes: a table or JSON, coloured for a person and plain for a program.

Above: the verbs. Below: Rich, imported only when a person looks.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence

__all__ = ["json_text", "note", "person_looks", "printable", "say", "show_json", "show_pairs", "show_table"]

#: What a terminal would obey instead of showing: C0 but tab and line feed, DEL, C1.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

#: Blanks that a drawn table puts around a column, at most.
_GAP = 3


def person_looks() -> bool:
    """Tell whether stdout is a terminal that may have colour (https://no-color.org: any non-empty NO_COLOR says no)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Return ``text`` without anything that a terminal obeys: it may come from another user."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def say(line: str) -> None:
    """Print one line of the result at once, also into a pipe."""
    sys.stdout.write(printable(line) + "\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Tell a person how it goes, beside the result: on stderr."""
    sys.stderr.write(printable(line) + "\n")
    sys.stderr.flush()


def json_text(value: object) -> str:
    """Return a value as JSON on one line."""
    import msgspec

    return msgspec.json.encode(value).decode()


def show_json(value: object) -> None:
    """Print a value as indented JSON, with colour where a person looks."""
    import msgspec

    text = printable(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    if not person_looks():
        say(text)
        return
    from rich.console import Console
    from rich.json import JSON

    Console(soft_wrap=True).print(JSON(text))


def show_pairs(pairs: Mapping[str, str]) -> None:
    """Print named values, one a line, the values below one another."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        say(f"{name:<{width}}  {value}".rstrip())


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their headings: a drawn table for a person, aligned columns otherwise.

    Only the last column is ever folded, at its blanks; a name is never broken, so that it can be copied.
    """
    if not person_looks():
        for line in _aligned([headings, *rows]):
            say(line)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(headings[-1])
    for row in rows:
        # As text: a value is never read as Rich's markup.
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console()
    words = [len(word) for row in rows for word in row[-1].split()]
    firsts = sum(max(len(line[column]) for line in [headings, *rows]) + _GAP for column in range(len(headings) - 1))
    # Too narrow a terminal breaks lines by itself, and leaves no line end in what is copied.
    console.width = max(console.width, firsts + max(words, default=0) + _GAP)
    console.print(table)


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
