"""Draws the live order book that README.md shows; `--check` only compares.

Above: `make check`, tests/cli. Below: cadenza.cli's own picture. The book is one of PAPER's, taken once.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from cadenza.cli.book_picture import BookPicture
from cadenza.cli.connection_state import ConnectionState
from cadenza.cli.screen import Room, joined
from cadenza.client.timing import Timing
from cadenza.schema.market import L2_COLUMNS, OrderBook
from cadenza.schema.scalars import OrderBookType, UpdateType, Venue

PAGE = Path(__file__).resolve().parent.parent / "README.md"
_BLOCK = re.compile(r"(?<=<!-- Drawn by tools/readme_page.py -->\n```text\n).*?(?=```)", re.DOTALL)

_BIDS = "3415.68 1.5970,3415.67 4.4437,3415.61 8.6286,3415.59 1.7669,3415.57 2.1558,3415.54 11.1588"
_ASKS = "3415.70 3.4613,3415.74 3.7244,3415.75 0.7741,3415.76 14.8299,3415.77 6.1821,3415.78 5.3682"
_BOOK = OrderBook(
    update_type=UpdateType.SNAPSHOT,
    venue=Venue.PAPER,
    symbol="ETH/USDT",
    order_book_type=OrderBookType.L2,
    columns=L2_COLUMNS,
    bids=tuple(tuple(level.split()) for level in _BIDS.split(",")),
    asks=tuple(tuple(level.split()) for level in _ASKS.split(",")),
    timestamp=1_795_844_992_635,
)


def render() -> str:
    """Return the block's lines."""
    picture = BookPicture()
    picture.show(_BOOK, "48a8e7c9:5021")
    lines = picture.lines(Room(width=100, height=30, has_blocks=True, age_seconds=0.1))
    foot = ConnectionState(Timing()).line(has_blocks=True)
    return "".join(f"{joined(line).rstrip()}\n" for line in [*lines, foot])


def main(arguments: list[str]) -> int:
    """Write the block, or with `--check` say whether it is up to date."""
    os.environ["TZ"] = "UTC"  # the picture has a time of day
    time.tzset()
    written = PAGE.read_text()
    wanted, blocks = _BLOCK.subn(lambda _: render(), written)
    if blocks == 1 and wanted == written:
        return 0
    if blocks == 1 and "--check" not in arguments:
        PAGE.write_text(wanted)
        return 0
    print(f"{PAGE.name} is out of date; run: .venv/bin/python tools/readme_page.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
