"""Cadenza: typed, secure, live data over one WebSocket.

::

    import cadenza

    async with cadenza.connect() as api:
        await api.auth.sign_in_with_password(email, password)
        async with api.market.order_books.watch("PAPER:BTC/USDT") as books:
            async for book in books:
                print(book.bids[0], book.asks[0])

What stands here is loaded when it is first used, so that ``import cadenza`` costs nothing and a server part never loads
the SDK. The rest of the SDK's names are in ``cadenza.client``, the messages in ``cadenza.schema``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from cadenza import errors
from cadenza._version import __version__

if TYPE_CHECKING:
    from cadenza.client import Client, FileSessionStore, MemorySessionStore, connect
    from cadenza.schema.scalars import KlineInterval, Venue

__all__ = [
    "Client",
    "FileSessionStore",
    "KlineInterval",
    "MemorySessionStore",
    "Venue",
    "__version__",
    "connect",
    "errors",
]

_HOMES = {
    "Client": "cadenza.client",
    "FileSessionStore": "cadenza.client",
    "KlineInterval": "cadenza.schema.scalars",
    "MemorySessionStore": "cadenza.client",
    "Venue": "cadenza.schema.scalars",
    "connect": "cadenza.client",
}


def __getattr__(name: str) -> object:
    """Load a name of the door when it is first asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'cadenza' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Show the door's names before they are loaded."""
    return sorted(__all__)
