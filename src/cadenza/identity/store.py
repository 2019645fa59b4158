"""The database: one SQLite file, one thread, whole transactions.

A transaction is a function from ``Records`` to a value, run on the store's own thread from BEGIN to COMMIT: nobody
sees half of it, two never run at once, and the event loop never waits for the disk. A raise rolls back.

Writes that wait for the thread at the same moment are committed together, each undone by itself if it raises: the disk
is forced once for all of them, and nobody is answered before that.

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
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar  # a queue holds writes of every type

from cadenza.errors import UsageError
from cadenza.identity.migrate import connect, prepare_database
from cadenza.identity.records import Records, patterns

_T = TypeVar("_T")

_BUSY_TIMEOUT_SECONDS: Final = 5.0
#: Committed together at most, so that who came first does not wait for all who came after.
_MOST_TOGETHER: Final = 32


class _Write(NamedTuple):
    work: Callable[[Records], Any]
    outcome: Future[Any]
    loop: asyncio.AbstractEventLoop


class _Raised(NamedTuple):
    error: BaseException


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
        self._waiting: deque[_Write] = deque()

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
        outcome: Future[_T] = Future()
        self._waiting.append(_Write(work, outcome, asyncio.get_running_loop()))
        self._thread.submit(self._write_what_waits)
        return await asyncio.wrap_future(outcome)

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

    def _write_what_waits(self) -> None:
        """Called once for each write; an earlier call may have done it already."""
        together: list[_Write] = []
        while self._waiting and len(together) < _MOST_TOGETHER:
            write = self._waiting.popleft()
            if write.outcome.set_running_or_notify_cancel():
                together.append(write)
        results = self._written(together)
        if self._ended and self._on_sessions_ended is not None:
            # From this thread, at once: whoever waits for the transaction may have been cancelled meanwhile.
            together[0].loop.call_soon_threadsafe(self._on_sessions_ended, tuple(self._ended))
        for write, result in zip(together, results, strict=True):
            if isinstance(result, _Raised):
                write.outcome.set_exception(result.error)
            else:
                write.outcome.set_result(result)

    def _written(self, together: Sequence[_Write]) -> list[Any]:
        """What each gave or raised, now that what stays of them is on the disk."""
        self._ended.clear()
        if not together:
            return []
        try:
            if len(together) == 1:
                return [self._transact("BEGIN IMMEDIATE", together[0].work)]
            return self._transact("BEGIN IMMEDIATE", lambda records: [self._alone(records, each) for each in together])
        except BaseException as error:  # noqa: BLE001 - raised where each was asked for
            self._ended.clear()
            return [_Raised(error)] * len(together)

    def _alone(self, records: Records, write: _Write) -> Any:  # noqa: ANN401 - of every type
        """Run one of several: what it wrote goes if it raises, and what the others wrote stays."""
        assert self._connection is not None  # a transaction is open on it  # noqa: S101
        self._connection.execute("SAVEPOINT one")
        ended = len(self._ended)
        try:
            result = write.work(records)
        except BaseException as error:
            if not self._connection.in_transaction:  # SQLite has rolled back all of it: a full disk, say
                raise
            self._connection.execute("ROLLBACK TO one")
            del self._ended[ended:]
            result = _Raised(error)
        self._connection.execute("RELEASE one")
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
