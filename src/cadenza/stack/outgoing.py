"""How those parts that speak to others reach them: addresses, and through the environment's proxy or not.

Above: ``external``, ``doctor``. Below: httpx.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from cadenza.client.settings import is_loopback
from cadenza.errors import ConfigurationError

__all__ = ["http_client", "server_api_url", "split_url"]


def http_client(urls: Iterable[str], *, timeout_seconds: float = 5.0) -> httpx.AsyncClient:
    """Make the client for these addresses, never through a proxy to one of this machine."""
    direct = {f"all://{urlsplit(url).netloc.rpartition('@')[2]}": None for url in urls if is_loopback(url)}
    return httpx.AsyncClient(timeout=timeout_seconds, mounts=direct)


def server_api_url(ws_url: str) -> str:
    """Return the server API's address of the gateway whose WebSocket stands at ``ws_url``."""
    parts = split_url(ws_url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme) if parts else None
    if parts is None or scheme is None or not parts.netloc:
        raise ConfigurationError(
            f"{ws_url!r} is not the address of a WebSocket.",
            setting="CADENZA_WS_URL",
            next_step="It looks like wss://gateway.example/connection/websocket.",
        )
    return urlunsplit((scheme, parts.netloc, "/api", "", ""))


def split_url(url: str) -> SplitResult | None:
    """Take an address apart; None where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None
