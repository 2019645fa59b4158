"""What a colour means, and whether there may be any: the same for every verb.

Above: ``cli.output``, ``cli.errors``, the live views. Below: nothing. Only the terminal's own sixteen colours are used:
they suit whatever theme it has.
"""

from __future__ import annotations

import enum
import os
from typing import TextIO

__all__ = ["Style", "can_draw", "has_colour", "paint", "styled"]


class Style(enum.Enum):
    """A part something plays on the screen. The value is ECMA-48's selection of a rendition."""

    PLAIN = ""
    STRONG = "1"
    MUTED = "2"
    #: What is typed or followed: a command, a name, an address.
    TYPED = "36"
    GOOD = "32"
    WARNING = "33"
    DOWN = "31"
    #: Areas in the same colours, which would shout otherwise.
    GOOD_AREA = "2;32"
    DOWN_AREA = "2;31"
    BAD = "1;31"


def can_draw(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that can do more than add lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO) -> bool:
    """Tell whether to colour: no where ``NO_COLOR`` says so, yes where ``FORCE_COLOR`` does, else on a terminal.

    Any text but the empty one counts (https://no-color.org, https://force-color.org).
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or can_draw(stream)


def paint(text: str, style: Style, stream: TextIO) -> str:
    """Return the text in a style if the stream has colour. It must be printable already."""
    return styled(text, style) if has_colour(stream) else text


def styled(text: str, style: Style) -> str:
    """Return the text in a style, whoever looks."""
    return text if style is Style.PLAIN or not text else f"\x1b[{style.value}m{text}\x1b[0m"
