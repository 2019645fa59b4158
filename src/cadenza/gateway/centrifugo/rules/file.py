"""The file itself: whoever reads its secrets can publish to everybody, and call the backend in anyone's name.

Above: ``stack.centrifugo``. Below: ``effective``, ``findings``.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cadenza.gateway.centrifugo.document import Json
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, ChangeKind, Finding, Level

__all__ = ["file_findings"]

_SECRETS: Final = (
    "http_api.key", "grpc_api.key", "admin.password", "admin.secret", "engine.redis.password",
    "client.token.hmac_secret_key",
)  # fmt: skip


def file_findings(file: Path, document: Mapping[str, Json]) -> Iterator[Finding]:
    """Say when a file that holds a secret may be read by others. A group may be meant: it is Centrifugo's own."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP) and _holds_a_secret(Options(document)):
        yield Finding(
            level=Level.DANGER,
            row="3 Privacy",
            where=str(file),
            message="It holds secrets, and others on this machine may read or change it.",
            changes=(Change(kind=ChangeKind.PROTECT, where=(str(file),)),),
        )


def _holds_a_secret(options: Options) -> bool:
    proxies = (options.at("rpc.proxy"), options.at("channel.proxy.subscribe"), *options.each("proxies"))
    headers = [text for proxy in proxies for text in proxy.pairs("http.static_headers").values()]
    addresses = options.words("engine.redis.address")
    return (
        any(options.has(name) for name in _SECRETS)
        or any("${" not in text for text in headers)
        or any("@" in address for address in addresses)
    )
