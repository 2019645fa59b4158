"""The command line: ``cadenza VERB``, one file a verb.

Above: nothing, this is a program. Below: ``client`` for the verbs of a user, ``stack`` for ``up`` and ``demo``,
``schema`` and ``tokens.claims`` for the verbs that need no network. Nothing heavy is imported before a verb runs: help
must come at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see ``cli.exits``).

    Args:
        argv: The arguments after the program's name; the process's own where absent.
    """
    try:
        from cadenza.cli.app import run
    except ModuleNotFoundError as missing:
        if missing.name not in ("typer", "rich"):
            raise
        sys.stderr.write("cadenza: The command line is not installed. Install it: pip install 'cadenza[cli]'\n")
        return 2
    return run(sys.argv[1:] if argv is None else list(argv))
