"""The data folder: one stack at a time, a known layout, private permissions.

Above: ``stack.embedded``. Below: the file system only. Every fault is one line that names the folder and the way out.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from cadenza.errors import ConfigurationError

#: Layout of the folder, raised when a file in it changes its meaning; see ``_MIGRATIONS``.
LAYOUT = 1
_MARKER = "layout.json"
_LOCK = "stack.lock"
#: From layout n to n+1. The first version has nothing before it.
_MIGRATIONS: dict[int, Callable[[Path], None]] = {}
_PRIVATE_DIR = 0o700
_PRIVATE_FILE = 0o600


class DataFolder:
    """An opened data folder, held by a lock until ``close``.

    Args:
        path: Where it is; made (0700) if absent.
        option: What a user changes to choose another one, named in errors.

    Raises:
        ConfigurationError: Not a folder, not writable, in use, damaged, or written by a newer Cadenza.
    """

    def __init__(self, path: Path, *, option: str = "--data-dir") -> None:
        self.path = path
        self._option = option
        self._lock = filelock.FileLock(path / _LOCK, timeout=0)
        with _explained(path, option):
            path.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
            path.chmod(_PRIVATE_DIR)
            try:
                self._lock.acquire()
            except filelock.Timeout:
                raise ConfigurationError(
                    f"The data folder {path} is in use by another running stack.",
                    setting=option,
                    next_step=f"Stop that one, or choose another folder with {option}.",
                ) from None
            try:
                self._settle_layout()
            except BaseException:
                self._lock.release()
                raise

    def close(self) -> None:
        """Let another stack use the folder."""
        self._lock.release()

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """Return the secret kept in the 0600 file ``name``, made at the first call."""
        file = self.path / name
        with _explained(self.path, self._option):
            if file.is_symlink():
                raise ConfigurationError(
                    f"The data folder {self.path} is not as it was left: {name} is a link.",
                    setting=self._option,
                    next_step=f"Remove the link, or choose another folder with {self._option}.",
                )
            if file.exists():
                file.chmod(_PRIVATE_FILE)
                kept = file.read_text().strip()
                if kept:
                    return kept
            made = make()
            write_private(file, made + "\n")
        return made

    def _settle_layout(self) -> None:
        marker = self.path / _MARKER
        if not marker.exists():
            write_private(marker, json.dumps({"layout": LAYOUT}) + "\n")
            return
        try:
            found = json.loads(marker.read_text())["layout"]
        except (ValueError, KeyError, TypeError):
            found = None
        if not isinstance(found, int):
            raise ConfigurationError(
                f"The data folder {self.path} is damaged: {_MARKER} cannot be read.",
                setting=self._option,
                next_step=f"Restore it from a backup, or choose an empty folder with {self._option}.",
            )
        if found > LAYOUT:
            raise ConfigurationError(
                f"The data folder {self.path} was written by a newer Cadenza (layout {found}; this one: {LAYOUT}).",
                setting=self._option,
                next_step=f"Run the newer Cadenza, or choose another folder with {self._option}.",
            )
        for version in range(found, LAYOUT):
            _MIGRATIONS[version](self.path)
            write_private(marker, json.dumps({"layout": version + 1}) + "\n")


def write_private(file: Path, text: str) -> None:
    """Write ``text`` to a 0600 file so that a reader sees the old or the new content, never half of one."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(file)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _explained(path: Path, option: str) -> Iterator[None]:
    """Turn the file system's refusals into one line that names the folder."""
    try:
        yield
    except (FileExistsError, NotADirectoryError):
        raise ConfigurationError(
            f"The data folder {path} is not a folder.", setting=option, next_step=f"Choose another with {option}."
        ) from None
    except PermissionError as refused:
        raise ConfigurationError(
            f"The data folder {path} may not be written by this user ({refused.strerror}).",
            setting=option,
            next_step=f"Correct its owner, or choose another with {option}.",
        ) from None
    except OSError as failed:
        raise ConfigurationError(
            f"The data folder {path} cannot be used: {failed.strerror}.",
            setting=option,
            next_step=f"Free it, or choose another with {option}.",
        ) from None
