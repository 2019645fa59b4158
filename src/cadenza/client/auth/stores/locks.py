"""The lock between processes that share one session: freed when its holder dies, taken over when its holder hangs.

Above: ``file``, ``os_keyring``. Below: filelock (``flock``, which the system frees with the process), the file system.

The holder writes a mark into the lock file. Who waits and sees the same mark for a whole lease, by their own monotonic
clock, takes the lock over: under a second lock the old file is unlinked, and whoever locks next makes a new one (E5). A
holder that comes back to life finds another mark than its own in the file, and must not write any more: ``still_held``.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cadenza.client.auth.stores.ports import held_too_long
from cadenza.client.timing import Timing

if TYPE_CHECKING:
    import filelock

#: Longer than anything that is done under the lock: a refresh has a deadline of its own, ten seconds by default.
LEASE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02
_PRIVATE_FILE: Final = 0o600
_LONGEST_MARK: Final = 64


class ProcessLock:
    """One at a time, in this process and all others.

    Args:
        path: The lock's file; its folder must exist when it is acquired.
        location: What it protects, for the error.
        lease_seconds: How long the same holder may keep others waiting before it counts as hanging.
        timing: The clock and the sleep of those who wait.

    Attributes:
        path: The lock's file.
    """

    def __init__(self, path: Path, *, location: str, lease_seconds: float, timing: Timing) -> None:
        self.path = path
        self._location = location
        self._lease = lease_seconds
        self._timing = timing
        self._mark = ""

    @property
    def still_held(self) -> bool:
        """Whether this object holds the lock: acquired, and not taken over by another."""
        return bool(self._mark) and self._read_mark() == self._mark

    @property
    def is_acquired(self) -> bool:
        """Whether this object acquired the lock and has not released it, whatever others did meanwhile."""
        return bool(self._mark)

    @contextlib.asynccontextmanager
    async def acquire(self, deadline_seconds: float) -> AsyncIterator[None]:
        """Hold the lock.

        Raises:
            SessionStoreError: Others held it until the deadline.
            OSError: The file cannot be made.
        """
        held = await self._wait(deadline_seconds)
        mark = f"{os.getpid()} {secrets.token_hex(8)}"
        try:
            self.path.write_text(mark)
            self._mark = mark
            yield
        finally:
            # A free lock has no mark, so that nobody takes the next holder for the last one.
            if self._read_mark() == mark:
                with contextlib.suppress(OSError):
                    self.path.write_text("")
            self._mark = ""
            held.release()

    def try_out(self) -> None:
        """Make sure that it could be acquired, however long others hold it. Leaves nothing behind.

        Raises:
            OSError: What stands in its place cannot be opened: another user's, a link, a folder.
        """
        with contextlib.suppress(FileNotFoundError):  # whoever can write the folder can make it
            os.close(os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))

    async def _wait(self, deadline_seconds: float) -> filelock.BaseFileLock:
        now = self._timing.monotonic
        give_up = now() + deadline_seconds
        seen, since = "", now()
        while True:
            held = _try_lock(self.path)
            if held is not None:
                return held
            mark = self._read_mark()
            if mark != seen:
                seen, since = mark, now()
            if mark and now() - since >= self._lease:
                self._evict(mark)
            elif now() >= give_up:
                raise held_too_long(self._location, deadline_seconds, _process_of(mark))
            else:
                await self._timing.sleep(_POLL_SECONDS)

    def _evict(self, mark: str) -> None:
        """Unlink the file of a holder that hangs; one at a time, or a second would unlink the first one's new file."""
        guard = _try_lock(self.path.with_name(self.path.name + ".takeover"))
        if guard is None:
            return
        try:
            if self._read_mark() == mark:
                self.path.unlink(missing_ok=True)
        finally:
            guard.release()

    def _read_mark(self) -> str:
        try:
            with self.path.open("rb") as file:
                return file.read(_LONGEST_MARK).decode("ascii", "replace")
        except OSError:
            return ""


def _try_lock(path: Path) -> filelock.BaseFileLock | None:
    import filelock  # a tenth of a second to import: only who stores outside of memory waits for it

    lock = filelock.FileLock(path, mode=_PRIVATE_FILE)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return None
    return lock


def _process_of(mark: str) -> str:
    pid = mark.partition(" ")[0]
    return f"process {pid}" if pid.isdigit() else ""
