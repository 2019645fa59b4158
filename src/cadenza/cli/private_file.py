"""Writes a file that nobody else on this machine can read, whole or not at all.

Above: verbs that write what is personal or secret. Below: the file system.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from cadenza.errors import ConfigurationError

__all__ = ["write_private_file"]

_MODE = 0o600


def write_private_file(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, in place of the one there is.

    Raises:
        ConfigurationError: It cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # A new file, never the old one opened: whoever could read that must not come to read this.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.",
            setting="--output",
            next_step="Name a file in a folder of yours.",
        ) from error
