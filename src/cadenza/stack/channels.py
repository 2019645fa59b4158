"""The channel namespaces that Cadenza's contract needs from any gateway.

Above: ``embedded`` and ``external``. Below: ``gateway.config``.
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
#: The backend decides on every subscription; publications come from the server API alone.
NAMESPACES: Final = MappingProxyType({"market": _RECOVERABLE, "tradingAccount": _RECOVERABLE})
