"""The backend behind Centrifugo's HTTP proxies: the same calls, over the network.

Above: ``node`` calls it as its ``ProxyCaller``. Below: httpx, ``protocol.proxy`` (the bodies).
An answer that is not 200, no answer, or one that cannot be read raises; the node answers the client with error 100,
temporary, as recorded (``rpc_proxy``: 4xx and 5xx alike).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cadenza.errors import TransportError
from cadenza.protocol.proxy import (
    Peer,
    RpcRequest,
    RpcResponse,
    SubscribeRequest,
    SubscribeResponse,
    decode_rpc_response,
    decode_subscribe_response,
    encode_rpc_request,
    encode_subscribe_request,
)

if TYPE_CHECKING:
    import httpx

__all__ = ["HttpProxyCaller"]

_OK = 200


class HttpProxyCaller:
    """Calls a backend's proxy endpoints.

    Args:
        rpc_url: Where RPCs go.
        subscribe_url: Where questions about subscriptions go.
        headers: Sent with each call: the secret that shows the backend who asks.
        client: Does the calls; its owner closes it. Its timeouts and limits apply.
    """

    def __init__(
        self, rpc_url: str, subscribe_url: str, *, headers: Mapping[str, str], client: httpx.AsyncClient
    ) -> None:
        self._rpc_url = rpc_url
        self._subscribe_url = subscribe_url
        self._headers = {**headers, "Content-Type": "application/json"}
        self._client = client

    async def rpc(self, request: RpcRequest, peer: Peer, /) -> RpcResponse:
        """Serve a client's RPC."""
        return decode_rpc_response(await self._post(self._rpc_url, encode_rpc_request(request), peer))

    async def subscribe(self, request: SubscribeRequest, peer: Peer, /) -> SubscribeResponse:
        """Decide whether a client may subscribe."""
        return decode_subscribe_response(await self._post(self._subscribe_url, encode_subscribe_request(request), peer))

    async def _post(self, url: str, body: bytes, peer: Peer) -> bytes:
        import httpx  # loaded by whoever made the client; the embedded stack, which needs none, starts without it

        headers = self._headers
        if peer.address:
            headers = {**headers, "X-Forwarded-For": peer.address, "X-Real-IP": peer.address}
        try:
            response = await self._client.post(url, content=body, headers=headers)
        except httpx.HTTPError as cause:
            raise TransportError(f"the backend did not answer: {type(cause).__name__}") from cause
        if response.status_code != _OK:
            raise TransportError(f"the backend answered with HTTP status {response.status_code}")
        return response.content
