"""The grants of ``POST /token``: one file each, all of one shape.

Above: ``parts`` lists them by name, ``handlers`` picks one. Below: ``users``, ``sessions``.
"""

from __future__ import annotations

from typing import Protocol

from cadenza.identity.exchange import Request
from cadenza.protocol.auth import Session

__all__ = ["Grant"]


class Grant(Protocol):
    """Trades what a request proves for a session."""

    async def exchange(self, request: Request) -> Session:
        """Read the request and answer with a session.

        Raises:
            RefusalError: The body cannot be read, or what it says is not good enough.
        """
        ...
