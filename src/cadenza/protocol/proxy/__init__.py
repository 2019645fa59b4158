"""Centrifugo's HTTP proxy protocol: what a gateway asks its backend, and what the backend may answer.

Source: Centrifugo v6, "Proxy events to the backend"; recorded in ``rpc_proxy`` and ``subscribe_publish_proxy``.
The embedded gateway calls the backend with the same values in process, so both stand behind one port.
"""

from cadenza.protocol.proxy.messages import (
    Disconnect,
    Error,
    Peer,
    RpcRequest,
    RpcResponse,
    RpcResult,
    SubscribeRequest,
    SubscribeResponse,
    SubscribeResult,
)

__all__ = [
    "Disconnect",
    "Error",
    "Peer",
    "RpcRequest",
    "RpcResponse",
    "RpcResult",
    "SubscribeRequest",
    "SubscribeResponse",
    "SubscribeResult",
]
