"""Who may connect, and how a connection is served.

Above: ``rules``. Below: ``wanted``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Finding, Level
from cadenza.gateway.centrifugo.rules.wanted import Wanted, finding

__all__ = ["client_findings"]

#: Never on, and what happens where it is.
_NEVER: Final = {
    "insecure": "Whoever connects may do everything, and no token is asked for.",
    "insecure_skip_token_signature_verify": "Anybody can write a token for anybody.",
    "user_id_http_header": "Whoever sends that header is the user whom it names.",
}
#: A refresh needs a moment to arrive (B4 tries for up to 25 seconds).
_SHORTEST_GRACE_SECONDS: Final = 10.0


def client_findings(options: Options, wanted: Wanted) -> Iterator[Finding]:
    """Connections."""
    client = options.at("client")
    for name, why in _NEVER.items():
        if client.has(name) and (name == "user_id_http_header" or client.flag(name)):
            yield finding(Level.DANGER, "4 Keys", client, name, why, client.drop(name))
    if not client.flag("allow_anonymous_connect_without_token"):
        yield finding(
            Level.BROKEN, "4 Keys", client, "allow_anonymous_connect_without_token",
            "Nobody can sign in over the WebSocket; what such a connection may do is the backend's to say.",
            client.mend("allow_anonymous_connect_without_token", to=True),
        )  # fmt: skip
    yield from _proxies(client)
    yield from _origins(client, wanted)
    yield from _pace(client, wanted)


def _proxies(client: Options) -> Iterator[Finding]:
    if client.flag("proxy.connect.enabled"):
        yield finding(
            Level.BROKEN, "A13", client, "proxy.connect.enabled",
            "The backend serves no connect proxy, and where there is a token it would not be asked.",
            client.drop("proxy.connect.enabled"),
        )  # fmt: skip
    if client.flag("proxy.refresh.enabled"):
        yield finding(
            Level.BROKEN, "A14", client, "proxy.refresh.enabled",
            "It switches off the client's own refresh: every connection ends with its token.",
            client.drop("proxy.refresh.enabled"),
        )  # fmt: skip


def _origins(client: Options, wanted: Wanted) -> Iterator[Finding]:
    origins = client.words("allowed_origins")
    # Of "https://*" or "*.*" nothing is left that an attacker's page does not have too.
    if any(not origin.rpartition("://")[2].strip("*.?:") for origin in origins):
        yield finding(
            Level.DANGER, "3 CSWSH", client, "allowed_origins",
            "Any web page can open a connection in its visitor's browser.",
            client.mend("allowed_origins", to=list(wanted.config.allowed_origins)),
        )  # fmt: skip
    elif wanted.known and not set(wanted.config.allowed_origins) <= set(origins):
        yield finding(
            Level.BROKEN, "3 CSWSH", client, "allowed_origins", "Pages of an origin that you name cannot connect.",
            client.mend("allowed_origins", to=[*dict.fromkeys((*origins, *wanted.config.allowed_origins))]),
        )  # fmt: skip
    elif not origins and not wanted.known:
        yield finding(
            Level.ADVICE, "3 CSWSH", client, "allowed_origins", "No browser can connect, only native programs.",
            client.mend("allowed_origins", to=["https://app.example"]),
        )  # fmt: skip


def _pace(client: Options, wanted: Wanted) -> Iterator[Finding]:
    config = wanted.config
    if client.number("concurrency") <= 1:
        yield finding(
            Level.ADVICE, "4 RPC proxy", client, "concurrency",
            "Calls of one connection are served one by one, and a quick one waits for the slow one before it.",
            client.mend("concurrency", to=config.client_concurrency),
        )  # fmt: skip
    if client.number("connection_rate_limit") <= 0:
        yield finding(
            Level.ADVICE, "A3", client, "connection_rate_limit",
            "Nothing bounds how many tokens a second a stranger can have verified.",
            client.mend("connection_rate_limit", to=config.connection_rate_limit),
        )  # fmt: skip
    if not client.flag("connect_include_server_time"):
        yield finding(
            Level.ADVICE, "A9", client, "connect_include_server_time",
            "A client whose clock is wrong cannot find out by how much.",
            client.mend("connect_include_server_time", to=True),
        )  # fmt: skip
    grace = client.seconds("expired_close_delay")
    if grace is not None and grace < _SHORTEST_GRACE_SECONDS:
        yield finding(
            Level.ADVICE, "B4", client, "expired_close_delay",
            "A refresh that is slow or repeated once comes too late, and the connection is cut.",
            client.drop("expired_close_delay"),
        )  # fmt: skip
