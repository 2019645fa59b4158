"""What Cadenza's contract needs from any gateway: the channel namespaces, and calls that do not wait for one another.

Above: ``embedded`` tells them to the gateway of its own, ``centrifugo`` writes them into Centrifugo's file.
Below: ``gateway.config``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from cadenza.gateway.config import Namespace

#: Publications kept for recovery: at ten book changes a second, half a minute's absence.
HISTORY_SIZE: Final = 300
HISTORY_TTL_SECONDS: Final = 300.0

_RECOVERABLE: Final = Namespace(
    history_size=HISTORY_SIZE,
    history_ttl_seconds=HISTORY_TTL_SECONDS,
    force_recovery=True,
    subscribe_proxy_enabled=True,
)
#: Each socket of an auth session is in ``session:<session_id>`` by its token's ``channels``: who is there is what
#: ending that session closes. A client has no rights in it, and is not asked whether it wants to be there.
_SESSION: Final = Namespace(presence=True)
#: The backend decides on every subscription; publications come from the server API alone.
NAMESPACES: Final = MappingProxyType({"market": _RECOVERABLE, "tradingAccount": _RECOVERABLE, "session": _SESSION})
#: Calls of one connection served at the same time; one by one, a quick one waits for the slow one before it.
CLIENT_CONCURRENCY: Final = 8
