"""Columns of spans that fit a width: where it is too narrow, the columns that matter least are left out.

Above: the pictures of ``cli.watch``, tables of ``cli.call``. Below: ``cli.screen``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cadenza.cli.colours import Style
from cadenza.cli.output import cells
from cadenza.cli.screen import Line, Span

__all__ = ["Column", "grid"]

_GAP = 2


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        heading: What stands above it.
        rank: 0 matters most; the highest is left out first.
        right: Whether its cells stand at the right edge, as numbers do.
    """

    heading: str
    rank: int = 0
    right: bool = True


def grid(columns: Sequence[Column], rows: Sequence[Sequence[Span]], width: int) -> list[Line]:
    """Return the heading's line and one a row."""
    widths = [
        max([cells(column.heading), *(cells(row[index][0]) for row in rows)]) for index, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    while len(kept) > 1 and sum(widths[index] + _GAP for index in kept) - _GAP > width:
        kept.remove(max(kept, key=lambda index: (columns[index].rank, index)))
    headings = [(column.heading, Style.STRONG) for column in columns]
    return [
        [span for index in kept for span in _cell(row[index], widths[index], columns[index], first=index == kept[0])]
        for row in (headings, *rows)
    ]


def _cell(span: Span, width: int, column: Column, *, first: bool) -> list[Span]:
    blank = " " * (width - cells(span[0]))
    gap = "" if first else " " * _GAP
    return [(gap + blank, Style.PLAIN), span] if column.right else [(gap, Style.PLAIN), span, (blank, Style.PLAIN)]
