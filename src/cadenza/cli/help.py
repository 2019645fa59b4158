"""The parts that every verb's help has in common.

Above: the verbs. Below: nothing.
"""

from __future__ import annotations

import typer

__all__ = ["JSON", "examples"]

#: The option that every verb with output takes.
JSON = typer.Option("--json", help="Print JSON, for programs.")


def examples(*lines: str) -> str:
    """Return a help epilog that shows commands as they are typed, unwrapped."""
    # "\b" tells the help formatter to keep the lines of a paragraph.
    shown = "\n".join(f"  $ {line}" for line in lines)
    return f"\b\nExamples:\n{shown}" if len(lines) > 1 else f"\b\nExample:\n{shown}"
