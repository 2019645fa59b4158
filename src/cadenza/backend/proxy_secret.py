"""Whether a call comes from our gateway: the secret it shows is the one now, or the one before while that is replaced.

Above: ``app``. Below: ``config``. Centrifugo changes what it shows only when it is started again, one node after the
other, so for a while both are shown.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Final

__all__ = ["ProxySecret"]

#: Whoever waits for the last gateway to change sees the line for so long at most.
_REMINDER_SECONDS: Final = 60.0

_logger = logging.getLogger("cadenza.backend")


class ProxySecret:
    """Compares in constant time, whichever it is.

    Args:
        now: What gateways are to show.
        previous: What is taken too; ``None`` outside a rotation.
        clock: Seconds.
    """

    def __init__(self, now: str, previous: str | None, *, clock: Callable[[], float]) -> None:
        self._now = now.encode()
        self._previous = None if previous is None else previous.encode()
        self._clock = clock
        self._said_at: float | None = None

    def is_shown_by(self, given: bytes) -> bool:
        """Whether it is one of them."""
        is_now = hmac.compare_digest(given, self._now)
        if self._previous is None:
            return is_now
        is_previous = hmac.compare_digest(given, self._previous)
        if is_previous and not is_now:
            self._tell()
        return is_now or is_previous

    def _tell(self) -> None:
        now = self._clock()
        if self._said_at is None or abs(now - self._said_at) >= _REMINDER_SECONDS:
            self._said_at = now
            _logger.warning(
                "a gateway still shows the previous proxy secret: configure it anew and restart it; "
                "said once a minute while one does"
            )
