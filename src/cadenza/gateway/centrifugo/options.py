"""Which options Centrifugo knows, and of which kind, recorded from the program by ``tools/centrifugo_options.py``.

Above: ``reading``, ``rules.names``. Below: ``options.json``. Consumers and PRO's options are not on record.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Final

__all__ = ["LISTED", "NAMED_LISTS", "Kinds", "known_options", "leaves"]

#: Option or section -> its kind (flag, number, duration, text, list, map), or what is in it.
Kinds = Mapping[str, "str | Kinds"]

#: Lists whose elements have a ``name`` and options of their own -> the section that has the same.
LISTED: Final[Mapping[str, str]] = {
    "channel.namespaces": "channel.without_namespace",
    "rpc.namespaces": "rpc.without_namespace",
    "proxies": "rpc.proxy",
}
#: Lists of the same form whose elements are not on record: what stands in them is not judged.
NAMED_LISTS: Final = (*LISTED, "consumers")


@functools.cache
def known_options() -> Kinds:
    """Return the whole tree."""
    read: Kinds = json.loads(resources.files("cadenza.gateway.centrifugo").joinpath("options.json").read_text())
    return read


def section(path: str) -> Kinds:
    """Return the section at a dotted path."""
    found: str | Kinds = known_options()
    for word in path.split("."):
        assert not isinstance(found, str)  # noqa: S101  # the paths are this room's own
        found = found[word]
    assert not isinstance(found, str)  # noqa: S101
    return found


def leaves(kinds: Kinds, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every option's dotted path and kind."""
    for name, kind in kinds.items():
        where = f"{path}.{name}" if path else name
        if isinstance(kind, str):
            yield where, kind
        else:
            yield from leaves(kind, where)
