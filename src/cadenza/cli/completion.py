"""``cadenza completion``: the script that has a shell complete this program's words at the Tab key.

Above: ``cli.app``. Below: ``cli.shells``, a script a shell; each asks ``cli.completing``. typer's own scripts are not
used: bash's cuts channel names at their colons, and the other two draw each help line with Rich, a tenth of a second.
"""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples

__all__ = ["Shell", "register", "script"]

_SCRIPTS = Path(__file__).with_name("shells")

#: How a person has the shell at hand take it up, now.
_TRY = {
    "bash": 'eval "$(cadenza completion bash)"',
    "zsh": 'eval "$(cadenza completion zsh)"',
    "fish": "cadenza completion fish | source",
}


class Shell(enum.StrEnum):
    """The shells there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "completion",
        epilog=examples(*_TRY.values(), "cadenza completion fish > ~/.config/fish/completions/cadenza.fish"),
    )(completion)


def completion(
    shell: Annotated[Shell, typer.Argument(help="Yours.", show_default=False)],
    *,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print the script that completes commands at the Tab key.

    It completes verbs, options and what is known of their values: methods, channels with venue and symbol, profiles,
    providers, files. The first lines of the script say how to have it in every new shell. Nothing is asked of a
    network.
    """
    from cadenza.cli.output import json_text, note, say

    text = script(shell)
    if as_json:
        say(json_text({"shell": shell, "script": text}))
        return
    say(text.rstrip("\n"))
    if sys.stdout.isatty():
        # Whoever reads it here wanted to have it, not to read it.
        note(f"\ncadenza: for this shell: {_TRY[shell]}")


def script(shell: Shell) -> str:
    """Return a shell's script."""
    return (_SCRIPTS / f"cadenza.{shell}").read_text(encoding="utf-8")
