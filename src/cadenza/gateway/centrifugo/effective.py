"""A configuration as Centrifugo will have it: the file, then what its environment says instead.

Above: ``rules``. Below: ``findings``. Read as Centrifugo reads it: names in any case, flags and numbers also as text, a
list also as one text, times as Go writes them or in nanoseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cadenza.gateway.centrifugo.document import Json
from cadenza.gateway.centrifugo.findings import Change, ChangeKind

__all__ = ["Options"]

_TRUE: Final = frozenset({"1", "t", "true"})
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

Path = tuple[str, ...]


class Options:
    """A section of it, read by the options' names; nothing that stands in a file raises here.

    Args:
        values: The section, names in lower case.
        path: Where it is.
        origins: Option's path -> the variable that it came from.
    """

    def __init__(
        self, values: Mapping[str, Json], *, path: Path = (), origins: Mapping[Path, str] | None = None
    ) -> None:
        self._values = values
        self._origins = {} if origins is None else origins
        self.path = path

    def at(self, name: str) -> Options:
        """Return a section below this one; an empty one where there is none."""
        words = tuple(name.split("."))
        found = _down(self._values, words)
        return Options(found if isinstance(found, dict) else {}, path=(*self.path, *words), origins=self._origins)

    def each(self, name: str) -> Iterator[Options]:
        """Yield the elements of a list, each under its name."""
        value = self._value(name)
        for element in value if isinstance(value, list) else []:
            if isinstance(element, dict):
                called = str(element.get("name", ""))
                yield Options(element, path=(*self.where(name), called), origins=self._origins)

    def has(self, name: str) -> bool:
        """Whether the option is there and not empty."""
        return self._value(name) not in (None, "", [], {})

    def flag(self, name: str) -> bool:
        """Return a flag; one that is not there is off."""
        value = self._value(name)
        return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)

    def text(self, name: str) -> str:
        """Return a text; "" where there is none."""
        value = self._value(name)
        return "" if value is None or isinstance(value, dict | list) else str(value)

    def number(self, name: str) -> int:
        """Return a number; 0 where there is none."""
        try:
            return int(self.text(name) or 0)
        except ValueError:
            return 0

    def seconds(self, name: str) -> float | None:
        """Return a time; None where there is none, or what is there is none."""
        value = self._value(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value * 1e-9
        text = self.text(name)
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._value(name)
        if isinstance(value, list):
            return tuple(str(element) for element in value)
        return (str(value),) if value not in (None, "") else ()

    def pairs(self, name: str) -> dict[str, str]:
        """Return a map of texts, its names in lower case; also of the form ``[{"key": ..., "value": ...}]``."""
        value = self._value(name)
        if isinstance(value, list):
            given = [(str(e.get("key", "")), e.get("value")) for e in value if isinstance(e, dict)]
        else:
            given = list(value.items()) if isinstance(value, dict) else []
        return {key.lower(): str(text) for key, text in given}

    def where(self, name: str) -> Path:
        """Return an option's whole path."""
        return (*self.path, *name.split("."))

    def mend(self, name: str, *, to: Json) -> Change:
        """Return the change that gives an option another value: in the file, or by freeing it of the environment."""
        return self._unset(name) or Change(kind=ChangeKind.SET, where=self.where(name), value=to)

    def drop(self, name: str) -> Change:
        """Return the change that takes an option away."""
        return self._unset(name) or Change(kind=ChangeKind.REMOVE, where=self.where(name))

    def _unset(self, name: str) -> Change | None:
        path = self.where(name)
        # What a whole section or list came from decides on everything in it.
        above = (self._origins.get(path[:length]) for length in range(len(path), 0, -1))
        variable = next(filter(None, above), None)
        return Change(kind=ChangeKind.UNSET, where=(variable,)) if variable else None

    def _value(self, name: str) -> Json:
        return _down(self._values, name.split("."))


def _down(values: Mapping[str, Json], words: Sequence[str]) -> Json:
    found: Json = dict(values)
    for word in words:
        found = found.get(word) if isinstance(found, dict) else None
    return found
