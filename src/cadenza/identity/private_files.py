"""Files and folders of secrets: readable by their owner only, written whole or not at all.

Above: ``keys``, ``key_file``. Below: the file system. A secret is never quoted in an error.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` with mode 0700 if it is missing.

    Raises:
        ConfigurationError: It cannot be made, or is a file.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {folder} cannot be made: {error.strerror}.", setting="data_dir"
        ) from error


def create_private(path: Path, content: bytes) -> None:
    """Write a new file; if another process was first, its file stays.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        unfinished = _written_beside(path, content)
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def replace_private(path: Path, content: bytes) -> None:
    """Put a new file in the place of the one there is; a reader sees the old or the new one.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        _written_beside(path, content).replace(path)
    except OSError as error:
        raise _cannot_be_written(path, error) from error


def read_private(path: Path) -> bytes:
    """Read a file that nobody else can read.

    Raises:
        ConfigurationError: Others can read it, or it cannot be read at all.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise ConfigurationError(
                f"{path} can be read by others.", setting="data_dir", next_step=f"Run: chmod 600 {path}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", setting="data_dir") from error


def broken(path: Path, complaint: str) -> ConfigurationError:
    """The error for a file that is not what it should be."""
    return ConfigurationError(
        f"{path} {complaint}.",
        setting="data_dir",
        next_step="Restore it from a copy, or move it away: a new one is made, and everyone signs in again.",
    )


def _written_beside(path: Path, content: bytes) -> Path:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return unfinished


def _cannot_be_written(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be written: {error.strerror}.", setting="data_dir")
