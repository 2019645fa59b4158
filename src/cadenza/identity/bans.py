"""Bans: until when a user may not come in, given as Go writes a span of time.

Above: ``sessions``, the grants, ``administration``. Below: ``records``, ``times``.
"""

from __future__ import annotations

import re
from typing import Final

from cadenza.identity import errors
from cadenza.identity.records import UserRow
from cadenza.identity.times import MICROSECONDS

_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PIECE: Final = r"(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)"
_DURATION: Final = re.compile(rf"([+-]?)((?:{_PIECE})+|0)")
_PIECES: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
#: Go keeps nanoseconds in 64 bits: some 292 years.
_LONGEST_SECONDS: Final = (2**63 - 1) / 1e9
_LONGEST_TEXT: Final = 64


def is_banned(user: UserRow, now: int) -> bool:
    """Whether the user may not come in at that instant."""
    return user.banned_until is not None and now < user.banned_until


def banned_until(duration: str, now: int) -> int | None:
    """Until when, from a span like ``24h`` or ``1h30m``; ``none`` and a span of nothing end a ban.

    Raises:
        RefusalError: ``validation_failed``: it is no such span.
    """
    seconds = 0.0 if duration == "none" else _seconds(duration)
    return None if seconds == 0 else now + round(seconds * MICROSECONDS)


def _seconds(duration: str) -> float:
    found = _DURATION.fullmatch(duration) if len(duration) <= _LONGEST_TEXT else None
    if found is None:
        raise errors.validation_failed("invalid format for ban duration: it must be like 24h or 1h30m, or none")
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _PIECES.findall(found.group(2)))
    if seconds > _LONGEST_SECONDS:
        raise errors.validation_failed("invalid format for ban duration: it is too long")
    return -seconds if found.group(1) == "-" else seconds
