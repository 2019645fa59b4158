"""``LIKE`` and ``ILIKE`` as PostgreSQL has them; SQLite's own ``LIKE`` ignores the case of ASCII letters, always.

Above: ``users``, ``audit``. Below: sqlite3.
"""

from __future__ import annotations

import functools
import sqlite3

_ANY: str = "%"
_ONE: str = "_"
_ESCAPE: str = "\\"


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of this connection say ``pg_like(value, pattern)`` and ``pg_ilike(value, pattern)``."""
    connection.create_function("pg_like", 2, _like, deterministic=True)
    connection.create_function("pg_ilike", 2, _ilike, deterministic=True)


def _like(value: object, pattern: str) -> bool:
    return value is not None and matches(str(value), pattern)


def _ilike(value: object, pattern: str) -> bool:
    return value is not None and matches(str(value).lower(), pattern.lower())


def matches(value: str, pattern: str) -> bool:
    """Whether a pattern covers a whole value: ``%`` stands for anything, ``_`` for one character; a backslash escapes.

    Takes a time that grows with the product of the two lengths at worst, never faster.
    """
    steps = _steps(pattern)
    at = step = 0
    retry_at = retry_step = -1
    while at < len(value):
        if step < len(steps) and steps[step] is None:
            retry_at, retry_step = at, step
            step += 1
        elif step < len(steps) and steps[step] in ("", value[at]):
            at, step = at + 1, step + 1
        elif retry_step >= 0:
            retry_at += 1
            at, step = retry_at, retry_step + 1
        else:
            return False
    return all(each is None for each in steps[step:])


@functools.lru_cache(maxsize=8)
def _steps(pattern: str) -> tuple[str | None, ...]:
    """A character each: itself, any one (empty), or any number of any (``None``)."""
    steps: list[str | None] = []
    characters = iter(pattern)
    for character in characters:
        if character == _ESCAPE:
            steps.append(next(characters, _ESCAPE))
        else:
            steps.append(None if character == _ANY else "" if character == _ONE else character)
    return tuple(steps)
