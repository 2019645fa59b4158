"""The channels: that they are there with what they need, and that no right passes the backend by.

Above: ``rules``. Below: ``wanted``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cadenza.gateway.centrifugo.document import namespace_options
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.findings import Change, Finding, Level
from cadenza.gateway.centrifugo.rules.wanted import Wanted, finding
from cadenza.gateway.config import Namespace

__all__ = ["channel_findings"]

_VERBS: Final = {
    "subscribe": "join any of these channels",
    "publish": "write what others take for the backend's events",
    "presence": "see who else is there",
    "history": "read what was published before",
}
#: Whom a right is given, and how bad that is: what a subscriber may see the backend has let them see.
_WHOM: Final = {
    "anonymous": ("Anybody, without signing in,", Level.DANGER),
    "client": ("Any user", Level.DANGER),
    "subscriber": ("A subscriber", Level.ADVICE),
}
#: Proxies that the backend does not serve.
_UNSERVED: Final = ("publish_proxy_enabled", "sub_refresh_proxy_enabled", "subscribe_stream_proxy_enabled")
#: Which row an option of ours is for.
_ROWS: Final = {"presence": "E8", "subscribe_proxy_enabled": "A11"}


def channel_findings(options: Options, wanted: Wanted) -> Iterator[Finding]:
    """Every namespace, and the channels without one."""
    channel = options.at("channel")
    if channel.text("namespace_boundary") not in {"", ":"}:
        yield finding(
            Level.BROKEN, "4 Subscribe order", channel, "namespace_boundary",
            "The channels' names part at a colon.", channel.drop("namespace_boundary"),
        )  # fmt: skip
    found = {space.text("name"): space for space in options.each("channel.namespaces")}
    for space in (options.at("channel.without_namespace"), *found.values()):
        yield from _rights(space)
    for name, namespace in wanted.config.namespaces.items():
        if name in found:
            yield from _needs(found[name], namespace)
        else:
            yield Finding(
                level=Level.BROKEN, row="4 Subscribe order", where=f"channel.namespaces.{name}",
                message=f"There are no channels {name}:...: who asks for one is told error 102.",
                changes=(_whole(channel, name, namespace),),
            )  # fmt: skip


def _whole(channel: Options, name: str, namespace: Namespace) -> Change:
    return channel.mend(f"namespaces.{name}", to={"name": name, **namespace_options(namespace)})


def _rights(space: Options) -> Iterator[Finding]:
    for verb, what in _VERBS.items():
        for whom, (who, level) in _WHOM.items():
            name = f"allow_{verb}_for_{whom}"
            if space.flag(name):
                worse = Level.DANGER if verb == "publish" else level
                yield finding(
                    worse, "4 Subscribe order", space, name, f"{who} may {what}, and the backend is not asked.",
                    space.drop(name),
                )  # fmt: skip
    if space.flag("allow_user_limited_channels"):
        yield finding(
            Level.DANGER, "A12", space, "allow_user_limited_channels",
            "Whoever is named in a channel's own name joins it, and the backend is not asked.",
            space.drop("allow_user_limited_channels"),
        )  # fmt: skip
    for name in _UNSERVED:
        if space.flag(name):
            yield finding(
                Level.BROKEN, "4 Unified model", space, name, "The backend serves no such proxy.", space.drop(name)
            )


def _needs(space: Options, namespace: Namespace) -> Iterator[Finding]:
    for name, right in namespace_options(namespace).items():
        if isinstance(right, bool):
            enough = space.flag(name)
        elif isinstance(right, int):
            enough = space.number(name) >= right
        else:
            enough = (space.seconds(name) or 0) >= namespace.history_ttl_seconds
        if not enough:
            yield finding(Level.BROKEN, _ROWS.get(name, "D4"), space, name, _why(name), space.mend(name, to=right))


def _why(name: str) -> str:
    if name == "presence":
        return "A session's connections cannot be found, so signing out does not close them."
    if name == "subscribe_proxy_enabled":
        return "The backend is not asked, and nobody can subscribe."
    return "What is published while a client reconnects is lost to it."
