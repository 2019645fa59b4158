"""A session in a file that only its owner can read.

Above: ``auth.place``, users. Below: ``locks``, ``session``, the file system. It is written anew beside the old one,
forced to disk and renamed into place: whenever the process dies, there is the old session or the new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import msgspec

from cadenza.client.auth.session import STORE_VERSION, StoredSession
from cadenza.client.auth.stores.locks import LEASE_SECONDS, ProcessLock
from cadenza.client.auth.stores.ports import OTHER_PLACES, set_aside_stamp
from cadenza.client.timing import Timing
from cadenza.errors import SessionStoreError

_PRIVATE_DIR: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OTHERS: Final = 0o077
#: No session is near this size: what is larger is not read into memory to find that out.
_LARGEST_BYTES: Final = 256 * 1024


class FileSessionStore:
    """Keeps a session in a file of mode 0600, written anew and renamed into place.

    A file that others may read is refused: whoever made it so has to say what they meant. A file that cannot be read
    as a session is set aside under another name, never deleted.

    Args:
        path: The file. Its folder is made with mode 0700 if it does not exist.
        lease_seconds: How long one process may hold the session before it counts as hanging and another goes on.
        timing: Clocks and sleep.
    """

    def __init__(self, path: Path, *, lease_seconds: float = LEASE_SECONDS, timing: Timing | None = None) -> None:
        self.path = path
        self._timing = timing or Timing()
        self._lock = ProcessLock(
            path.with_name(path.name + ".lock"),
            location=str(path),
            lease_seconds=lease_seconds,
            timing=self._timing,
        )

    def __repr__(self) -> str:
        return f"FileSessionStore({str(self.path)!r})"

    @property
    def location(self) -> str:
        """Where it is, for a person to read."""
        return str(self.path)

    async def load(self) -> StoredSession | None:
        """Return the session, or None if there is no file.

        Raises:
            SessionStoreError: The file cannot be read, is open to others, or holds no session (then it was set aside).
        """
        return await asyncio.to_thread(self._load)

    async def save(self, stored: StoredSession) -> None:
        """Replace the session: write a temporary file, force it to disk, rename it. Raises ``SessionStoreError``."""
        await asyncio.to_thread(self._save, stored)

    async def clear(self) -> None:
        """Remove the file. Raises ``SessionStoreError``."""
        with self._explained("removed"):
            self.path.unlink(missing_ok=True)

    async def probe(self) -> None:
        """Write, read back and delete a file beside the session, and open its lock. Raises ``SessionStoreError``."""
        await asyncio.to_thread(self._probe)

    @contextlib.asynccontextmanager
    async def lock(self, deadline_seconds: float) -> AsyncIterator[None]:
        """Hold ``<path>.lock``, which the system frees when a process dies and others take over when it hangs.

        Raises:
            SessionStoreError: Another process held it until the deadline, or the folder cannot be written.
        """
        async with contextlib.AsyncExitStack() as holding:
            with self._explained("locked"):
                self._make_folder()
                await holding.enter_async_context(self._lock.acquire(deadline_seconds))
            self._sweep()
            yield

    def _load(self) -> StoredSession | None:
        with self._explained("read"):
            try:
                content = self._read(self.path)
            except FileNotFoundError:
                return None
        try:
            stored = msgspec.json.decode(content, type=StoredSession)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._set_aside(content) from None  # the cause's text may quote a token
        if stored.version > STORE_VERSION:
            raise SessionStoreError(
                f"The stored session at {self.path} was written by a newer Cadenza.",
                location=self.location,
                next_step="Upgrade, or use another data folder.",
            )
        return stored

    def _read(self, path: Path) -> bytes:
        # O_NOFOLLOW: a link could lead to a file that someone else controls. O_NONBLOCK: a pipe must not make us wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise self._refused("is not a regular file", "Remove it, then sign in again.")
            if stat.S_IMODE(status.st_mode) & _OTHERS:
                raise self._refused("can be read by other users", f"Run: chmod 600 {self.path}")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(_LARGEST_BYTES + 1)
        finally:
            os.close(descriptor)

    def _save(self, stored: StoredSession) -> None:
        with self._explained("written"):
            self._make_folder()
            temporary = self._write_beside(msgspec.json.format(msgspec.json.encode(stored)))
            try:
                self._require_lock()
                temporary.replace(self.path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _force_to_disk(self.path.parent)

    def _write_beside(self, content: bytes) -> Path:
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _require_lock(self) -> None:
        """Who was taken for dead, and is not, must not write over what has happened since."""
        if self._lock.is_acquired and not self._lock.still_held:
            raise SessionStoreError(
                f"Another process took over the stored session at {self.path} while this one hung.",
                location=self.location,
                next_step="Nothing is lost: the next attempt reads what the other one wrote.",
            )

    def _probe(self) -> None:
        marker = secrets.token_hex(16).encode()
        try:
            self._make_folder()
            temporary = self._write_beside(marker)
            try:
                kept = self._read(temporary) == marker
            finally:
                temporary.unlink()
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        if not kept:
            raise self._unusable("what was written is not what is read")
        try:
            self._lock.try_out()
        except OSError as error:
            raise self._unusable(f"its lock {self._lock.path}: {error.strerror or error}") from error

    def _sweep(self) -> None:
        """Remove what a process left that was killed in the middle of a write: it holds tokens. Only under the lock."""
        with contextlib.suppress(OSError):
            for left in self.path.parent.glob(f".{self.path.name}.*"):
                left.unlink(missing_ok=True)

    def _set_aside(self, content: bytes) -> SessionStoreError:
        aside = self.path.with_name(f"{self.path.name}.unreadable-{set_aside_stamp(self._timing.clock())}")
        with self._explained("set aside"):
            self.path.rename(aside)
        what = "is empty" if not content.strip() else "is damaged"
        return SessionStoreError(
            f"The stored session at {self.path} {what}; it was set aside as {aside.name}.",
            location=self.location,
            next_step="Sign in again.",
            set_aside=str(aside),
        )

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)

    def _refused(self, what: str, next_step: str) -> SessionStoreError:
        return SessionStoreError(
            f"The stored session at {self.path} {what}.", location=self.location, next_step=next_step
        )

    def _unusable(self, why: str) -> SessionStoreError:
        return SessionStoreError(
            f"A session could not be kept at {self.path}: {why}.",
            location=self.location,
            next_step="Check the folder's owner and permissions, choose another with CADENZA_DATA_DIR, or have it kept "
            f"elsewhere: {OTHER_PLACES}.",
        )

    @contextlib.contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SessionStoreError(
                f"The stored session at {self.path} cannot be {verb}: {error.strerror or error}.",
                location=self.location,
                next_step="Check the folder's owner and permissions, or choose another with CADENZA_DATA_DIR.",
            ) from error


def _force_to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
