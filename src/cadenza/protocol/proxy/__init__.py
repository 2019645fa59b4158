"""Centrifugo's HTTP proxy protocol: what a gateway asks its backend, and what the backend may answer.

Source: Centrifugo v6, "Proxy events to the backend"; recorded in ``rpc_proxy`` and ``subscribe_publish_proxy``.
The embedded gateway calls the backend with the same values in process, so both stand behind one port.
"""

from cadenza.protocol.proxy.codec import (
    decode_rpc_request,
    decode_rpc_response,
    decode_subscribe_request,
    decode_subscribe_response,
    encode_rpc_request,
    encode_rpc_response,
    encode_subscribe_request,
    encode_subscribe_response,
)
from cadenza.protocol.proxy.messages import (
    EMPTY,
    Disconnect,
    Error,
    Flag,
    Override,
    Peer,
    RpcRequest,
    RpcResponse,
    RpcResult,
    SubscribeRequest,
    SubscribeResponse,
    SubscribeResult,
)

__all__ = [
    "EMPTY",
    "Disconnect",
    "Error",
    "Flag",
    "Override",
    "Peer",
    "RpcRequest",
    "RpcResponse",
    "RpcResult",
    "SubscribeRequest",
    "SubscribeResponse",
    "SubscribeResult",
    "decode_rpc_request",
    "decode_rpc_response",
    "decode_subscribe_request",
    "decode_subscribe_response",
    "encode_rpc_request",
    "encode_rpc_response",
    "encode_subscribe_request",
    "encode_subscribe_response",
]
