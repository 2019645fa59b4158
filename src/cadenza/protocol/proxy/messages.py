"""The proxy's requests and responses as frozen structs; payloads are ``msgspec.Raw`` and never opened here.

Above: ``gateway.proxy_caller`` sends them, ``backend.handlers`` answers them. Beside: ``codec`` makes bytes of them.
"""

import msgspec

EMPTY = msgspec.Raw(b"")


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What travels beside the body, as headers when the hop is HTTP.

    Attributes:
        address: The client's network address, from ``X-Forwarded-For`` behind a listed proxy. Empty when unknown.
    """

    address: str = ""


class Error(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error the gateway passes to the client as its own. Centrifugo allows any code here and documents 400-1999."""

    code: int
    message: str = ""
    temporary: bool = False


class Disconnect(msgspec.Struct, frozen=True, kw_only=True):
    """Close the client's socket. 4000-4499: it reconnects; 4500-4999: it does not. Reason: 32 ASCII bytes at most."""

    code: int
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
    """The RPC's answer, JSON bytes that reach the client untouched."""

    data: msgspec.Raw = EMPTY


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


class SubscribeResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Yes. ``data`` reaches the client in the subscribe reply; ``info`` shows in presence; ``expire_at`` in seconds."""

    info: msgspec.Raw = EMPTY
    data: msgspec.Raw = EMPTY
    expire_at: int = 0


class SubscribeResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one of the three is set."""

    result: SubscribeResult | None = None
    error: Error | None = None
    disconnect: Disconnect | None = None
