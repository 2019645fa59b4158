"""Reads what is piped in, bounded and in UTF-8.

Above: verbs that take ``-``. Below: stdin.
"""

from __future__ import annotations

import os
import stat
import sys

from cadenza.errors import ConfigurationError

__all__ = ["is_piped", "read_all"]

#: More than any message the gateway takes.
_MOST_CHARACTERS = 4 * 1024 * 1024


def is_piped() -> bool:
    """Tell whether something was piped or redirected in, as against a terminal, ``/dev/null`` or nothing at all."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def read_all() -> str:
    """Return all of stdin.

    Raises:
        ConfigurationError: It is no text in UTF-8, or larger than any message can be.
    """
    try:
        text = sys.stdin.read(_MOST_CHARACTERS + 1)
    except UnicodeDecodeError:
        # Without its cause, which quotes what was read.
        raise ConfigurationError(
            "Standard input is not text in UTF-8.", setting="-", next_step="Check what is piped in."
        ) from None
    if len(text) > _MOST_CHARACTERS:
        raise ConfigurationError(
            f"Standard input is longer than {_MOST_CHARACTERS} characters.", setting="-", next_step="Send less."
        )
    return text
