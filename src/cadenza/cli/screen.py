"""The whole terminal, taken over for a picture that refreshes and given back as it was.

Above: ``cli.live``. Below: ``cli.colours``. A picture is lines of spans, a span a text with its style. Rich's ``Live``
took 2.4 ms of CPU for a picture of 25 lines and 150 spans; this takes 0.2, and leaves Rich unloaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from cadenza.cli.colours import Style, has_colour, styled
from cadenza.cli.output import cells, printable

__all__ = ["Line", "Room", "Screen", "Span", "joined"]

Span = tuple[str, Style]
Line = Sequence[Span]

#: xterm's controls, which every terminal of today has: the other screen, the cursor away; and both back.
_TAKE: Final = "\x1b[?1049h\x1b[?25l"
_GIVE_BACK: Final = "\x1b[?1049l\x1b[?25h"
#: Drawn as one where the terminal can (mode 2026), from the top left; what was there before is cleared line by line.
_BEGIN, _END = "\x1b[?2026h\x1b[H", "\x1b[J\x1b[?2026l"
_CLEAR_REST: Final = "\x1b[K"
_USUAL_SIZE: Final = (80, 24)


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a picture has to be drawn in.

    Attributes:
        width: Columns.
        height: Lines.
        has_blocks: Whether more than ASCII is shown.
        age_seconds: How long ago the last item came; None where nothing more will.
    """

    width: int
    height: int
    has_blocks: bool
    age_seconds: float | None

    @property
    def stands_still(self) -> bool:
        """Whether the picture is drawn once, and read from its end as it scrolls by."""
        return self.age_seconds is None

    @property
    def age(self) -> str:
        """That time, for a person; empty where there is none to tell."""
        return "" if self.age_seconds is None else f"{self.age_seconds:.1f} s"


class Screen:
    """A terminal.

    Args:
        stream: Where it is written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._taken = False

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = _USUAL_SIZE
        return columns or _USUAL_SIZE[0], rows or _USUAL_SIZE[1]

    @property
    def has_blocks(self) -> bool:
        """Whether it shows more than ASCII."""
        return (self._stream.encoding or "").lower().replace("-", "") == "utf8"

    def take(self) -> None:
        """Take it over. Done twice, it is done once."""
        if not self._taken:
            self._taken = True
            self._write(_TAKE)

    def give_back(self) -> None:
        """Show again what was there before."""
        if self._taken:
            self._taken = False
            self._write(_GIVE_BACK)

    def draw(self, lines: Sequence[Line]) -> None:
        """Show a picture in place of the one before; what does not fit is cut off."""
        columns, rows = self.size
        shown = "\r\n".join(text + _CLEAR_REST for text in self._painted(lines[:rows], columns))
        self._write(_BEGIN + shown + _END)

    def leave(self, lines: Sequence[Line]) -> None:
        """Print a picture to stay, below what was printed before."""
        columns, _ = self.size
        self._write("".join(f"{text.rstrip()}\n" for text in self._painted(lines, columns)))

    def _painted(self, lines: Sequence[Line], columns: int) -> Iterator[str]:
        coloured = has_colour(self._stream)  # asked once a picture: it looks into the environment
        for line in lines:
            cut = _cut(line, columns)
            yield "".join(styled(text, style) for text, style in cut) if coloured else joined(cut)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def joined(line: Line) -> str:
    """A line's text without its styles."""
    return "".join(text for text, _ in line)


def _cut(line: Line, columns: int) -> list[Span]:
    """As much of a line as fits, printable: what a peer has sent cannot steer the terminal."""
    shown: list[Span] = []
    for text, style in line:
        fits = text if text.isprintable() else printable(text).replace("\n", " ").replace("\t", " ")
        while (taken := cells(fits)) > columns:
            fits = fits[:-1]
        shown.append((fits, style))
        columns -= taken
    return shown
