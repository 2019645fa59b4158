"""The node's counters in Prometheus' text format, under Centrifugo's names where the meaning is the same.

Above: ``api``. Below: ``node``. No label carries a user, a channel or a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from cadenza.gateway.node import Node

__all__ = ["metric_items", "render_metrics"]


class _Sample(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    help: str
    values: list[tuple[dict[str, str], float]]


def render_metrics(node: Node) -> str:
    """Write all metrics."""
    lines: list[str] = []
    for sample in _samples(node):
        lines += [f"# HELP {sample.name} {sample.help}", f"# TYPE {sample.name} {sample.kind}"]
        lines += [f"{sample.name}{_labels(labels)} {value}" for labels, value in sample.values]
    return "\n".join([*lines, ""])


def metric_items(node: Node) -> dict[str, float]:
    """Give the same as flat names, as ``info`` has them: ``centrifugo.client.num_reply_errors.code.102``."""
    return {
        ".".join([_dotted(sample.name), *(part for pair in labels.items() for part in pair)]): value
        for sample in _samples(node)
        for labels, value in sample.values
    }


def _samples(node: Node) -> Iterator[_Sample]:
    hub, stats = node.hub, node.stats
    singles = (
        ("centrifugo_node_num_clients", "gauge", "Connections.", hub.client_count),
        ("centrifugo_node_num_users", "gauge", "Different users.", hub.user_count),
        ("centrifugo_node_num_subscriptions", "gauge", "Subscriptions.", hub.subscription_count),
        ("centrifugo_node_num_channels", "gauge", "Channels with a subscriber.", hub.channel_count),
        ("centrifugo_proxy_inflight_requests", "gauge", "Backend calls that wait.", node.runner.pending_count),
        ("centrifugo_client_connections_accepted", "counter", "Connects that succeeded.", stats.accepted_connections),
        ("centrifugo_proxy_errors", "counter", "Backend calls that failed.", stats.proxy_errors),
        ("cadenza_gateway_sockets", "gauge", "Client sockets open.", node.socket_count),
        ("cadenza_gateway_accepted_sockets", "counter", "TCP connections accepted.", stats.accepted_sockets),
        ("cadenza_gateway_accepted_websockets", "counter", "Upgrades done.", stats.accepted_websockets),
        ("cadenza_gateway_publications", "counter", "Publications made.", stats.publications),
        ("cadenza_gateway_deliveries", "counter", "Publications handed to subscribers.", stats.deliveries),
    )
    for name, kind, text, value in singles:
        yield _Sample(name=name, kind=kind, help=text, values=[({}, value)])
    families: tuple[tuple[str, str, str, Mapping[Any, int]], ...] = (
        ("centrifugo_client_num_reply_errors", "Error replies.", "code", stats.reply_errors),
        ("centrifugo_client_num_server_disconnects", "Closes decided here.", "code", stats.disconnects),
        ("centrifugo_client_recover", "Recovery attempts.", "recovered", stats.recoveries),
        ("centrifugo_api_errors_total", "Server API errors.", "code", stats.api_errors),
        ("cadenza_gateway_commands", "Client commands.", "method", stats.commands),
        ("cadenza_gateway_api_commands", "Server API commands.", "method", stats.api_commands),
        ("cadenza_gateway_refused_requests", "Requests refused at the door.", "status", stats.refused_requests),
    )
    for name, text, label, counts in families:
        values: list[tuple[dict[str, str], float]] = [
            ({label: str(key).lower()}, count) for key, count in sorted(counts.items())
        ]
        yield _Sample(name=name, kind="counter", help=text, values=values)


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}" if labels else ""


def _dotted(name: str) -> str:
    prefix, area, rest = name.split("_", 2)
    return f"{prefix}.{area}.{rest}"
