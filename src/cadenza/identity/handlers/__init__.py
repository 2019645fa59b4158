"""The endpoints: a request in, a response out, no server and no HTTP details beyond ``exchange``. One file a noun.

Each file has a class with a ``table()``; ``parts`` makes them and puts the tables together.

Above: ``app`` finds the endpoint and turns refusals into error bodies. Below: the grants and the rules.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from cadenza.identity.exchange import Request, Response

__all__ = ["Endpoints", "Handler", "Table"]

Handler = Callable[[Request], Awaitable[Response]]
#: Path pattern -> method -> endpoint.
Table = Mapping[str, Mapping[str, Handler]]


class Endpoints(Protocol):
    """One noun's endpoints."""

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        ...
