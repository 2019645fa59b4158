"""Ids as requests name them.

Above: whoever looks a row up by an id from a path or a body. Below: nothing.
"""

from __future__ import annotations

import re
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_of(text: str) -> str | None:
    """The id as it is kept, in lower case; ``None`` for what has not the form of one."""
    known = text.lower()
    return known if _UUID.fullmatch(known) else None
