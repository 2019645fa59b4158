"""Which ``Host`` and which ``Origin`` a request may carry.

Above: ``front`` for upgrades, ``http`` for each request. Below: ``config``. Pure functions.

The Host check holds on loopback too: a page on a name that an attacker lets resolve to 127.0.0.1 (DNS rebinding) is
of the same origin as the gateway in the browser's eyes, but its requests carry that name. Such a name is never a
literal address, so the bound address and loopback literals pass.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Collection

__all__ = ["HostRule", "OriginPatterns", "host_name"]

_PORT = re.compile(r":\d*$")
_PLAIN_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def host_name(host: str) -> str:
    """Take the name out of a ``Host`` header: without port, brackets and final dot, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return _PORT.sub("", host).rstrip(".").lower()


class HostRule:
    """Which hosts a request may name.

    Args:
        allowed: Names accepted beside ``localhost`` and the addresses the gateway is reached at.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)

    def allows(self, host: str, local_address: Callable[[], str]) -> bool:
        """Say whether a request with this ``Host`` header may be served.

        Args:
            host: The header's value.
            local_address: Gives the address the connection has reached.
        """
        name = host_name(host)
        if name in _PLAIN_LOOPBACK or name in self._allowed or name.endswith(".localhost"):
            return True
        try:
            literal = ipaddress.ip_address(name)
        except ValueError:
            return False
        return literal.is_loopback or name == local_address().partition("%")[0]


class OriginPatterns:
    """The allowed origins: ``https://app.example``, ``https://*.example``, ``*``."""

    def __init__(self, patterns: Collection[str]) -> None:
        self._patterns = [re.compile(fnmatch.translate(pattern.lower())) for pattern in patterns]

    def allow(self, origin: str | None) -> bool:
        """Say whether a browser page of ``origin`` may connect. Only browsers send the header; others may always."""
        return not origin or any(pattern.match(origin.lower()) for pattern in self._patterns)
