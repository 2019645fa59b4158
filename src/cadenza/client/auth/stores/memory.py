"""A session kept as long as the process runs.

Above: servers, tests, whoever wants nothing on disk. Below: ``ports``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from cadenza.client.auth.session import StoredSession
from cadenza.client.auth.stores.ports import held_too_long


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
            raise held_too_long(self.location, deadline_seconds) from None
        try:
            yield
        finally:
            self._lock.release()
