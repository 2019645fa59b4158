"""Keeps waiting sign-ins over a restart: a folder of mode 0700, a file of mode 0600 a flow, gone at its time.

Above: ``engine``. Below: ``pending``, the file system. Taking a flow renames its file first, which of several processes
exactly one can do: no lock is needed, and none can be left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from cadenza.client.auth.pending import MOST_FLOWS, PendingFlow, flow_id
from cadenza.errors import SessionStoreError

_PRIVATE_DIR: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_ENDING: Final = ".json"
_LARGEST_BYTES: Final = 16 * 1024


class FilePendingFlows:
    """Keeps flows in a folder.

    Args:
        folder: Made with mode 0700 if it does not exist.
        clock: Seconds since the epoch.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock

    def __repr__(self) -> str:
        return f"FilePendingFlows({str(self._folder)!r})"

    async def save(self, flow: PendingFlow) -> None:
        """Keep one, and drop what has expired. Raises ``SessionStoreError``."""
        await asyncio.to_thread(self._save, flow)

    async def take(self, state: str) -> PendingFlow | None:
        """Remove one and return it; None if there is none, or no longer. Of two that ask at once one gets it."""
        return await asyncio.to_thread(self._take, state)

    async def waiting(self) -> tuple[PendingFlow, ...]:
        """Those that wait, the oldest first. Raises ``SessionStoreError``."""
        return await asyncio.to_thread(self._waiting)

    def _save(self, flow: PendingFlow) -> None:
        with self._explained():
            self._folder.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
            temporary = self._folder / f".{secrets.token_hex(8)}"
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE_FILE)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(flow))
                temporary.replace(self._path(flow.state))
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        for old in self._waiting()[:-MOST_FLOWS]:
            self._path(old.state).unlink(missing_ok=True)

    def _take(self, state: str) -> PendingFlow | None:
        mine = self._folder / f".{secrets.token_hex(8)}"
        with self._explained():
            try:
                self._path(state).rename(mine)
            except FileNotFoundError:
                return None
            flow = _read(mine)
            mine.unlink(missing_ok=True)
        return flow if flow is not None and flow.state == state and flow.expires_at > self._clock() else None

    def _waiting(self) -> tuple[PendingFlow, ...]:
        now, kept = self._clock(), list[PendingFlow]()
        with self._explained():
            for path in self._folder.glob(f"*{_ENDING}"):
                flow = _read(path)
                if flow is None or flow.expires_at <= now:
                    path.unlink(missing_ok=True)
                else:
                    kept.append(flow)
        return tuple(sorted(kept, key=lambda flow: flow.started_at))

    def _path(self, state: str) -> Path:
        return self._folder / f"{flow_id(state)}{_ENDING}"  # a digest: what was pasted never becomes a path

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SessionStoreError(
                f"The waiting sign-ins in {self._folder} cannot be kept: {error.strerror or error}.",
                location=str(self._folder),
                next_step="Check the folder's owner and permissions, or choose another with CADENZA_DATA_DIR.",
            ) from error


def _read(path: Path) -> PendingFlow | None:
    """The record, or None for what is none: it serves no one, and its loss costs one more sign-in."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None  # another process took it
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_LARGEST_BYTES)
    try:
        return msgspec.json.decode(content, type=PendingFlow)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
