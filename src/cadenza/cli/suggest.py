"""Finds what somebody probably meant.

Above: verbs that take a name of the contract. Below: nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]

_MOST = 3
_NEAR_ENOUGH = 0.7
_AS_GOOD = 0.1


def did_you_mean(given: str, known: Iterable[str], *, otherwise: str = "cadenza methods lists them all.") -> str:
    """Return a sentence that names the nearest of ``known``, or where all of them are listed."""
    ranked = sorted(((_nearness(given.lower(), name), name) for name in known), key=lambda one: -one[0])
    enough = max(_NEAR_ENOUGH, ranked[0][0] - _AS_GOOD) if ranked else 1.0
    near = [name for nearness, name in ranked[:_MOST] if nearness >= enough]
    return f"Did you mean {' or '.join(near)}?" if near else f"Look it up: {otherwise}"


def _nearness(given: str, name: str) -> float:
    """How like a name is, from 0 to 1: as a whole, or in one of its parts (``tiker`` is near ``query.ticker.list``)."""
    lower = name.lower()
    return max(difflib.SequenceMatcher(None, given, part).ratio() for part in (lower, *lower.split(".")))
