"""The server API, health and metrics: an HTTP request in, an HTTP answer out. No socket, nothing waits.

Above: ``http`` (ASGI around it). Below: ``node``, ``metrics``, ``protocol.api``.
Recorded in ``api_methods``, ``api_errors``, ``api_auth``: errors travel with status 200 unless the caller asks for
``X-Centrifugo-Error-Mode: transport``; the key stands in ``X-API-Key``, ``Authorization: apikey ...`` or ``?api_key=``.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import parse_qs

import msgspec

from cadenza.errors import GatewayError, ProtocolError
from cadenza.gateway.metrics import metric_items, render_metrics
from cadenza.gateway.node import Node
from cadenza.protocol.api import (
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
    PresenceRequest,
    PresenceResult,
    PresenceStatsResult,
    Present,
    PublishRequest,
    PublishResponse,
    PublishResult,
    UnsubscribeRequest,
    decode_request,
    encode,
    encode_error,
    encode_result,
)
from cadenza.protocol.codes import ApiErrors, Disconnects, ReplyError, Termination

__all__ = ["Api", "HttpAnswer", "HttpRequest"]

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_METRICS_INTERVAL_SECONDS = 60.0
_TRANSPORT_STATUS = {ApiErrors.UNKNOWN_CHANNEL.code: 404, ApiErrors.NOT_FOUND.code: 404, ApiErrors.INTERNAL.code: 500}


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request; header names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = ""


_Doing = Callable[[], msgspec.Struct]
_NOT_FOUND = HttpAnswer(status=404, content_type=_TEXT, body=b"404 page not found\n")
_BAD_REQUEST = HttpAnswer(status=400, content_type=_TEXT, body=b"Bad Request\n")
_UNAUTHORIZED = HttpAnswer(status=401)
_METHOD_NOT_ALLOWED = HttpAnswer(status=405)


class _LegacyCommand(msgspec.Struct, frozen=True, kw_only=True):
    """``POST /api``: the method stands in the body."""

    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Api:
    """Answers HTTP requests on behalf of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        # Each reads its request and says what is to be done. In Centrifugo's order, which decides within a batch.
        self._methods: dict[str, Callable[[bytes], _Doing]] = {
            "publish": lambda body: partial(self._publish, decode_request(body, PublishRequest)),
            "broadcast": lambda body: partial(self._broadcast, decode_request(body, BroadcastRequest)),
            "unsubscribe": lambda body: partial(self._unsubscribe, decode_request(body, UnsubscribeRequest)),
            "disconnect": lambda body: partial(self._disconnect, decode_request(body, DisconnectRequest)),
            "presence": lambda body: partial(self._presence, decode_request(body, PresenceRequest)),
            "presence_stats": lambda body: partial(self._presence_stats, decode_request(body, PresenceRequest)),
            "info": lambda body: partial(self._info, decode_request(body, InfoRequest)),
            "batch": lambda body: partial(self._batch, self._read_batch(body)),
        }

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        """Refuse a request by its head, before anyone reads its body; ``None`` lets it pass."""
        api_key = self._node.config.api_key
        if not _is_api(request):
            return None
        if api_key is None:
            return _NOT_FOUND
        if not _has_key(request, api_key):
            return _UNAUTHORIZED
        return None if request.method == "POST" else _METHOD_NOT_ALLOWED

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        config = self._node.config
        if _is_api(request):
            return self.refuse(request) or self._answer_api(request)
        if request.path == "/health" and config.health:
            return HttpAnswer(status=200, content_type=_JSON, body=b"{}")
        if request.path == "/metrics" and config.metrics:
            body = render_metrics(self._node).encode()
            return HttpAnswer(status=200, content_type="text/plain; version=0.0.4; charset=utf-8", body=body)
        return _NOT_FOUND

    def _answer_api(self, request: HttpRequest) -> HttpAnswer:
        try:
            if request.path == "/api":
                return self._answer_legacy(decode_request(request.body, _LegacyCommand))
            result = self._call(request.path.removeprefix("/api/"), request.body)
        except ProtocolError:
            return _BAD_REQUEST
        return _NOT_FOUND if result is None else self._encode(result, request)

    def _answer_legacy(self, command: _LegacyCommand) -> HttpAnswer:
        """Answer the old way of asking, which knows neither batch nor error modes; bad parameters are an error."""
        if command.method == "batch":
            return _BAD_REQUEST
        try:
            result = self._call(command.method, bytes(command.params))
        except ProtocolError:
            result = ApiErrors.BAD_REQUEST
        return _BAD_REQUEST if result is None else self._encode(result)

    def _encode(self, result: msgspec.Struct, request: HttpRequest | None = None) -> HttpAnswer:
        if isinstance(result, BatchResult):  # alone among the results it stands bare, as recorded
            return HttpAnswer(status=200, content_type=_JSON, body=encode(result))
        if not isinstance(result, ReplyError):
            return HttpAnswer(status=200, content_type=_JSON, body=encode_result(result))
        self._node.stats.api_errors[result.code] += 1
        if request is not None and request.headers.get("x-centrifugo-error-mode") == "transport":
            status = _TRANSPORT_STATUS.get(result.code, 400)
            return HttpAnswer(status=status, content_type=_JSON, body=encode(result))
        return HttpAnswer(status=200, content_type=_JSON, body=encode_error(result))

    def _call(self, name: str, body: bytes) -> msgspec.Struct | None:
        method = self._methods.get(name)
        return None if method is None else self._do(name, method(body))

    def _do(self, name: str, doing: _Doing) -> msgspec.Struct:
        self._node.stats.api_commands[name] += 1
        try:
            return doing()
        except GatewayError as refused:
            return ReplyError(code=refused.code or ApiErrors.INTERNAL.code, message=refused.message)

    def _publish(self, request: PublishRequest) -> PublishResult | ReplyError:
        if not request.channel:
            return ApiErrors.BAD_REQUEST
        data = _payload(request)
        return ApiErrors.BAD_REQUEST if data is None else self._publish_to(request.channel, request, data)

    def _broadcast(self, request: BroadcastRequest) -> BroadcastResult | ReplyError:
        if not request.channels:
            return ApiErrors.BAD_REQUEST
        data = _payload(request)
        if data is None:
            return ApiErrors.BAD_REQUEST
        return BroadcastResult(responses=[self._broadcast_to(channel, request, data) for channel in request.channels])

    def _broadcast_to(self, channel: str, request: BroadcastRequest, data: bytes | msgspec.Raw) -> PublishResponse:
        try:
            answer = self._publish_to(channel, request, data) if channel else ApiErrors.BAD_REQUEST
        except GatewayError:
            answer = ApiErrors.UNKNOWN_CHANNEL
        return PublishResponse(error=answer) if isinstance(answer, ReplyError) else PublishResponse(result=answer)

    def _publish_to(
        self, channel: str, request: PublishRequest | BroadcastRequest, data: bytes | msgspec.Raw
    ) -> PublishResult | ReplyError:
        self._node.channel_options(channel)  # an unknown namespace goes before missing data, as recorded
        if not data:
            return ApiErrors.BAD_REQUEST
        placed = self._node.publish(
            channel,
            data,
            tags=request.tags,
            idempotency_key=request.idempotency_key,
            skip_history=request.skip_history,
        )
        return PublishResult(offset=placed.offset, epoch=placed.epoch)

    def _unsubscribe(self, request: UnsubscribeRequest) -> EmptyResult:
        if request.channel:
            self._node.channel_options(request.channel)
        if not request.session:
            self._node.unsubscribe(request.user, request.channel, client=request.client)
        return EmptyResult()

    def _disconnect(self, request: DisconnectRequest) -> EmptyResult:
        how = request.disconnect
        if not request.session:
            self._node.disconnect(
                request.user,
                Disconnects.FORCE_DISCONNECT if how is None else Termination(code=how.code, reason=how.reason),
                client=request.client,
                whitelist=request.whitelist,
            )
        return EmptyResult()

    def _presence(self, request: PresenceRequest) -> PresenceResult | ReplyError:
        present = self._node.present(request.channel) if request.channel else ApiErrors.BAD_REQUEST
        if isinstance(present, ReplyError):
            return present
        return PresenceResult(
            presence={
                info.client: Present(
                    user=info.user,
                    client=info.client,
                    conn_info=_compact(info.conn_info),
                    chan_info=_compact(info.chan_info),
                )
                for info in present
            }
        )

    def _presence_stats(self, request: PresenceRequest) -> PresenceStatsResult | ReplyError:
        present = self._node.present(request.channel) if request.channel else ApiErrors.BAD_REQUEST
        if isinstance(present, ReplyError):
            return present
        return PresenceStatsResult(num_clients=len(present), num_users=len({info.user for info in present}))

    def _read_batch(self, body: bytes) -> list[list[tuple[str, _Doing]]]:
        """Read all of a batch before any of it is done."""
        return [self._read_command(command) for command in decode_request(body, BatchRequest).commands]

    def _read_command(self, command: Mapping[str, msgspec.Raw] | None) -> list[tuple[str, _Doing]]:
        if command is None:
            return [("", lambda: ApiErrors.BAD_REQUEST)]
        given = [name for name in self._methods if name != "batch" and bytes(command.get(name, b"null")) != b"null"]
        return [(name, self._methods[name](bytes(command[name]))) for name in given]

    def _batch(self, commands: list[list[tuple[str, _Doing]]]) -> BatchResult:
        return BatchResult(replies=[self._batched(command) for command in commands])

    def _batched(self, command: list[tuple[str, _Doing]]) -> dict[str, msgspec.Raw]:
        # Where several stand in one command, the first is done.
        name, result = (command[0][0], self._do(*command[0])) if command else ("", ApiErrors.NOT_FOUND)
        return {"error" if isinstance(result, ReplyError) else name: msgspec.Raw(encode(result))}

    def _info(self, _: InfoRequest) -> InfoResult:
        node = self._node
        return InfoResult(
            nodes=[
                NodeResult(
                    uid=node.uid,
                    name=node.config.name,
                    version=node.config.version,
                    num_clients=node.hub.client_count,
                    num_users=node.hub.user_count,
                    num_channels=node.hub.channel_count,
                    uptime=int(node.scheduler.time() - node.started_at),
                    metrics=Metrics(interval=_METRICS_INTERVAL_SECONDS, items=metric_items(node)),
                    num_subs=node.hub.subscription_count,
                )
            ]
        )


def _is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _has_key(request: HttpRequest, api_key: str) -> bool:
    given = request.headers.get("x-api-key", "")
    if not given:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = rest.strip() if scheme.lower() == "apikey" else ""
    if not given and request.query:
        given = parse_qs(request.query).get("api_key", [""])[0]
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), api_key.encode())


def _compact(info: msgspec.Raw) -> msgspec.Raw:
    """Write JSON without blanks, as Go does when it stands within other JSON (recorded)."""
    return msgspec.Raw(msgspec.json.format(info, indent=-1)) if info else ABSENT


def _payload(request: PublishRequest | BroadcastRequest) -> bytes | msgspec.Raw | None:
    """Give the payload, one JSON value, empty when there is none; ``None`` when it cannot be one."""
    if not request.b64data:
        return request.data
    try:
        data = base64.b64decode(request.b64data, validate=True)
        msgspec.json.decode(data)  # JSON clients are all there are yet; anything else would break their frames
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return data
