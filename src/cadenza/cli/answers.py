"""What a call has answered, as a person reads it: books, tickers and bars as pictures, any other list as a table.

Above: ``cli.call``, where a person looks; a program gets JSON. Below: the pictures, ``cli.grid``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from cadenza.cli.book_picture import BookPicture
from cadenza.cli.colours import Style
from cadenza.cli.grid import Column, grid
from cadenza.cli.live import Picture
from cadenza.cli.output import note
from cadenza.cli.screen import Line, Room, Screen, Span
from cadenza.cli.table_pictures import BarPicture, TickerPicture
from cadenza.schema.market import Kline, OrderBook, Ticker

__all__ = ["lines_of", "show_answer"]

#: A terminal scrolls: a picture that stands still may have as many lines as it needs.
_ANY_HEIGHT: Final = 100_000
_LONGEST_CELL: Final = 40
#: A column that says the same in each row matters less than any that does not.
_SAME_EVERYWHERE: Final = 1000

#: Of what, in which picture, and whether one picture is for all of a list.
_PICTURES: Final[tuple[tuple[type, Callable[[], Picture], bool], ...]] = (
    (OrderBook, BookPicture, False),
    (Ticker, TickerPicture, True),
    (Kline, BarPicture, False),
)


def show_answer(data: object, plain: object) -> bool:
    """Print an answer for a person, if it is one of those that read better than their JSON.

    Args:
        data: The typed answer.
        plain: The same as JSON has it, without what nobody may see.

    Returns:
        Whether anything was printed.
    """
    screen = Screen(sys.stdout)
    width, _ = screen.size
    lines, left_out = lines_of(data, plain, width=width, has_blocks=screen.has_blocks)
    screen.leave(lines)
    if left_out:
        note(f"Not shown: {', '.join(left_out)}. With --json, all is.", Style.MUTED)
    return bool(lines)


def lines_of(data: object, plain: object, *, width: int, has_blocks: bool) -> tuple[list[Line], list[str]]:
    """Return the lines of an answer, and which columns are not among them; no lines where its JSON says it best."""
    items = list(data) if isinstance(data, list | tuple) else [data]
    room = Room(width=width, height=_ANY_HEIGHT, has_blocks=has_blocks, age_seconds=None)
    for kind, picture, together in _PICTURES:
        if items and all(isinstance(item, kind) for item in items):
            groups = [items] if together else [[item] for item in items]
            return [line for group in groups for line in _drawn(picture(), group, room)], []
    if not isinstance(plain, list) or not plain:
        return [], []
    if all(isinstance(row, dict) for row in plain):
        return _table(plain, width)
    if all(isinstance(row, str) for row in plain):
        return [[(row, Style.PLAIN)] for row in plain], []
    return [], []


def _drawn(picture: Picture, items: Sequence[object], room: Room) -> list[Line]:
    for item in items:
        picture.show(item, "")
    lines = picture.lines(room)
    return lines if lines[-1] else lines[:-1]


def _table(rows: Sequence[Mapping[str, object]], width: int) -> tuple[list[Line], list[str]]:
    """A column for each member that is no object and no list, and is anything at all in some row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    flat = [name for name in names if all(_is_flat(row.get(name)) for row in rows)]
    told = [name for name in flat if any(row.get(name) not in (None, "") for row in rows)]
    cells = {name: [_cell(row.get(name)) for row in rows] for name in told}
    columns = [
        Column(
            heading=name,
            rank=index + (_SAME_EVERYWHERE if len(rows) > 1 and len(set(cells[name])) == 1 else 0),
            right=all(_is_number(text) for text, _ in cells[name] if text != "-"),
        )
        for index, name in enumerate(told)
    ]
    lines = grid(columns, [[cells[name][number] for name in told] for number in range(len(rows))], width)
    shown = {text for text, _ in lines[0]} if lines else set()
    return lines, [name for name in names if name not in shown and (name in told or name not in flat)]


def _is_flat(value: object) -> bool:
    return not isinstance(value, dict | list)


def _cell(value: object) -> Span:
    if value is None or value == "":
        return "-", Style.MUTED
    if isinstance(value, bool):
        return ("yes", Style.GOOD) if value else ("no", Style.MUTED)
    text = str(value)
    return (text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 3] + "..."), Style.PLAIN


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True
