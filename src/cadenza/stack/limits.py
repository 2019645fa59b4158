"""``CADENZA_LIMITS``: other paces than the backend's own, as an operator writes them.

Above: ``stack.settings``, ``stack.external``. Below: ``backend.config``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cadenza.backend.config import Pace, RateLimits
from cadenza.errors import ConfigurationError

__all__ = ["limits_from_environment"]

_VARIABLE: Final = "CADENZA_LIMITS"
_OFF: Final = "off"
_PACE: Final = re.compile(r"(\d+(?:\.\d+)?):(\d+)")


def limits_from_environment(environ: Mapping[str, str]) -> RateLimits:
    """Read ``queries=100:1000,command.quote.rfq=1:5,joins=off``: so many a second, so many at once; ``off`` for none.

    Raises:
        ConfigurationError: It does not read, or names what there is not.
    """
    words = environ.get(_VARIABLE, "").replace(",", " ").split()
    if words == [_OFF]:
        return RateLimits.off()
    try:
        return RateLimits(changed=dict(map(_pace, words)))
    except ConfigurationError as refused:
        raise ConfigurationError(refused.message, setting=_VARIABLE, next_step=refused.next_step) from None


def _pace(word: str) -> tuple[str, Pace | None]:
    name, _, value = word.partition("=")
    if value == _OFF:
        return name, None
    read = _PACE.fullmatch(value)
    if read is None:
        raise ConfigurationError(
            f"{word[:80]!r} does not say how much is allowed.",
            next_step="Write NAME=PER_SECOND:AT_ONCE, for example queries=100:1000, or NAME=off; commas between.",
        )
    return name, Pace(per_second=float(read[1]), burst=int(read[2]))
