"""Finds what somebody probably meant.

Above: verbs that take a name: of the contract, of a profile. Below: nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]

_MOST = 3
_NEAR_ENOUGH = 0.7
_AS_GOOD = 0.1


def did_you_mean(given: str, known: Iterable[str], *, otherwise: str = "cadenza methods lists them all.") -> str:
    """Return a sentence that names the nearest of ``known``, or where all of them are listed."""
    near = nearest(given, known)
    return f"Did you mean {' or '.join(near)}?" if near else f"Look it up: {otherwise}"


def nearest(given: str, known: Iterable[str], *, enough: float = _NEAR_ENOUGH) -> list[str]:
    """Return the few of ``known`` that may have been meant, the likeliest first; none if none is near."""
    ranked = sorted(((_nearness(given.lower(), name), name) for name in known), key=lambda one: -one[0])
    least = max(enough, ranked[0][0] - _AS_GOOD) if ranked else 1.0
    return [name for nearness, name in ranked[:_MOST] if nearness >= least]


def _nearness(given: str, name: str) -> float:
    """How like a name is, from 0 to 1: as a whole, or in one of its parts (``tiker`` is near ``query.ticker.list``)."""
    lower = name.lower()
    return max(difflib.SequenceMatcher(None, given, part).ratio() for part in (lower, *lower.split(".")))
