"""Reproducible randomness for the simulation: the same seed and purpose give the same stream, on every platform.

Above: ``history``, ``participants``. Below: nothing.
"""

import random


def stream(seed: int, *purpose: str | int) -> random.Random:
    """A random stream of its own for each purpose, so that one part's draws never shift another's."""
    return random.Random(":".join(map(str, (seed, *purpose))))  # noqa: S311 - a simulation, nothing secret
