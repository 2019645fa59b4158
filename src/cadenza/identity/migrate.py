"""Brings the database file to this version's layout, or says why it cannot.

Every start asks one row which revision the file has; when that is ours, nothing else is loaded. Alembic (and with it
SQLAlchemy, most of a second) comes in only when there is something to migrate. It works on a copy beside the file,
which takes its place when it is whole: whatever stops a migration, the file is as it was.

Above: ``store``. Below: ``migrations``, Alembic.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError
from cadenza.identity.migrations import HEAD, REVISIONS

_FILE_MODE: Final = 0o600
#: A bigger file is not read through at every start.
_CHECKED_WHOLE_BYTES: Final = 16 * 1024 * 1024
_TIMEOUT_SECONDS: Final = 5.0


def connect(path: Path, *, timeout_seconds: float) -> sqlite3.Connection:
    """Open a database file in autocommit mode, so that BEGIN and COMMIT are said by us alone."""
    return sqlite3.connect(path, timeout=timeout_seconds, isolation_level=None)


def prepare_database(path: Path) -> None:
    """Make the file if it is missing, migrate it if it is old.

    Raises:
        ConfigurationError: It is broken, another program's, or of a newer Cadenza.
    """
    if not path.exists():
        _migrate(path, existing=False)
        return
    try:
        revision = _revision_of(path)
    except sqlite3.DatabaseError as error:
        raise _unusable(path, f"is no usable database ({error})") from None
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from None
    if revision == HEAD:
        return
    if revision is not None and revision not in REVISIONS:
        raise ConfigurationError(
            f"The identity database {path} was written by a newer Cadenza (revision {revision[:32]!r}).",
            setting="data_dir",
            next_step="Upgrade Cadenza, or use another data folder.",
        )
    _migrate(path, existing=True)


def _revision_of(path: Path) -> str | None:
    """The file's revision, ``None`` for an empty database."""
    connection = connect(path, timeout_seconds=_TIMEOUT_SECONDS)
    try:
        if path.stat().st_size <= _CHECKED_WHOLE_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError("its pages are damaged")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise sqlite3.DatabaseError("it is another program's")
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if len(rows) != 1:
            raise sqlite3.DatabaseError("it has no revision")
        return str(rows[0][0])
    finally:
        connection.close()


def _migrate(path: Path, *, existing: bool) -> None:
    copy = path.with_name(f"{path.name}.migrating")
    try:
        _remove(copy)
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE))
        if existing:
            _copy(path, copy)
        _run_alembic(copy)
        # Rename needs no journal beside either file: `_copy` has emptied the one, Alembic's connection left none.
        copy.replace(path)
    except sqlite3.DatabaseError as error:
        raise _unusable(path, f"could not be migrated ({error})") from error
    except OSError as error:
        raise _unusable(path, f"cannot be made ({error.strerror})") from error
    finally:
        _remove(copy)


def _copy(source: Path, target: Path) -> None:
    reader = connect(source, timeout_seconds=_TIMEOUT_SECONDS)
    try:
        reader.execute("PRAGMA journal_mode = DELETE")  # takes the WAL in, and fails if anyone else has the file open
        writer = connect(target, timeout_seconds=_TIMEOUT_SECONDS)
        try:
            reader.backup(writer)
        finally:
            writer.close()
    finally:
        reader.close()


def _run_alembic(path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (SQLAlchemyError, CommandError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else type(error).__name__
        raise sqlite3.DatabaseError(str(cause)) from error
    finally:
        engine.dispose()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _unusable(path: Path, complaint: str) -> ConfigurationError:
    return ConfigurationError(
        f"The identity database {path} {complaint}.",
        setting="data_dir",
        next_step="Restore it from a copy, or move it away and sign up again.",
    )
