"""``cadenza demo``: the mission's flow on a stack of its own, each step checked.

Above: ``cli.app``. Below: ``stack.demo``, which acts; this file only shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples

if TYPE_CHECKING:
    from cadenza.stack.demo import DemoStep

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("demo", epilog=examples("cadenza demo", "cadenza demo --json"))(demo)


def demo(*, as_json: Annotated[bool, JSON] = False) -> None:
    """Run the whole flow once and check each step.

    On free ports, with a data folder of its own: sign-up, login, connect, typed calls, live events, a token that is
    refreshed and one that expires, refusals, sign-out. Each step checks a value that only the right behaviour yields.
    Ends with 1 if any step fails. With --json, one object a line.
    """
    from cadenza.cli.loops import run_server, server_part

    run_demo = server_part(_load)
    steps: list[DemoStep] = []

    def show(step: DemoStep) -> None:
        steps.append(step)
        (_show_json if as_json else _show)(step)

    good = run_server(run_demo(show))
    if not as_json:
        seconds = sum(step.seconds for step in steps)
        typer.echo(
            f"{len(steps)} steps in {seconds:.1f} s: {'all as they must be' if good else 'the last one differs'}."
        )
    if not good:
        raise typer.Exit(Exit.FAILED)


def _load() -> Callable[[Callable[[DemoStep], None]], Coroutine[object, object, bool]]:
    from cadenza.stack.demo import run_demo

    return run_demo


def _show(step: DemoStep) -> None:
    from cadenza.cli.colours import Style, paint
    from cadenza.cli.output import printable

    mark = paint("✓", Style.GOOD, sys.stdout) if step.ok else paint("✗", Style.BAD, sys.stdout)
    line = printable(f" {step.seconds:6.2f} s  {step.name:<28}  {step.detail}").rstrip()
    sys.stdout.write(f"{mark}{line}\n")
    sys.stdout.flush()


def _show_json(step: DemoStep) -> None:
    from cadenza.cli.output import json_text, say

    say(json_text({"name": step.name, "detail": step.detail, "seconds": round(step.seconds, 3), "ok": step.ok}))
