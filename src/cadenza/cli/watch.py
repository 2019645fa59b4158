"""``cadenza watch``: what comes on one channel, a line each, or a live picture where a person looks.

Above: ``cli.app``. Below: ``cli.watching``, which follows the channel.
"""

from __future__ import annotations

import math
from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "watch",
        epilog=examples(
            "cadenza watch market:orderbook:PAPER:BTC/USDT",
            "cadenza watch market:ticker:PAPER --for 60",
            "cadenza watch market:trade:PAPER:BTC/USDT --json --count 10",
        ),
    )(watch)


def watch(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name; `cadenza channels` shows the patterns.")],
    *,
    count: Annotated[int | None, typer.Option(min=1, metavar="NUMBER", help="Stop after so many.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, metavar="SECONDS", help="Stop after so many seconds.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, metavar="LEVELS", help="Levels a side of an order book. [default: 10]")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="One line each on a terminal too, no picture.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="How long to wait for the subscription.")
    ] = 10.0,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Follow a channel until Ctrl-C, --count or --for.

    On a terminal it is a live picture: the book with its depth, the tickers, the last trades or bars, how the
    connection stands at the foot. In a pipe it is one line each; with --json, one JSON object a line. Of books and
    tickers each is the newest state; trades and bars come all, in order. What is missing is said at the foot, or on
    stderr. With both --count and --for, too few in that time is a failure (5).
    """
    if seconds is not None and not math.isfinite(seconds):
        raise typer.BadParameter("a finite number is needed", param_hint="--for")
    from cadenza.cli.loops import run
    from cadenza.cli.watching import Wish, follow

    wish = Wish(
        channel=channel, count=count, seconds=seconds, depth=depth, lines=lines, timeout=timeout, profile=profile
    )
    run(follow(wish, as_json=as_json))
