"""The key of Centrifugo's server API: the one now, or the one before as long as the gateway takes only that.

Above: ``publisher``, ``sockets``. Below: httpx. A gateway reads its key when it starts, so while a key is replaced some
nodes take the new one and some the old; what one of them refuses (401) is sent again with the other, and nothing is
lost.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Final

import httpx

__all__ = ["ApiKeys"]

_UNAUTHORIZED: Final = 401

_logger = logging.getLogger("cadenza.backend")


class ApiKeys(httpx.Auth):
    """Puts the key into requests; shared by all who ask the same gateway, so that one refusal teaches them all.

    Args:
        now: Sent as ``X-API-Key``; never logged.
        previous: Sent where that is refused; ``None`` outside a rotation.
    """

    def __init__(self, now: str, previous: str | None = None) -> None:
        self._now = now
        self._previous = previous
        self._uses_previous = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with the key that was last taken, and once more with the other one if it is refused."""
        with_previous = self._uses_previous
        request.headers["X-API-Key"] = self._key(previous=with_previous)
        answer = yield request
        if answer.status_code != _UNAUTHORIZED or self._previous is None:
            return
        request.headers["X-API-Key"] = self._key(previous=not with_previous)
        answer = yield request
        if answer.status_code != _UNAUTHORIZED and self._uses_previous == with_previous:
            self._uses_previous = not with_previous
            self._tell()

    def _key(self, *, previous: bool) -> str:
        return self._previous if previous and self._previous is not None else self._now

    def _tell(self) -> None:
        if self._uses_previous:
            _logger.warning(
                "the gateway refuses the new key of its server API; its previous key goes on being used: "
                "configure the gateway anew and restart it"
            )
        else:
            _logger.warning("the gateway takes the new key of its server API: the previous one is not needed any more")

    def __repr__(self) -> str:
        return "<ApiKeys>"
