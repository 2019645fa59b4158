"""Centrifugo's own configuration file (v6), made of our settings.

Above: ``stack.centrifugo``, ``check`` (what stands here is what a finding tells to write). Below: ``config``.

What is left at Centrifugo's default on purpose: the connect and refresh proxies (a token is believed before the first
is asked, A13; the second switches off the client's own refresh, A14), the publish and sub_refresh proxies (clients
publish nothing, and no subscription runs out), user-limited and private channels (they pass the backend by, A12),
admin, debug, swagger, gRPC and everything named insecure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from cadenza.gateway.centrifugo.config import RPC_PATH, SECRET_HEADER, SUBSCRIBE_PATH, CentrifugoConfig
from cadenza.gateway.config import Namespace

__all__ = ["Json", "document", "duration", "namespace_options", "secret_environment", "secret_variables", "text"]

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

#: Centrifugo replaces a variable of this prefix in a static header, and knows it for one of the operator's.
SECRET_VARIABLE: Final = "CENTRIFUGO_VAR_CADENZA_PROXY_SECRET"  # noqa: S105  # a variable's name
API_KEY_VARIABLE: Final = "CENTRIFUGO_HTTP_API_KEY"
REDIS_VARIABLE: Final = "CENTRIFUGO_ENGINE_REDIS_ADDRESS"
#: Where clients' addresses are read from.
ADDRESS_HEADER: Final = "X-Forwarded-For"
_REDIS_PORT: Final = 6379


def document(config: CentrifugoConfig, *, with_secrets: bool = True) -> dict[str, Json]:
    """Return the file's content; without secrets, Centrifugo finds those in ``secret_environment``."""
    api_key = config.api_key if with_secrets else None
    secret = config.proxy_secret if with_secrets else None
    made: dict[str, Json] = {
        "http_server": {
            "address": config.address,
            "port": config.port,
            "internal_address": config.internal_address,
            "internal_port": str(config.internal_port),
        },
        "http_api": {"key": api_key} if api_key is not None else {},
        "client": _client(config),
        "rpc": {
            "proxy": _proxy(config, RPC_PATH, secret),
            "without_namespace": {"proxy_enabled": True},
        },
        "channel": {
            "proxy": {"subscribe": _proxy(config, SUBSCRIBE_PATH, secret)},
            "namespaces": [
                {"name": name, **namespace_options(namespace)} for name, namespace in config.namespaces.items()
            ],
        },
        "health": {"enabled": True},
        "prometheus": {"enabled": True},
        "usage_stats": {"disabled": True},
    }
    if config.redis_url is not None:
        made["engine"] = _engine(config.redis_url, with_secrets=with_secrets)
    return {name: value for name, value in made.items() if value != {}}


def secret_variables(config: CentrifugoConfig) -> tuple[str, ...]:
    """Name the variables in which Centrifugo finds what a file without secrets leaves out."""
    return tuple(_secrets(config))


def secret_environment(config: CentrifugoConfig) -> dict[str, str]:
    """Return those variables that the settings have a value for."""
    return {name: value for name, value in _secrets(config).items() if value is not None}


def _secrets(config: CentrifugoConfig) -> dict[str, str | None]:
    found = {API_KEY_VARIABLE: config.api_key, SECRET_VARIABLE: config.proxy_secret}
    if config.redis_url is not None and _has_password(config.redis_url):
        found[REDIS_VARIABLE] = _redis_address(config.redis_url)
    return found


def text(made: Mapping[str, Json]) -> str:
    """Return a document as it is written: JSON, which Centrifugo takes by the file's name."""
    return json.dumps(made, indent=2) + "\n"


def namespace_options(namespace: Namespace) -> dict[str, Json]:
    """Return a namespace's options under Centrifugo's names, those that differ from its defaults."""
    found: dict[str, Json] = {}
    for field in msgspec.structs.fields(namespace):
        value = getattr(namespace, field.name)
        if value == field.default:
            continue
        name = field.name.removesuffix("_seconds")
        found[name] = value if name == field.name else duration(value)
    return found


def duration(seconds: float) -> str:
    """Return a time as Go writes it; history is kept for whole seconds."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def _client(config: CentrifugoConfig) -> dict[str, Json]:
    limits: dict[str, Json] = {"connection_rate_limit": config.connection_rate_limit}
    return {
        "allowed_origins": list[Json](config.allowed_origins),
        "token": {
            "jwks_public_endpoint": config.jwks_url,
            "issuer": config.issuer,
            "audience": config.audience,
        },
        # Signing in goes over the socket too; the backend's rules are the fence.
        "allow_anonymous_connect_without_token": True,
        "disallow_anonymous_connection_tokens": True,
        "connect_include_server_time": True,
        "concurrency": config.client_concurrency,
        **(limits if config.connection_rate_limit else {}),
        "expired_close_delay": duration(config.expired_close_delay_seconds),
    }


def _proxy(config: CentrifugoConfig, path: str, secret: str | None) -> dict[str, Json]:
    made: dict[str, Json] = {
        "endpoint": config.backend_url.rstrip("/") + path,
        "timeout": duration(config.proxy_timeout_seconds),
        # Role, aal and session come to the backend in the connection's meta alone (A7).
        "include_connection_meta": True,
        "http": {"static_headers": {SECRET_HEADER: secret if secret is not None else f"${{{SECRET_VARIABLE}}}"}},
    }
    if config.forward_client_address:
        made["http_headers"] = [ADDRESS_HEADER]
    return made


def _engine(redis_url: str, *, with_secrets: bool) -> dict[str, Json]:
    if not with_secrets and _has_password(redis_url):
        return {"type": "redis"}
    return {"type": "redis", "redis": {"address": [_redis_address(redis_url)]}}


def _has_password(url: str) -> bool:
    return urlsplit(url).password is not None


def _redis_address(url: str) -> str:
    """Return it as Centrifugo reads it: it takes no missing port, and no empty database."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return url
    where = parts.netloc if parts.port is not None else f"{parts.netloc}:{_REDIS_PORT}"
    return urlunsplit((parts.scheme, where, parts.path.rstrip("/"), parts.query, ""))
