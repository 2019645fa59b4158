"""Asking Supabase Auth about itself.

Above: the door, ``requests``. Below: ``_request``.
"""

from __future__ import annotations

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.requests._request import Request


def health() -> Request:
    """Ask whether the provider lives. Read the answer with ``responses.parse_health``."""
    return Request(method="GET", path=endpoints.HEALTH)


def settings() -> Request:
    """Ask which ways in are open. Read the answer with ``responses.parse_settings``."""
    return Request(method="GET", path=endpoints.SETTINGS)


def openid_configuration() -> Request:
    """Ask for issuer and key set address. Read the answer with ``responses.parse_openid_configuration``."""
    return Request(method="GET", path=endpoints.OPENID_CONFIGURATION)
