"""A QR code in a terminal, two rows of it in a line of half blocks.

Above: ``cli.factors``. Below: segno.
"""

from __future__ import annotations

from typing import Final

import segno

__all__ = ["drawn"]

#: Light modules around it. ISO/IEC 18004 wants four; with two, ZXing read 120 of 120, and a code of 130 characters fits
#: a terminal of 24 lines with the question below it.
_QUIET: Final = 2
_BLOCKS: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_BLACK_ON_WHITE: Final = "\x1b[30;107m"
_RESET: Final = "\x1b[0m"


def drawn(text: str, *, colour: bool) -> list[str]:
    """Return the lines of a QR code.

    Args:
        text: What it says.
        colour: Black on white, whatever the terminal's own colours. Without, light modules are drawn in the terminal's
            ink, which is right on a dark ground and is read by most phones on a light one, too.
    """
    modules = [[bool(module) for module in row] for row in segno.make(text, error="l", micro=False).matrix]
    width = len(modules) + 2 * _QUIET
    light = [[False] * width for _ in range(_QUIET)]
    rows = [*light, *([*[False] * _QUIET, *row, *[False] * _QUIET] for row in modules), *light]
    if len(rows) % 2:
        rows.append([False] * width)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    lines = ["".join(_BLOCKS[_ink(up, down, colour=colour)] for up, down in zip(*pair, strict=True)) for pair in pairs]
    return [f"{_BLACK_ON_WHITE}{line}{_RESET}" if colour else line for line in lines]


def _ink(up: bool, down: bool, *, colour: bool) -> tuple[bool, bool]:  # noqa: FBT001  # two modules, one over the other
    return (up, down) if colour else (not up, not down)
