"""The proxy messages as JSON bytes and back: the gateway encodes requests, the backend responses.

Above: ``gateway.proxy_caller`` and ``backend.app``. Below: ``messages``.
Payloads are copied as they stand (whitespace and number format kept); an absent payload is left out, never written as
an empty value, which would be invalid JSON.
"""

import base64
from typing import TypeVar

import msgspec

from cadenza.errors import ProtocolError
from cadenza.protocol import lenient
from cadenza.protocol.proxy.messages import (
    Disconnect,
    Error,
    RpcRequest,
    RpcResponse,
    RpcResult,
    SubscribeRequest,
    SubscribeResponse,
    SubscribeResult,
)

_Message = TypeVar("_Message")

_encode = msgspec.json.Encoder().encode
_rpc_request = msgspec.json.Decoder(RpcRequest)
_rpc_response = msgspec.json.Decoder(RpcResponse)
_subscribe_request = msgspec.json.Decoder(SubscribeRequest)
_subscribe_response = msgspec.json.Decoder(SubscribeResponse)


def decode_rpc_request(body: bytes) -> RpcRequest:
    """Read what a gateway posts to the rpc proxy.

    Raises:
        ProtocolError: Not JSON, or not of that form.
    """
    return _decode(_rpc_request, body, "rpc request")


def decode_subscribe_request(body: bytes) -> SubscribeRequest:
    """Read what a gateway posts to the subscribe proxy.

    Raises:
        ProtocolError: Not JSON, or not of that form.
    """
    return _decode(_subscribe_request, body, "subscribe request")


def decode_rpc_response(body: bytes) -> RpcResponse:
    """Read a backend's answer to an RPC; ``{}`` is an empty result, as Centrifugo takes it.

    Raises:
        ProtocolError: Not JSON, or not of that form.
    """
    response = _decode(_rpc_response, body, "rpc response")
    if response.result is None and response.error is None and response.disconnect is None:
        return RpcResponse(result=RpcResult())
    if response.result is not None and response.result.b64data:
        return msgspec.structs.replace(response, result=RpcResult(data=_unpack(response.result.b64data)))
    return response


def decode_subscribe_response(body: bytes) -> SubscribeResponse:
    """Read a backend's answer to a subscription; ``{}`` is an empty result, as Centrifugo takes it.

    Raises:
        ProtocolError: Not JSON, or not of that form.
    """
    response = _decode(_subscribe_response, body, "subscribe response")
    if response.result is None and response.error is None and response.disconnect is None:
        return SubscribeResponse(result=SubscribeResult())
    result = response.result
    if result is not None and (result.b64info or result.b64data):
        info = _unpack(result.b64info) if result.b64info else result.info
        data = _unpack(result.b64data) if result.b64data else result.data
        result = msgspec.structs.replace(result, info=info, b64info="", data=data, b64data="")
        return msgspec.structs.replace(response, result=result)
    return response


def encode_rpc_request(request: RpcRequest) -> bytes:
    """Write an RPC request in Centrifugo's order of fields."""
    return b'%b,"method":%b%b}' % (_head(request), _encode(request.method), _payloads(request))


def encode_subscribe_request(request: SubscribeRequest) -> bytes:
    """Write a subscribe request in Centrifugo's order of fields."""
    return b'%b,"channel":%b%b}' % (_head(request), _encode(request.channel), _payloads(request))


def encode_rpc_response(response: RpcResponse) -> bytes:
    """Write an RPC response: a disconnect goes before an error, an error before a result, as Centrifugo reads them."""
    refusal = _refusal(response.error, response.disconnect)
    if refusal is not None:
        return refusal
    data = response.result.data if response.result is not None else b""
    return b'{"result":{"data":%b}}' % data if bytes(data) else b'{"result":{}}'


def encode_subscribe_response(response: SubscribeResponse) -> bytes:
    """Write a subscribe response, in the same precedence as an RPC response."""
    refusal = _refusal(response.error, response.disconnect)
    if refusal is not None:
        return refusal
    result = response.result or SubscribeResult()
    fields = [b'"%b":%b' % (name, raw) for name, raw in ((b"info", result.info), (b"data", result.data)) if bytes(raw)]
    if result.expire_at:
        fields.append(b'"expire_at":%d' % result.expire_at)
    if result.override is not None:
        fields.append(b'"override":%b' % _encode(result.override))
    return b'{"result":{%b}}' % b",".join(fields)


def _unpack(packed: str) -> msgspec.Raw:
    """Read base64 of JSON; anything else would break the client's frames (Centrifugo closes with 3506 then)."""
    try:
        raw = base64.b64decode(packed, validate=True)
        msgspec.json.decode(raw)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise ProtocolError("The proxy's base64 does not hold JSON.") from None
    return msgspec.Raw(raw)


def _decode(decoder: msgspec.json.Decoder[_Message], body: bytes, what: str) -> _Message:
    """Every way JSON can be bad, as one error. The cause is not chained: it may quote the payload."""
    try:
        return lenient.decode(decoder, body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"The proxy's {what} cannot be read: {type(error).__name__}.") from None


def _head(request: RpcRequest | SubscribeRequest) -> bytes:
    return b'{"client":%b,"transport":%b,"protocol":%b,"encoding":%b,"user":%b' % (
        _encode(request.client),
        _encode(request.transport),
        _encode(request.protocol),
        _encode(request.encoding),
        _encode(request.user),
    )


def _payloads(request: RpcRequest | SubscribeRequest) -> bytes:
    data, meta = bytes(request.data), bytes(request.meta)
    return (b',"data":%b' % data if data else b"") + (b',"meta":%b' % meta if meta else b"")


def _refusal(error: Error | None, disconnect: Disconnect | None) -> bytes | None:
    if disconnect is not None:
        return b'{"disconnect":%b}' % _encode(disconnect)
    if error is not None:
        return b'{"error":%b}' % _encode(error)
    return None
