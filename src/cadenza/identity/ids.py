"""Ids as requests name them.

Above: whoever looks a row up by an id from a path or a body. Below: nothing.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")


def uuid_of(text: str) -> str | None:
    """The id as it is kept; ``None`` for what has not the form of one.

    The forms are those of Supabase Auth's library (gofrs/uuid): in either case, with hyphens or without, in braces or
    as a ``urn:uuid:``.
    """
    known = text[1:-1] if text.startswith("{") and text.endswith("}") else text.removeprefix("urn:uuid:")
    known = known.lower()
    return str(uuid.UUID(known)) if _UUID.fullmatch(known) else None
