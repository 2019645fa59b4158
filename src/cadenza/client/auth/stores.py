"""Where a session outlives a call: in memory, or in a file that only its owner can read.

Above: ``tokens``, ``_client``. Below: ``session``, the file system. Both stores pass one shared test class. The lock of
a store spans every process that shares it, so that one refresh token is never spent twice (E1).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol

import msgspec

from cadenza.client.auth.session import STORE_VERSION, StoredSession
from cadenza.errors import SessionStoreError

_PRIVATE_DIR: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OTHERS: Final = 0o077
_LOCK_POLL_SECONDS: Final = 0.02
#: No session is near this size: what is larger is not read into memory to find that out.
_LARGEST_BYTES: Final = 256 * 1024


class SessionStore(Protocol):
    """What the SDK asks of a place for one session."""

    @property
    def location(self) -> str:
        """Where it is, for a person to read."""
        ...

    async def load(self) -> StoredSession | None:
        """Return the session, or None. Raises ``SessionStoreError``."""
        ...

    async def save(self, stored: StoredSession) -> None:
        """Replace the session: after a crash there is the old one or the new one. Raises ``SessionStoreError``."""
        ...

    async def clear(self) -> None:
        """Forget the session. Raises ``SessionStoreError``."""
        ...

    def lock(self, deadline_seconds: float) -> AbstractAsyncContextManager[None]:
        """Be the only one to change it, among all that share it. Raises ``SessionStoreError`` at the deadline."""
        ...


class MemorySessionStore:
    """Keeps a session as long as the process runs. Clients that share one object share the session.

    Args:
        stored: What to begin with.
    """

    def __init__(self, stored: StoredSession | None = None) -> None:
        self._stored = stored
        self._lock = asyncio.Lock()

    @property
    def location(self) -> str:
        """Where it is, for a person to read."""
        return "memory"

    async def load(self) -> StoredSession | None:
        """Return the session, or None."""
        return self._stored

    async def save(self, stored: StoredSession) -> None:
        """Replace the session."""
        self._stored = stored

    async def clear(self) -> None:
        """Forget the session."""
        self._stored = None

    @contextlib.asynccontextmanager
    async def lock(self, deadline_seconds: float) -> AsyncIterator[None]:
        """Be the only one to change it. Raises ``SessionStoreError`` at the deadline."""
        try:
            async with asyncio.timeout(deadline_seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise _locked(self.location, deadline_seconds) from None
        try:
            yield
        finally:
            self._lock.release()


class FileSessionStore:
    """Keeps a session in a file of mode 0600, written anew and renamed into place.

    A file that others may read is refused: whoever made it so has to say what they meant. A file that cannot be read
    as a session is set aside under another name, never deleted.

    Args:
        path: The file. Its folder is made with mode 0700 if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_path = path.with_name(path.name + ".lock")

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

    @contextlib.asynccontextmanager
    async def lock(self, deadline_seconds: float) -> AsyncIterator[None]:
        """Hold ``<path>.lock``, which the system frees when a process dies.

        Raises:
            SessionStoreError: Another process held it until the deadline, or the folder cannot be written.
        """
        import filelock  # a tenth of a second to import: only who stores in a file waits for it

        with self._explained("locked"):
            self.path.parent.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
        held = filelock.FileLock(self._lock_path, mode=_PRIVATE_FILE)
        give_up = time.monotonic() + deadline_seconds
        while True:
            with self._explained("locked"):
                try:
                    held.acquire(timeout=0)
                    break
                except filelock.Timeout:
                    pass
            if time.monotonic() >= give_up:
                raise _locked(self.location, deadline_seconds)
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            held.release()

    def _load(self) -> StoredSession | None:
        with self._explained("read"):
            try:
                content = self._read()
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

    def _read(self) -> bytes:
        # O_NOFOLLOW: a link could lead to a file that someone else controls. O_NONBLOCK: a pipe must not make us wait.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
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
        folder = self.path.parent
        with self._explained("written"):
            folder.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
            temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.format(msgspec.json.encode(stored)))
                    file.flush()
                    os.fsync(descriptor)
                temporary.replace(self.path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _force_to_disk(folder)

    def _set_aside(self, content: bytes) -> SessionStoreError:
        aside = self.path.with_name(f"{self.path.name}.unreadable-{secrets.token_hex(4)}")
        with self._explained("set aside"):
            self.path.rename(aside)
        what = "is empty" if not content.strip() else "is damaged"
        return SessionStoreError(
            f"The stored session at {self.path} {what}; it was set aside as {aside.name}.",
            location=self.location,
            next_step="Sign in again.",
        )

    def _refused(self, what: str, next_step: str) -> SessionStoreError:
        return SessionStoreError(
            f"The stored session at {self.path} {what}.", location=self.location, next_step=next_step
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


def _locked(location: str, deadline_seconds: float) -> SessionStoreError:
    return SessionStoreError(
        f"Another process held the stored session at {location} for more than {deadline_seconds:g} s.",
        location=location,
        next_step="Try again; if it lasts, find the process that hangs.",
    )
