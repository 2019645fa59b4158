"""How far a connection has proved who it is: the level its token gave, or the one it was raised to since.

A socket's token cannot change, so ``command.auth.stepup`` raises the connection instead, until the token it showed
expires (``design/decisions.md``). Kept in this process: of several workers, each knows those raised through it.

Above: ``handlers`` (reads), ``services.factors`` (raises, through its constructor). Below: nothing.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["RaisedLevels"]


class _Raised(NamedTuple):
    user: str
    level: str
    expires_at: float


class RaisedLevels:
    """Levels by connection.

    Args:
        clock: Seconds since the epoch.
        max_connections: Connections remembered. Overflow policy: the one raised longest ago falls back to its token's
            own level, and steps up again.
    """

    def __init__(self, *, clock: Callable[[], float], max_connections: int = 100_000) -> None:
        self._clock = clock
        self._max_connections = max_connections
        self._raised: OrderedDict[str, _Raised] = OrderedDict()

    def raise_to(self, client: str, user: str, level: str, *, expires_at: float) -> None:
        """Raise a user's connection until a moment (seconds since the epoch)."""
        self._raised[client] = _Raised(user, level, expires_at)
        self._raised.move_to_end(client)
        if len(self._raised) > self._max_connections:
            self._raised.popitem(last=False)

    def of(self, client: str, user: str) -> str:
        """What a connection was raised to; empty when it was not, no longer is, or belongs to somebody else."""
        raised = self._raised.get(client)
        if raised is None or raised.user != user:
            return ""
        if raised.expires_at <= self._clock():
            del self._raised[client]
            return ""
        return raised.level

    def __len__(self) -> int:
        return len(self._raised)
