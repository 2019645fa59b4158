"""A user's own metadata: free JSON within bounds, because every access token carries it.

Above: ``users``. Below: ``errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from cadenza.identity.errors import validation_failed

#: Deeper JSON has no use here, and readers of tokens recurse.
DEEPEST: Final = 16


def check_metadata(metadata: Mapping[str, object], limit_bytes: int) -> None:
    """Refuse metadata that is too big or too deep.

    Raises:
        RefusalError: ``validation_failed``.
    """
    if not _is_shallow(metadata):  # first: the encoder recurses too
        raise validation_failed(f"User metadata cannot be nested deeper than {DEEPEST} levels")
    if len(msgspec.json.encode(metadata)) > limit_bytes:
        raise validation_failed(f"User metadata cannot be longer than {limit_bytes} bytes")


def merged(old: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """``old`` with ``changes`` on top; a null removes its key."""
    return {name: value for name, value in {**old, **changes}.items() if name not in changes or value is not None}


def _is_shallow(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return True
    return not any(isinstance(value, dict | list) for value in level)


def _children(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
