"""Times in a person's words, in their own time zone.

Above: verbs that show when something ends. Below: nothing.
"""

from __future__ import annotations

import datetime as dt

__all__ = ["clock_day", "clock_time", "distance", "local_time", "moment"]

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def moment(seconds: float) -> dt.datetime | None:
    """Return the local time of so many seconds since the epoch; None where no calendar has it."""
    try:
        return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return None


def local_time(seconds: float) -> str:
    """Return the same as ISO 8601 text with its offset; empty where no calendar has it."""
    found = moment(seconds)
    return found.isoformat(timespec="seconds") if found else ""


def clock_time(milliseconds: int) -> str:
    """Return the local time of day, to the millisecond."""
    found = moment(milliseconds / 1000)
    return found.strftime("%H:%M:%S.") + f"{found.microsecond // 1000:03}" if found else str(milliseconds)


def clock_day(milliseconds: int) -> str:
    """Return the local day, as ISO 8601 has it; empty where no calendar has it."""
    found = moment(milliseconds / 1000)
    return found.date().isoformat() if found else ""


def distance(seconds: float) -> str:
    """``in 59 minutes``, ``2 days ago``."""
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= size), (1, "second"))
    count = int(abs(seconds) // size)
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"in {words}" if seconds > 0 else f"{words} ago"
