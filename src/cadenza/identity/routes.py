"""Which handler a path and a method belong to. A segment in braces stands for any one segment and has a name.

Above: ``app``. Below: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

H = TypeVar("H")


class Found(NamedTuple, Generic[H]):
    """The methods of a path, and what stood where the pattern has braces."""

    methods: Mapping[str, H]
    values: Mapping[str, str]


class Routes(Generic[H]):
    """A table of paths, looked up in one step where a path has no names in it.

    Args:
        table: Path pattern -> method -> handler.
    """

    def __init__(self, table: Mapping[str, Mapping[str, H]]) -> None:
        self._exact = {path: Found(methods, {}) for path, methods in table.items() if "{" not in path}
        self._patterns = [(path.split("/"), methods) for path, methods in table.items() if "{" in path]

    def find(self, path: str) -> Found[H] | None:
        """The methods of a path, ``None`` where there are none."""
        exact = self._exact.get(path)
        if exact is not None:
            return exact
        segments = path.split("/")
        for pattern, methods in self._patterns:
            values = _match(pattern, segments)
            if values is not None:
                return Found(methods, values)
        return None


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    values: dict[str, str] = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            if not segment:
                return None
            values[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return values
