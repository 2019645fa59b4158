"""Instants: whole microseconds since the epoch inside, RFC 3339 text on the wire.

Microseconds are what PostgreSQL keeps for Supabase Auth; integers compare and store exactly.

Above: ``users``, ``sessions``. Below: nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

MICROSECONDS: Final = 1_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def instant(seconds: float) -> int:
    """A clock's reading as an instant."""
    return round(seconds * MICROSECONDS)


def rfc3339(at: int) -> str:
    """An instant as Go writes it: UTC, ``Z``, no zeros at the end of the fraction."""
    text = (_EPOCH + dt.timedelta(microseconds=at)).isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0') if '.' in text else text}Z"


def rfc3339_or_none(at: int | None) -> str | None:
    """The same for an instant that may not be there."""
    return None if at is None else rfc3339(at)
