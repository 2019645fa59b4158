"""What operators reach: the server API, metrics, and everything else that listens.

Above: ``rules``. Below: ``wanted``.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Final

from cadenza.gateway.centrifugo.config import SHORTEST_SECRET
from cadenza.gateway.centrifugo.document import API_KEY_VARIABLE
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, ChangeKind, Finding, Level
from cadenza.gateway.centrifugo.rules.wanted import Wanted, finding, is_loopback

__all__ = ["server_findings"]

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # read, not bound
#: What stands on the internal port, or where clients connect when there is none.
_INTERNAL: Final = ("prometheus", "debug", "swagger", "admin")
_EXPORT_KEY: Final = Change(
    kind=ChangeKind.EXPORT, where=(API_KEY_VARIABLE,), value="the value of CADENZA_API_KEY (openssl rand -hex 32)"
)


def server_findings(options: Options, wanted: Wanted) -> Iterator[Finding]:
    """Ports, keys, logs and the engine."""
    yield from _api(options.at("http_api"), wanted)
    yield from _ports(options, wanted)
    yield from _others(options)
    yield from _transports(options)
    if options.text("log.level").lower() == "trace":
        yield finding(
            Level.DANGER, "3 Privacy", options, "log.level", "Every message is logged, tokens and passwords included.",
            options.drop("log.level"),
        )  # fmt: skip
    for name, why in (("health", "Nothing can ask whether the node is well."), ("prometheus", "Nothing is measured.")):
        if not options.flag(f"{name}.enabled"):
            yield finding(
                Level.ADVICE, "4 Metrics", options, f"{name}.enabled", why, options.mend(f"{name}.enabled", to=True)
            )
    if wanted.config.redis_url is not None and options.text("engine.type") != "redis":
        yield finding(
            Level.BROKEN, "4 Engines", options, "engine.type",
            "REDIS_URL is set, and yet nodes share nothing: what one publishes, the others' clients do not get.",
            options.mend("engine.type", to="redis"),
        )  # fmt: skip


def _api(api: Options, wanted: Wanted) -> Iterator[Finding]:
    key, shared = api.text("key"), wanted.config.api_key
    if api.flag("disabled"):
        yield finding(
            Level.BROKEN, "4 HTTP API", api, "disabled", "The backend can publish nothing.", api.drop("disabled")
        )
    elif api.flag("insecure"):
        yield finding(
            Level.DANGER, "4 Keys", api, "insecure", "Whoever reaches the server API may publish and disconnect.",
            api.drop("insecure"),
        )  # fmt: skip
    elif not key:
        yield finding(
            Level.ADVICE, "4 HTTP API", api, "key",
            "Without a key, which may also come from the environment, the server API refuses every call.", _EXPORT_KEY,
        )  # fmt: skip
    elif len(key) < SHORTEST_SECRET:
        yield finding(
            Level.DANGER, "4 HTTP API", api, "key", "So short a key can be guessed.", api.drop("key"), _EXPORT_KEY
        )
    elif shared is not None and not hmac.compare_digest(key.encode(), shared.encode()):
        yield finding(
            Level.BROKEN, "4 HTTP API", api, "key", "It is not the value of CADENZA_API_KEY: the backend can publish "
            "nothing.", api.drop("key"), _EXPORT_KEY,
        )  # fmt: skip


def _ports(options: Options, wanted: Wanted) -> Iterator[Finding]:
    server, config = options.at("http_server"), wanted.config
    address, inner = server.text("address"), server.text("internal_address") or server.text("address")
    port = server.text("port") or "8000"
    if server.text("internal_port") in {"", port} and inner == address:
        shown = [name for name in _INTERNAL if options.flag(f"{name}.enabled")]
        yield finding(
            Level.DANGER if shown else Level.ADVICE, "4 Metrics", server, "internal_port",
            f"Clients reach {' and '.join([*shown, 'the server API'])} where they connect.",
            server.mend("internal_port", to=str(config.internal_port)),
            server.mend("internal_address", to=config.internal_address),
        )  # fmt: skip
    elif inner in _EVERYWHERE:
        yield finding(
            Level.ADVICE, "4 Metrics", server, "internal_address",
            "Server API, metrics and health listen on every address of this machine.",
            server.mend("internal_address", to=config.internal_address),
        )  # fmt: skip
    if options.flag("http_api.external"):
        yield finding(
            Level.ADVICE, "4 HTTP API", options, "http_api.external", "The server API stands where clients connect.",
            options.drop("http_api.external"),
        )  # fmt: skip
    encrypted = server.flag("tls.enabled") or server.flag("tls_autocert.enabled")
    if not encrypted and not is_loopback(address):
        yield finding(
            Level.ADVICE, "3 ASVS V4.4.1", server, "address",
            "Tokens travel unencrypted unless a TLS proxy is all that reaches this port.",
            server.mend("address", to=config.address),
        )  # fmt: skip


def _transports(options: Options) -> Iterator[Finding]:
    if options.flag("websocket.disabled"):
        yield finding(
            Level.BROKEN, "4 Keys", options, "websocket.disabled", "No client of ours can connect.",
            options.drop("websocket.disabled"),
        )  # fmt: skip
    if options.flag("websocket.compression"):
        yield finding(
            Level.ADVICE, "3 RFC 7692", options, "websocket.compression",
            "A small message may unpack to a large one, and secrets beside chosen text can be guessed by length.",
            options.drop("websocket.compression"),
        )  # fmt: skip
    for name in ("uni_sse", "uni_websocket"):
        if options.flag(f"{name}.enabled"):
            yield finding(
                Level.ADVICE, "H1", options, f"{name}.enabled",
                "Browsers send the token in its address, which logs keep; no SDK of ours needs it.",
                options.drop(f"{name}.enabled"),
            )  # fmt: skip
    broker = options.text("broker.type").lower()
    if options.flag("broker.enabled") and broker == "nats":
        yield finding(
            Level.BROKEN, "D4", options, "broker.type", "NATS keeps no history: what a client misses is lost to it.",
            options.drop("broker.enabled"),
        )  # fmt: skip


def _others(options: Options) -> Iterator[Finding]:
    if options.flag("admin.insecure"):
        yield finding(
            Level.DANGER, "4 Keys", options, "admin.insecure", "Whoever reaches the admin page may do everything.",
            options.drop("admin.insecure"),
        )  # fmt: skip
    if options.flag("admin.enabled") and options.flag("admin.external"):
        yield finding(
            Level.DANGER, "4 Keys", options, "admin.external", "The admin page stands where clients connect.",
            options.drop("admin.external"),
        )  # fmt: skip
    if options.flag("grpc_api.enabled") and not options.has("grpc_api.key"):
        yield finding(
            Level.DANGER, "4 HTTP API", options, "grpc_api.enabled",
            "The server API over gRPC asks for no key.", options.drop("grpc_api.enabled"),
        )  # fmt: skip
    if options.flag("debug.enabled"):
        yield finding(
            Level.ADVICE, "4 Metrics", options, "debug.enabled", "Profiles tell more than a running node should.",
            options.drop("debug.enabled"),
        )  # fmt: skip
    if options.flag("engine.redis.tls.insecure_skip_verify"):
        yield finding(
            Level.DANGER, "3 ASVS V4.4.1", options, "engine.redis.tls.insecure_skip_verify",
            "Whoever stands in between is taken for Redis.", options.drop("engine.redis.tls.insecure_skip_verify"),
        )  # fmt: skip
