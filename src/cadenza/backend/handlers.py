"""The proxy's requests answered, whoever carries them: the gateway calls this in process, ``app`` over HTTP.

Above: ``app``, the stack's direct caller (this is the gateway's ``ProxyCaller`` by shape). Below: ``router``,
``access``, ``rates``, ``services.joining``. Centrifugo-level errors are used only for what concerns the channel itself.
"""

import logging

import msgspec

from cadenza.backend.access import Gate
from cadenza.backend.levels import RaisedLevels
from cadenza.backend.ports import Caller
from cadenza.backend.rates import Limits
from cadenza.backend.revocation import Revocations
from cadenza.backend.router import Router
from cadenza.backend.services.joining import JoiningService
from cadenza.protocol.codes import SESSION_REVOKED, ErrorCode
from cadenza.protocol.proxy import (
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
from cadenza.schema.channels import ParsedChannel, parse_channel
from cadenza.schema.codes import Code
from cadenza.schema.envelope import ErrorBody
from cadenza.schema.methods import encode_error

__all__ = ["Handlers"]

_logger = logging.getLogger("cadenza.backend")
_encode = msgspec.json.Encoder().encode

# Centrifugo's own codes (reference/centrifugo.md, "Codes"); it passes them to the client as they are.
_UNKNOWN_CHANNEL = SubscribeResponse(error=Error(code=ErrorCode.UNKNOWN_CHANNEL, message="unknown channel"))
_PERMISSION_DENIED = SubscribeResponse(error=Error(code=ErrorCode.PERMISSION_DENIED, message="permission denied"))
_INTERNAL_ERROR = SubscribeResponse(
    error=Error(code=ErrorCode.INTERNAL, message="internal server error", temporary=True)
)
_TOO_MANY = SubscribeResponse(
    error=Error(code=ErrorCode.TOO_MANY_REQUESTS, message="too many requests", temporary=True)
)
_CLOSED = SubscribeResponse(disconnect=Disconnect(code=SESSION_REVOKED.code, reason=SESSION_REVOKED.reason))
_SESSION_OVER = RpcResponse(
    result=RpcResult(
        data=msgspec.Raw(
            encode_error(ErrorBody(code=Code.SESSION_REVOKED, message="This session was ended. Sign in again."))
        )
    )
)


class Handlers:
    """Answers the rpc and subscribe proxies.

    Args:
        router: Serves the methods.
        joining: Knows which channels there are and what a new subscriber starts with.
        levels: Which connections were raised.
        gate: Decides who may join.
        limits: Decides how often.
        revocations: Which sessions have ended.
    """

    def __init__(
        self,
        router: Router,
        joining: JoiningService,
        levels: RaisedLevels,
        gate: Gate,
        *,
        limits: Limits,
        revocations: Revocations,
    ) -> None:
        self._revocations = revocations
        self._router = router
        self._gate = gate
        self._limits = limits
        self._joining = joining
        self._levels = levels

    async def rpc(self, request: RpcRequest, peer: Peer) -> RpcResponse:
        """Answer an RPC, always with a result: refusals are part of the contract's envelope."""
        caller = Caller(
            user=request.user,
            address=peer.address,
            meta=bytes(request.meta),
            client=request.client,
            raised=self._levels.of(request.client, request.user),
        )
        if self._revocations.is_over(caller):
            self._revocations.close_soon(request.user, request.client)
            return _SESSION_OVER
        answer = await self._router.call(request.method, request.data, caller)
        return RpcResponse(result=RpcResult(data=msgspec.Raw(answer)))

    async def subscribe(self, request: SubscribeRequest, peer: Peer) -> SubscribeResponse:
        """Let a client join a channel, with what it needs to start.

        102 when there is none, 103 when it may not, 111 when it joins too many in a short time.
        """
        caller = Caller(user=request.user, address=peer.address, meta=bytes(request.meta), client=request.client)
        if not await self._limits.join(caller):
            return _TOO_MANY
        channel = parse_channel(request.channel)
        if channel is None:
            return _UNKNOWN_CHANNEL
        if self._revocations.is_over(caller):
            return _CLOSED
        if self._gate.join(channel, caller).refusal is not None:
            return _PERMISSION_DENIED
        return await self._join(channel)

    async def _join(self, channel: ParsedChannel) -> SubscribeResponse:
        try:
            if not self._joining.exists(channel):
                return _UNKNOWN_CHANNEL
            first = await self._joining.first(channel)
        except Exception:
            _logger.exception("joining a channel of %s failed", channel.pattern.pattern)
            return _INTERNAL_ERROR
        if first is None:
            return SubscribeResponse(result=SubscribeResult())
        return SubscribeResponse(result=SubscribeResult(data=msgspec.Raw(_encode(first))))
