"""Counters of one node, as plain attributes; ``/metrics`` and ``info`` read them.

Above: ``node``, ``connection``, ``server`` count; ``metrics`` writes them out. Below: nothing.
"""

from __future__ import annotations

from collections import Counter

__all__ = ["Stats"]


class Stats:
    """What has happened since the start.

    Attributes:
        accepted_sockets: TCP connections accepted, of every kind.
        accepted_websockets: Upgrades done.
        refused_requests: Requests refused before they reached a handler, by HTTP status.
        accepted_connections: ``connect`` commands that succeeded.
        commands: Client commands served, by name.
        reply_errors: Error replies to clients, by code.
        disconnects: Closes this node decided, by code.
        publications: Publications made.
        deliveries: Publications handed to a subscriber's socket.
        recoveries: Recovery attempts, by whether they succeeded.
        api_commands: Server API commands, by name.
        api_errors: Server API errors, by code.
        proxy_errors: Backend calls that raised, timed out or were unreadable.
    """

    __slots__ = (
        "accepted_connections",
        "accepted_sockets",
        "accepted_websockets",
        "api_commands",
        "api_errors",
        "commands",
        "deliveries",
        "disconnects",
        "proxy_errors",
        "publications",
        "recoveries",
        "refused_requests",
        "reply_errors",
    )

    def __init__(self) -> None:
        self.accepted_sockets = 0
        self.accepted_websockets = 0
        self.accepted_connections = 0
        self.publications = 0
        self.deliveries = 0
        self.proxy_errors = 0
        self.refused_requests: Counter[int] = Counter()
        self.commands: Counter[str] = Counter()
        self.reply_errors: Counter[int] = Counter()
        self.disconnects: Counter[int] = Counter()
        self.recoveries: Counter[bool] = Counter()
        self.api_commands: Counter[str] = Counter()
        self.api_errors: Counter[int] = Counter()
