"""What a real Centrifugo is told: where it listens, whom it believes, whom it asks, which channels there are.

Above: ``document`` writes it into Centrifugo's file, ``check`` holds a file against it. Below: ``gateway.config``,
errors. Frozen; times in seconds, as their names say.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import msgspec

from cadenza.errors import ConfigurationError
from cadenza.gateway.config import Namespace

__all__ = ["API_PATH", "JWKS_PATH", "RPC_PATH", "SECRET_HEADER", "SUBSCRIBE_PATH", "CentrifugoConfig"]

#: The header that shows the backend who asks.
SECRET_HEADER: Final = "X-Cadenza-Proxy-Secret"  # noqa: S105  # a header's name
#: Below the backend's address.
RPC_PATH: Final = "/proxy/rpc"
SUBSCRIBE_PATH: Final = "/proxy/subscribe"
JWKS_PATH: Final = "/.well-known/jwks.json"
#: The server API, below the internal address.
API_PATH: Final = "/api"
#: A shorter secret can be guessed, or was a placeholder (the backend asks for as many).
SHORTEST_SECRET: Final = 16
_HIGHEST_PORT: Final = 65535
_LOOPBACK: Final = "127.0.0.1"


class CentrifugoConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that the file is made from. Every other option keeps Centrifugo's default.

    Attributes:
        issuer: The exact ``iss`` of an access token (A4).
        audience: Its ``aud`` (A4).
        backend_url: Where the backend's proxy endpoints stand, and the provider's keys from a memory that outlives the
            provider's outages (A1, A3).
        namespaces: The channels; the embedded gateway is given the same table.
        api_key: Key of the server API; ``None`` leaves it to Centrifugo's environment.
        proxy_secret: What the backend is shown with each call; ``None`` leaves it to Centrifugo's environment.
        allowed_origins: Browser origins that may connect; none lets in only what sends no ``Origin``: native programs.
        address: Where clients connect. A TLS proxy stands before it, so it is this machine's alone by default.
        port: TCP port of the same.
        internal_address: Where the server API, metrics and health are; never where clients can reach it.
        internal_port: TCP port of the same.
        redis_url: The engine that nodes share; ``None`` is one node with everything in memory.
        forward_client_address: Hand ``X-Forwarded-For`` on. The TLS proxy must overwrite it, for clients can send one.
        proxy_timeout_seconds: How long the backend may take: it must outlast a password check (Centrifugo's own second
            does not) and end before the SDKs' five.
        client_concurrency: Calls of one connection served at the same time. One by one, a quick one was seen to wait
            0.8 s behind a slow one.
        connection_rate_limit: New connections a second and node. Each may name a key that Centrifugo then goes to look
            for (A3).
        expired_close_delay_seconds: Grace after a token's end for its refresh to arrive.
    """

    issuer: str
    audience: str
    backend_url: str
    namespaces: Mapping[str, Namespace] = MappingProxyType({})
    api_key: str | None = None
    proxy_secret: str | None = None
    allowed_origins: tuple[str, ...] = ()
    address: str = _LOOPBACK
    port: int = 8000
    internal_address: str = _LOOPBACK
    internal_port: int = 9000
    redis_url: str | None = None
    forward_client_address: bool = True
    proxy_timeout_seconds: float = 4.0
    client_concurrency: int = 1
    connection_rate_limit: int = 500
    expired_close_delay_seconds: float = 25.0

    def __post_init__(self) -> None:
        """Refuse what cannot be safe or cannot work, naming the setting."""
        for name in ("issuer", "audience"):
            if not getattr(self, name):
                raise ConfigurationError(
                    f"{name} is empty, and then any token of the same keys connects.", setting=name
                )
        _demand_backend(self.backend_url)
        for name in ("api_key", "proxy_secret"):
            _demand_secret(name, getattr(self, name))
        for name in ("port", "internal_port"):
            if not 1 <= getattr(self, name) <= _HIGHEST_PORT:
                raise ConfigurationError(f"{name} is not a TCP port.", setting=name, next_step="1 to 65535.")
        if (self.address, self.port) == (self.internal_address, self.internal_port):
            raise ConfigurationError(
                "The server API, metrics and health would stand where clients connect.",
                setting="internal_port",
                next_step="Give it another port than clients use.",
            )
        if "*" in self.allowed_origins:
            raise ConfigurationError(
                "Any web page could open a connection in its visitor's name.",
                setting="allowed_origins",
                next_step="Name the origins of your own pages, such as https://app.example.",
            )
        if self.redis_url is not None:
            _demand_redis(self.redis_url)

    @property
    def jwks_url(self) -> str:
        """The key set that tokens are verified with."""
        return self.backend_url.rstrip("/") + JWKS_PATH

    @property
    def api_url(self) -> str:
        """The server API, as the backend reaches it from this machine."""
        return f"{self.internal_url}{API_PATH}"

    @property
    def internal_url(self) -> str:
        """Where health and metrics are asked for from this machine."""
        host = _LOOPBACK if self.internal_address in {"", "0.0.0.0", "::"} else self.internal_address  # noqa: S104  # read, not bound
        return f"http://[{host}]:{self.internal_port}" if ":" in host else f"http://{host}:{self.internal_port}"

    def __repr__(self) -> str:
        return f"CentrifugoConfig(issuer={self.issuer!r}, backend_url={self.backend_url!r}, port={self.port})"

    def __rich_repr__(self) -> list[tuple[str, object]]:  # msgspec gives structs one; rich would print the secrets
        return [("issuer", self.issuer), ("backend_url", self.backend_url), ("port", self.port)]


def _demand_backend(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # Centrifugo would fill in a template from a token's own claims (A15).
    if not usable or any(character in url for character in "@?#{} "):
        raise ConfigurationError(
            "backend_url is not the address of the backend.",
            setting="backend_url",
            next_step="It looks like http://127.0.0.1:8080, without user, query or fragment.",
        )


def _demand_secret(name: str, secret: str | None) -> None:
    if secret is None:
        return
    if len(secret) < SHORTEST_SECRET or not (secret.isascii() and secret.isprintable()) or "${" in secret:
        raise ConfigurationError(
            f"{name} is shorter than {SHORTEST_SECRET} characters, or holds some that no HTTP header can carry.",
            setting=name,
            next_step="Make one: openssl rand -hex 32.",
        )


#: The addresses that Centrifugo takes for its Redis engine.
_REDIS: Final = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "unix", "tcp")


def _demand_redis(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _REDIS and bool(parts.hostname or (parts.scheme == "unix" and parts.path))
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        raise ConfigurationError(
            "redis_url is not the address of a Redis.",
            setting="redis_url",
            next_step="It looks like redis://redis.internal:6379 or rediss://...; Sentinel: redis+sentinel://.",
        )
