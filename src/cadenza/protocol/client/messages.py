"""Commands, replies and pushes of Centrifugo's client protocol, as frozen structs; payloads stay opaque bytes.

Above: ``gateway.connection``, ``gateway.node``. Below: ``protocol.codes``. Codecs stand beside.
Source: centrifugal/protocol ``client.proto``; names and numbers in ``reference/client-protocol.json``. Field order is
the order on the wire. Only what the gateway serves has fields; a command it does not serve is an :class:`Unserved`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cadenza.protocol.codes import ReplyError

__all__ = [
    "ABSENT",
    "EMPTY_RESULT",
    "ClientInfo",
    "Command",
    "ConnectRequest",
    "ConnectResult",
    "Publication",
    "PublishRequest",
    "Push",
    "RecoverPosition",
    "RefreshRequest",
    "RefreshResult",
    "Reply",
    "RpcRequest",
    "RpcResult",
    "SubscribeFlag",
    "SubscribeRequest",
    "SubscribeResult",
    "Unserved",
    "UnsubscribePush",
    "UnsubscribeRequest",
]

ABSENT = msgspec.Raw(b"")
"""A payload that is not there. Encoders leave out a field that is this very object."""

_UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
# msgspec bounds no integer beyond 63 bits; a larger offset is simply beyond every stream's top.
_UInt64 = Annotated[int, msgspec.Meta(ge=0)]


class SubscribeFlag:
    """Bits of ``SubscribeRequest.flag``."""

    REJECT_UNRECOVERED = 2
    """Answer error 112 instead of subscribing when the position cannot be recovered."""


class Unserved(msgspec.Struct, frozen=True, gc=False):
    """A command that is understood and not served; its fields are not read."""


class RecoverPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a server-side subscription stopped, given in ``connect``."""

    recover: bool = False
    epoch: str = ""
    offset: _UInt64 = 0


class ConnectRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The first command. The token never stands in a ``repr``."""

    token: str = ""
    data: msgspec.Raw = ABSENT
    subs: dict[str, RecoverPosition] = {}
    name: str = ""
    version: str = ""

    def __repr__(self) -> str:
        return f"ConnectRequest(name={self.name!r}, version={self.version!r})"


class SubscribeRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Join a channel, from now on or from a position."""

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: _UInt64 = 0
    data: msgspec.Raw = ABSENT
    positioned: bool = False
    recoverable: bool = False
    flag: int = 0
    delta: str = ""
    tf: Unserved | None = None

    def __repr__(self) -> str:
        return f"SubscribeRequest(channel={self.channel!r}, recover={self.recover}, offset={self.offset})"


class UnsubscribeRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Leave a channel."""

    channel: str = ""


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Publish as a client, where the namespace allows it."""

    channel: str = ""
    data: msgspec.Raw = ABSENT


class RpcRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Call a method of the backend."""

    data: msgspec.Raw = ABSENT
    method: str = ""


class RefreshRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A newer token for this connection. Never in a ``repr``."""

    token: str = ""

    def __repr__(self) -> str:
        return "RefreshRequest()"


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command. An empty one (no ``id``, no ``send``) is the answer to a ping."""

    id: _UInt32 = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    publish: PublishRequest | None = None
    presence: Unserved | None = None
    presence_stats: Unserved | None = None
    history: Unserved | None = None
    ping: Unserved | None = None
    send: Unserved | None = None
    rpc: RpcRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: Unserved | None = None


class ClientInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who published. ``conn_info`` is the token's ``info``, ``chan_info`` the subscription's."""

    user: str
    client: str
    conn_info: msgspec.Raw = ABSENT
    chan_info: msgspec.Raw = ABSENT


class Publication(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One publication. ``epoch`` stands only on the one with offset 1, as recorded."""

    data: msgspec.Raw
    info: ClientInfo | None = None
    offset: int = 0
    tags: dict[str, str] = {}
    epoch: str = ""


class SubscribeResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``subscribe``; also one entry of a connect reply's ``subs``."""

    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    epoch: str = ""
    publications: list[Publication] = []
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: msgspec.Raw = ABSENT
    was_recovering: bool = False


class ConnectResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``connect``. ``ttl`` and ``ping`` in seconds, ``time`` in milliseconds since the epoch."""

    client: str
    version: str = ""
    expires: bool = False
    ttl: int = 0
    data: msgspec.Raw = ABSENT
    subs: dict[str, SubscribeResult] = {}
    ping: int = 0
    pong: bool = False
    time: int = 0


class RefreshResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``refresh``, and the push of that name."""

    expires: bool = False
    ttl: int = 0


class RpcResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to ``rpc``."""

    data: msgspec.Raw = ABSENT


class _Empty(msgspec.Struct, frozen=True):
    """A result without fields."""


EMPTY_RESULT = _Empty()


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to the command of the same ``id``: an error or exactly one result."""

    id: int = 0
    error: ReplyError | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: _Empty | None = None
    publish: _Empty | None = None
    rpc: RpcResult | None = None
    refresh: RefreshResult | None = None


class UnsubscribePush(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The gateway ended a subscription."""

    code: int
    reason: str = ""


class Push(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the gateway sends by itself."""

    channel: str = ""
    pub: Publication | None = None
    unsubscribe: UnsubscribePush | None = None
