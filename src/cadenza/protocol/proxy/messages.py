"""The proxy's requests and responses as frozen structs; payloads are ``msgspec.Raw`` and never opened here.

Above: ``gateway.proxy_caller`` sends them, ``backend.handlers`` answers them. Beside: ``codec`` makes bytes of them.
"""

from typing import Annotated

import msgspec

EMPTY = msgspec.Raw(b"")

_UInt32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What travels beside the body, as headers when the hop is HTTP.

    Attributes:
        address: The client's network address, from ``X-Forwarded-For`` behind a listed proxy. Empty when unknown.
    """

    address: str = ""


class Error(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error the gateway passes to the client as its own. Centrifugo allows any code here and documents 400-1999."""

    code: _UInt32
    message: str = ""
    temporary: bool = False


class Disconnect(msgspec.Struct, frozen=True, kw_only=True):
    """Close the client's socket. 4000-4499: it reconnects; 4500-4999: it does not. Reason: 32 ASCII bytes at most."""

    code: _UInt32
    reason: str = ""


class RpcRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One RPC. ``meta`` is the connection's, from the token's claim of that name.

    Centrifugo leaves empty fields out, so an anonymous connection's ``user`` may be absent.
    """

    client: str
    user: str = ""
    method: str = ""
    data: msgspec.Raw = EMPTY
    meta: msgspec.Raw = EMPTY
    transport: str = "websocket"
    protocol: str = "json"
    encoding: str = "json"


class RpcResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The RPC's answer, JSON bytes that reach the client untouched; ``b64data`` is their base64, given instead."""

    data: msgspec.Raw = EMPTY
    b64data: str = ""


class RpcResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one of the three is set."""

    result: RpcResult | None = None
    error: Error | None = None
    disconnect: Disconnect | None = None


class SubscribeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """May this client join this channel? An anonymous connection's ``user`` may be absent."""

    client: str
    user: str = ""
    channel: str = ""
    data: msgspec.Raw = EMPTY
    meta: msgspec.Raw = EMPTY
    transport: str = "websocket"
    protocol: str = "json"
    encoding: str = "json"


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Centrifugo's wrapped boolean."""

    value: bool = False


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Channel options set otherwise for this one subscription."""

    force_recovery: Flag | None = None
    force_positioning: Flag | None = None


class SubscribeResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Yes. ``data`` reaches the client in the subscribe reply; ``info`` shows in presence; ``expire_at`` in seconds.

    ``b64info`` and ``b64data``, base64 of JSON, stand in for the two where they are given.
    """

    info: msgspec.Raw = EMPTY
    b64info: str = ""
    data: msgspec.Raw = EMPTY
    b64data: str = ""
    expire_at: int = 0
    override: Override | None = None


class SubscribeResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one of the three is set."""

    result: SubscribeResult | None = None
    error: Error | None = None
    disconnect: Disconnect | None = None
