"""How this program is called from where the user stands, so that a printed command works as printed.

Above: ``cli.serving``, verbs that name another command. Below: nothing.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

__all__ = ["command"]

_NAME = "cadenza"


def command(*arguments: str) -> str:
    """Return a command line that can be pasted into a shell in the current folder."""
    return shlex.join([_program(), *arguments])


def _program() -> str:
    """``cadenza`` where the PATH leads to this very program, otherwise its path, relative if that is shorter."""
    script = Path(sys.argv[0]).absolute()
    if script.name != _NAME:
        return _NAME  # started in another way (a test, python -c): the usual name is the best guess
    found = shutil.which(_NAME)
    if found is not None and Path(found).resolve() == script.resolve():
        return _NAME
    with_dots = os.path.relpath(script)
    return with_dots if not with_dots.startswith("..") else str(script)
