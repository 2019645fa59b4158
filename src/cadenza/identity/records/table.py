"""What the tables share: reading rows as values and writing values as rows.

Nothing is decided here or beside here: users and sessions are rules over these rows. Instants are microseconds since
the epoch, JSON is text, ids are UUIDs in text. Statements name only tables and columns of ours; values are parameters.

Above: the other files of this package. Below: sqlite3.
"""

from __future__ import annotations

import sqlite3
from typing import ClassVar, Generic, TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)


class Table(Generic[Row]):
    """One table, over a connection that is inside a transaction. Lives as long as the transaction.

    Attributes:
        name: The table's.
        row: What one of its rows is; its fields are the columns.
        key: The columns that say which row; never written again.
    """

    name: ClassVar[str]
    row: ClassVar[type[msgspec.Struct]]
    key: ClassVar[tuple[str, ...]] = ("id", "created_at")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def by_id(self, row_id: str) -> Row | None:
        """The row of that id."""
        return self._first("id = ?", row_id)

    def insert(self, row: Row) -> None:
        """Add a row. Raises ``sqlite3.IntegrityError`` where one like it must not be there twice."""
        names = row.__struct_fields__
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names of ours only
        self._connection.execute(statement, tuple(getattr(row, name) for name in names))

    def update(self, row: Row) -> None:
        """Write all of a row's columns but those that say which it is."""
        names = [name for name in row.__struct_fields__ if name not in self.key]
        changes = ", ".join(f"{name} = ?" for name in names)
        values = [getattr(row, name) for name in names]
        self._execute(f"UPDATE {self.name} SET {changes} WHERE id = ?", *values, getattr(row, "id"))  # noqa: S608, B009 - names of ours only; every row has an id

    def delete(self, row_id: str) -> None:
        """Remove the row of that id, and what hangs on it."""
        self._execute(f"DELETE FROM {self.name} WHERE id = ?", row_id)  # noqa: S608 - names of ours only

    def _execute(self, statement: str, *parameters: str | bytes | int | None) -> sqlite3.Cursor:
        return self._connection.execute(statement, parameters)

    def _first(self, where: str, *parameters: str | bytes | int | None) -> Row | None:
        row = self._execute(f"SELECT * FROM {self.name} WHERE {where}", *parameters).fetchone()  # noqa: S608 - ours
        return None if row is None else self._read(row)

    def _all(self, where: str, *parameters: str | bytes | int | None) -> tuple[Row, ...]:
        found = self._execute(f"SELECT * FROM {self.name} WHERE {where}", *parameters)  # noqa: S608 - ours
        return tuple(self._read(row) for row in found)

    def _read(self, row: sqlite3.Row) -> Row:
        # Not strict: SQLite has no booleans.
        return msgspec.convert(dict(row), self.row, strict=False)  # type: ignore[return-value]  # ClassVar holds no type variable
