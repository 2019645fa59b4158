"""Requests and results of Centrifugo's server API, as frozen structs; payloads stay opaque bytes.

Above: ``gateway.api`` serves them, ``backend.publisher`` sends them. Below: ``protocol.codes``.
Source: Centrifugo ``apiproto/api.proto``; shapes recorded in ``api_methods`` and ``api_errors``.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cadenza.protocol.codes import ReplyError

__all__ = [
    "ABSENT",
    "BatchRequest",
    "BatchResult",
    "BroadcastRequest",
    "BroadcastResult",
    "Disconnect",
    "DisconnectRequest",
    "EmptyResult",
    "InfoRequest",
    "InfoResult",
    "Metrics",
    "NodeResult",
    "PresenceRequest",
    "PresenceResult",
    "PresenceStatsResult",
    "Present",
    "PublishRequest",
    "PublishResponse",
    "PublishResult",
    "UnsubscribeRequest",
]

_UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]

ABSENT = msgspec.Raw(b"")
"""A payload that is not there. Encoders leave out a field that is this very object."""


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Publish to one channel. Exactly one of ``data`` and ``b64data`` (base64) is given."""

    channel: str = ""
    data: msgspec.Raw = ABSENT
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] = {}
    idempotency_key: str = ""


class BroadcastRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Publish the same to several channels."""

    channels: list[str] = []
    data: msgspec.Raw = ABSENT
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] = {}
    idempotency_key: str = ""


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Several commands in one request, each ``{method: params}``. ``parallel`` allows any order; results keep it."""

    commands: list[dict[str, msgspec.Raw] | None] = []
    parallel: bool = False


class BatchResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reply for each command, ``{method: result}`` or ``{"error": ...}``; stands without ``result`` around it."""

    replies: list[dict[str, msgspec.Raw]] = []


class UnsubscribeRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """End a user's subscription to a channel, on all connections or on ``client``.

    ``session`` is that of an emulated connection; a WebSocket has none.
    """

    channel: str = ""
    user: str = ""
    client: str = ""
    session: str = ""


class Disconnect(msgspec.Struct, frozen=True, kw_only=True):
    """With which code to close; one that no close frame can carry cuts the socket off."""

    code: _UInt32 = 0
    reason: str = ""


class DisconnectRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Close a user's connections, or only ``client`` or ``session``, except those in ``whitelist``."""

    user: str = ""
    disconnect: Disconnect | None = None
    client: str = ""
    session: str = ""
    whitelist: list[str] = []


class PresenceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Ask who is in a channel, or how many."""

    channel: str = ""


class InfoRequest(msgspec.Struct, frozen=True):
    """Ask for the nodes."""


class EmptyResult(msgspec.Struct, frozen=True):
    """A result without fields."""


class PublishResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the publication stands; empty without history."""

    offset: int = 0
    epoch: str = ""


class PublishResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one publication: a result or an error."""

    error: ReplyError | None = None
    result: PublishResult | None = None


class BroadcastResult(msgspec.Struct, frozen=True, kw_only=True):
    """One answer for each channel, in order."""

    responses: list[PublishResponse] = []


class Present(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connection in a channel. ``conn_info`` is its token's ``info``, ``chan_info`` its subscription's."""

    user: str = ""
    client: str = ""
    conn_info: msgspec.Raw = ABSENT
    chan_info: msgspec.Raw = ABSENT


class PresenceResult(msgspec.Struct, frozen=True, kw_only=True):
    """Who is there, by client id."""

    presence: dict[str, Present] = {}


class PresenceStatsResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many connections are there, of how many users."""

    num_clients: int = 0
    num_users: int = 0


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a node since its start; ``interval`` in seconds."""

    interval: float
    items: dict[str, float]


class NodeResult(msgspec.Struct, frozen=True, kw_only=True):
    """One node. ``uptime`` in seconds."""

    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_channels: int
    uptime: int
    metrics: Metrics
    num_subs: int = 0


class InfoResult(msgspec.Struct, frozen=True, kw_only=True):
    """All nodes."""

    nodes: list[NodeResult]
