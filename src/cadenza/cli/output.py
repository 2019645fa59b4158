"""Where a command's result goes: a table or JSON, coloured for a person and plain for a program.

Above: the verbs. Below: ``cli.colours``; Rich, imported only to colour JSON.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from cadenza.cli.colours import Style, can_draw, has_colour, paint

__all__ = [
    "cells",
    "json_text",
    "note",
    "person_looks",
    "printable",
    "say",
    "show_json",
    "show_pairs",
    "show_table",
    "tell",
]

#: What a terminal would obey instead of showing: C0 but tab and line feed, DEL, C1.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ADDRESS = re.compile(r"(?:https?|wss?)://\S+")
_GAP = "  "


def person_looks() -> bool:
    """Tell whether stdout is a terminal on which more can be done than to add lines."""
    return can_draw(sys.stdout)


def printable(text: str) -> str:
    """Return ``text`` without anything that a terminal obeys: it may come from another user."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def say(line: str, style: Style = Style.PLAIN, *, then: str = "") -> None:
    """Print one line of the result at once, also into a pipe; what is to follow on it ``then``, plain."""
    _write(paint(printable(line), style, sys.stdout) + printable(then))


def note(line: str, style: Style = Style.PLAIN, *, then: str = "") -> None:
    """Tell a person how it goes, beside the result: on stderr.

    Args:
        line: What to tell.
        style: In which style.
        then: What to add on the same line, plain.
    """
    told = paint(printable(line), style, sys.stderr) + (f" {printable(then)}" if then else "")
    sys.stderr.write(told + "\n")
    sys.stderr.flush()


def tell(text: str, described: Mapping[str, object], *, as_json: bool) -> None:
    """Tell how it goes to whoever reads: a person, or with ``--json`` a program, on one line."""
    note(json_text(described) if as_json else text)


def json_text(value: object) -> str:
    """Return a value as JSON on one line."""
    import msgspec

    return msgspec.json.encode(value).decode()


def show_json(value: object) -> None:
    """Print a value as indented JSON, with colour where a person looks."""
    import msgspec

    text = printable(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    if not has_colour(sys.stdout):
        say(text)
        return
    from rich.console import Console
    from rich.json import JSON

    Console(soft_wrap=True).print(JSON(text))


def show_pairs(pairs: Mapping[str, str], *, strong: Collection[str] = ()) -> None:
    """Print named values, one a line, the values below one another; those of ``strong`` names stand out."""
    width = max(map(cells, pairs), default=0)
    for name, value in pairs.items():
        shown = paint(printable(value), Style.STRONG if name in strong else _value_style(value), sys.stdout)
        label = paint(_padded(printable(name), width), Style.MUTED, sys.stdout)
        _write(f"{label}{_GAP}{shown}" if value else label.rstrip())


def show_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Mapping[str, Style] | None = None
) -> None:
    """Print rows below their headings, in columns.

    On a terminal the last column is folded at its blanks where it is too long; nothing else is, and a name is never
    broken, so that it can be copied.

    Args:
        headings: One a column.
        rows: As many cells each.
        styles: By heading, how its cells look.
    """
    columns = [[printable(cell) for cell in column] for column in zip(headings, *rows, strict=True)]
    widths = [max(map(cells, column)) for column in columns[:-1]]
    looks = [(styles or {}).get(heading, Style.PLAIN) for heading in headings]
    for number, row in enumerate(zip(*columns, strict=True)):
        styled = [Style.STRONG] * len(looks) if number == 0 else looks
        for line in _folded(row, widths):
            padded = [_padded(cell, width) for cell, width in zip(line, [*widths, 0], strict=True)]
            _write(_GAP.join(_trimmed(cell, style) for cell, style in zip(padded, styled, strict=True)).rstrip())


def _folded(row: Sequence[str], widths: Sequence[int]) -> list[list[str]]:
    """A row's lines: one, or more where the last cell is folded on a terminal."""
    *firsts, last = row
    room = shutil.get_terminal_size().columns - sum(width + len(_GAP) for width in widths)
    if not person_looks() or cells(last) <= room:
        return [[*firsts, last]]
    folded = textwrap.wrap(last, max(room, 1), break_long_words=False, break_on_hyphens=False) or [""]
    return [[*firsts, folded[0]], *([*[""] * len(firsts), more] for more in folded[1:])]


def _trimmed(cell: str, style: Style) -> str:
    """A cell in its style, which the blanks behind it do not take part in."""
    text = cell.rstrip()
    return paint(text, style, sys.stdout) + cell[len(text) :]


def _value_style(value: str) -> Style:
    return Style.TYPED if _ADDRESS.fullmatch(value) else Style.PLAIN


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def cells(text: str) -> int:
    """How many columns of a terminal a text takes: East Asian characters take two, what is put over another none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
