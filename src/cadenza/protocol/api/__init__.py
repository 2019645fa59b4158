"""Centrifugo's server API: what a backend asks of a gateway over HTTP. Sans-I/O messages and their JSON codec."""

from cadenza.protocol.api.codec import decode_request, decode_response, encode, encode_error, encode_result
from cadenza.protocol.api.messages import (
    ABSENT,
    BatchRequest,
    BatchResult,
    BroadcastRequest,
    BroadcastResult,
    DisconnectRequest,
    EmptyResult,
    InfoRequest,
    InfoResult,
    Metrics,
    NodeResult,
    PublishRequest,
    PublishResponse,
    PublishResult,
    UnsubscribeRequest,
)

__all__ = [
    "ABSENT",
    "BatchRequest",
    "BatchResult",
    "BroadcastRequest",
    "BroadcastResult",
    "DisconnectRequest",
    "EmptyResult",
    "InfoRequest",
    "InfoResult",
    "Metrics",
    "NodeResult",
    "PublishRequest",
    "PublishResponse",
    "PublishResult",
    "UnsubscribeRequest",
    "decode_request",
    "decode_response",
    "encode",
    "encode_error",
    "encode_result",
]
