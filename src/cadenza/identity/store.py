"""The database: one SQLite file, one thread, whole transactions.

A transaction is a function from ``Records`` to a value, run on the store's own thread from BEGIN to COMMIT: nobody
sees half of it, two never run at once, and the event loop never waits for the disk. A raise rolls back.

The file is in WAL mode with ``synchronous=FULL``: a refresh token that was handed out is on the disk, whatever happens
to the machine afterwards. It is readable by its owner only.

Plain ``sqlite3``, not SQLAlchemy: this store is only ever SQLite (in production it is Supabase's), and importing
SQLAlchemy's asyncio takes more than half of the time the whole stack has to start in. Alembic, which needs it, is
loaded only to migrate.

Above: ``users``, ``sessions``, ``server``. Below: ``records``, ``migrate``.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from cadenza.errors import UsageError
from cadenza.identity.migrate import connect, prepare_database
from cadenza.identity.records import Records, patterns

_T = TypeVar("_T")

_BUSY_TIMEOUT_SECONDS: Final = 5.0


class Store:
    """Opens the file, migrating it if need be, and runs transactions.

    Args:
        path: The database file; its folder exists.
        on_sessions_ended: Is told the ids of sessions that are gone, once that is on the disk; in the event loop.
    """

    def __init__(self, path: Path, *, on_sessions_ended: Callable[[Sequence[str]], None] | None = None) -> None:
        self._path = path
        self._on_sessions_ended = on_sessions_ended
        self._ended: list[str] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cadenza-identity-store")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, made or migrated first if need be.

        Raises:
            ConfigurationError: It is broken, foreign, or of a newer version.
        """
        await self._on_thread(self._open)

    async def close(self) -> None:
        """Close the file after the transactions under way. May be called twice, and without ``open``."""
        await self._on_thread(self._close)
        self._thread.shutdown(wait=False)

    async def write(self, work: Callable[[Records], _T]) -> _T:
        """Run ``work`` in a transaction that may write, and commit it; if it raises, roll back and raise the same."""
        loop = asyncio.get_running_loop()
        return await self._on_thread(lambda: self._write(work, loop))

    async def read(self, work: Callable[[Records], _T]) -> _T:
        """Run ``work`` over one unchanging view of the database."""
        return await self._on_thread(lambda: self._transact("BEGIN", work))

    async def _on_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _open(self) -> None:
        prepare_database(self._path)
        connection = connect(self._path, timeout_seconds=_BUSY_TIMEOUT_SECONDS)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        patterns.teach(connection)
        self._watch_sessions(connection)
        self._connection = connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, work: Callable[[Records], _T], loop: asyncio.AbstractEventLoop) -> _T:
        self._ended.clear()
        result = self._transact("BEGIN IMMEDIATE", work)
        if self._ended and self._on_sessions_ended is not None:
            # From this thread, at once: whoever waits for the transaction may have been cancelled meanwhile.
            loop.call_soon_threadsafe(self._on_sessions_ended, tuple(self._ended))
        return result

    def _watch_sessions(self, connection: sqlite3.Connection) -> None:
        """Note every session that is deleted, by whatever statement, also with its user."""
        connection.create_function("cadenza_session_ended", 1, self._ended.append)
        connection.execute(
            "CREATE TEMP TRIGGER cadenza_sessions_ended AFTER DELETE ON main.sessions "
            "BEGIN SELECT cadenza_session_ended(OLD.id); END"
        )

    def _transact(self, begin: str, work: Callable[[Records], _T]) -> _T:
        if self._connection is None:
            raise UsageError("The store is not open.")
        connection = self._connection
        connection.execute(begin)
        try:
            result = work(Records(connection))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result
