"""The way to the backend: where it is, who it is told asks, how long it may take.

Above: ``rules``. Below: ``wanted``.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from cadenza.gateway.centrifugo.config import RPC_PATH, SECRET_HEADER, SHORTEST_SECRET, SUBSCRIBE_PATH
from cadenza.gateway.centrifugo.document import ADDRESS_HEADER, SECRET_VARIABLE, duration
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, ChangeKind, Finding, Level
from cadenza.gateway.centrifugo.rules.wanted import Wanted, finding, travels_in_the_open

__all__ = ["proxy_findings"]

#: The SDKs wait five seconds for an answer; a password check may take most of one.
_LONGEST_SECONDS: Final = 5.0
_SHORTEST_SECONDS: Final = 2.0
_DEFAULT: Final = "default"
_PLACEHOLDER: Final = f"${{{SECRET_VARIABLE}}}"


def proxy_findings(options: Options, wanted: Wanted) -> Iterator[Finding]:
    """Every proxy that is in use."""
    rpc = options.at("rpc")
    if not rpc.flag("without_namespace.proxy_enabled"):
        yield finding(
            Level.BROKEN, "4 RPC proxy", rpc, "without_namespace.proxy_enabled", "No call reaches the backend.",
            rpc.mend("without_namespace.proxy_enabled", to=True),
        )  # fmt: skip
    for proxy, path in _in_use(options):
        yield from _place(proxy, path, wanted)
        yield from _secret(proxy, wanted)
        yield from _told(proxy, wanted)
        yield from _time(proxy, wanted)


def _in_use(options: Options) -> Iterator[tuple[Options, str]]:
    """The default ones, and the named ones that calls or channels are given to; each once."""
    spaces = [options.at("channel.without_namespace"), *options.each("channel.namespaces")]
    called = {s.text("subscribe_proxy_name") or _DEFAULT for s in spaces if s.flag("subscribe_proxy_enabled")}
    methods = [options.at("rpc.without_namespace"), *options.each("rpc.namespaces")]
    asked = {m.text("proxy_name") or _DEFAULT for m in methods if m.flag("proxy_enabled")}
    if _DEFAULT in asked or not asked:
        yield options.at("rpc.proxy"), RPC_PATH
    if _DEFAULT in called or not called:
        yield options.at("channel.proxy.subscribe"), SUBSCRIBE_PATH
    for proxy in options.each("proxies"):
        name = proxy.text("name")
        if name in asked | called:
            yield proxy, RPC_PATH if name in asked else SUBSCRIBE_PATH


def _place(proxy: Options, path: str, wanted: Wanted) -> Iterator[Finding]:
    endpoint, right = proxy.text("endpoint"), wanted.config.backend_url.rstrip("/") + path
    mend = proxy.mend("endpoint", to=right)
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.path.endswith(path):
        yield finding(
            Level.BROKEN, "4 Unified model", proxy, "endpoint", f"The backend is asked over HTTP, at {path}.", mend
        )
    elif travels_in_the_open(endpoint):
        yield finding(
            Level.DANGER, "3 ASVS V4.4.1", proxy, "endpoint",
            "Passwords, calls and the shared secret travel to the backend unencrypted.", mend,
        )  # fmt: skip
    elif wanted.known and endpoint != right:
        yield finding(Level.ADVICE, "4 Unified model", proxy, "endpoint", "Your settings name another backend.", mend)
    if proxy.flag("http.tls.insecure_skip_verify"):
        yield finding(
            Level.DANGER, "3 ASVS V4.4.1", proxy, "http.tls.insecure_skip_verify",
            "Whoever stands in between is taken for the backend.", proxy.drop("http.tls.insecure_skip_verify"),
        )  # fmt: skip


def _secret(proxy: Options, wanted: Wanted) -> Iterator[Finding]:
    held, shared = proxy.pairs("http.static_headers").get(SECRET_HEADER.lower(), ""), wanted.config.proxy_secret
    name = f"http.static_headers.{SECRET_HEADER}"
    mend = proxy.mend(name, to=_PLACEHOLDER)
    if not held:
        yield finding(
            Level.DANGER, "3 ASVS V4.1.3", proxy, name,
            "The backend cannot tell Centrifugo from anybody else, and refuses its calls.", mend,
        )  # fmt: skip
    elif "${" in held:
        yield finding(
            Level.ADVICE, "3 ASVS V4.1.3", proxy, name,
            "The secret is to come from a variable that is not set here; without it Centrifugo does not start.",
            Change(kind=ChangeKind.EXPORT, where=(SECRET_VARIABLE,), value="the value of CADENZA_PROXY_SECRET"),
        )  # fmt: skip
    elif len(held) < SHORTEST_SECRET:
        yield finding(Level.DANGER, "3 ASVS V4.1.3", proxy, name, "So short a secret can be guessed.", mend)
    elif shared is not None and not hmac.compare_digest(held.encode(), shared.encode()):
        yield finding(
            Level.BROKEN, "3 ASVS V4.1.3", proxy, name, "It is not the value of CADENZA_PROXY_SECRET: the backend "
            "refuses every call.", mend,
        )  # fmt: skip


def _told(proxy: Options, wanted: Wanted) -> Iterator[Finding]:
    if not proxy.flag("include_connection_meta"):
        yield finding(
            Level.BROKEN, "A7", proxy, "include_connection_meta",
            "The backend does not see role, second factor and session, nor an OAuth client's id (A6).",
            proxy.mend("include_connection_meta", to=True),
        )  # fmt: skip
    headers = proxy.words("http_headers")
    # What a client sends goes before what is written in static_headers, and emulated ones are the client's own words.
    for name, theirs in (
        ("http_headers", {SECRET_HEADER}),
        ("emulated_headers", {SECRET_HEADER, ADDRESS_HEADER, "X-Real-IP"}),
    ):
        listed = [word for word in proxy.words(name) if word.lower() in {header.lower() for header in theirs}]
        if listed:
            left = [word for word in proxy.words(name) if word not in listed]
            yield finding(
                Level.DANGER, "3 ASVS V4.1.3", proxy, name, f"A client may say what {', '.join(listed)} holds.",
                proxy.mend(name, to=list(left)) if left else proxy.drop(name),
            )  # fmt: skip
    if wanted.config.forward_client_address and ADDRESS_HEADER.lower() not in {word.lower() for word in headers}:
        kept = [word for word in headers if word.lower() != SECRET_HEADER.lower()]
        yield finding(
            Level.ADVICE, "E7", proxy, "http_headers",
            "The backend does not know clients' addresses: signing in is limited by account alone.",
            proxy.mend("http_headers", to=[*kept, ADDRESS_HEADER]),
        )  # fmt: skip


def _time(proxy: Options, wanted: Wanted) -> Iterator[Finding]:
    found = proxy.seconds("timeout")
    mend = proxy.mend("timeout", to=duration(wanted.config.proxy_timeout_seconds))
    if found is None or found < _SHORTEST_SECONDS:
        yield finding(
            Level.BROKEN, "4 RPC proxy", proxy, "timeout",
            "A password check takes longer: it ends in error 100, though the backend goes on.", mend,
        )  # fmt: skip
    elif found >= _LONGEST_SECONDS:
        yield finding(
            Level.ADVICE, "4 RPC proxy", proxy, "timeout", "The SDKs have given up by then, after five seconds.", mend
        )
