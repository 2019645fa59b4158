"""What each client command does: the one place where a command meets the rules and the node.

Above: ``connection`` hands over commands in their order. Below: ``authenticate`` and ``subscribing`` (the rules),
``node`` (broker, hub, backend). Stateless: everything a command changes stands in the connection or the node.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from cadenza.gateway import authenticate, subscribing
from cadenza.gateway.authenticate import Credentials, Grant
from cadenza.gateway.ports import VerifiedToken
from cadenza.gateway.subscribing import Abilities, Admission, Subscription
from cadenza.protocol.client import (
    ABSENT,
    EMPTY_RESULT,
    Command,
    ConnectRequest,
    ConnectResult,
    Event,
    IllegalEventError,
    PublishRequest,
    RecoverPosition,
    RefreshRequest,
    RefreshResult,
    Reply,
    RpcRequest,
    RpcResult,
    State,
    SubscribeRequest,
    SubscribeResult,
    encode_reply,
    encode_rpc_reply,
    next_state,
)
from cadenza.protocol.codes import ClientErrors, Disconnects, ReplyError, Termination
from cadenza.protocol.proxy import RpcRequest as ProxyRpcRequest
from cadenza.protocol.proxy import RpcResponse, SubscribeResponse
from cadenza.protocol.proxy import SubscribeRequest as ProxySubscribeRequest

if TYPE_CHECKING:
    from cadenza.gateway.connection import Connection

__all__ = ["serve"]

_log = logging.getLogger(__name__)

_CONNECTED = State.CONNECTED  # where a command changes nothing; looking a member up costs more than comparing


def serve(connection: Connection, command: Command) -> None:
    """Serve one command. Where several stand in one, the first in Centrifugo's order is done.

    Raises:
        ProtocolError: The command is not legal now, or not at all; the socket is to be closed with 3501.
    """
    counts = connection.node.stats.commands
    if command.connect is not None:
        counts["connect"] += 1
        connection.state = next_state(connection.state, Event.CONNECT)
        _connect(connection, command.id, command.connect)
        return
    if connection.state is not _CONNECTED:
        connection.state = next_state(connection.state, Event.COMMAND)
    if command.ping is not None:
        raise IllegalEventError(connection.state, Event.COMMAND)
    if command.subscribe is not None:
        counts["subscribe"] += 1
        _subscribe(connection, command.id, command.subscribe)
    elif command.unsubscribe is not None:
        counts["unsubscribe"] += 1
        _unsubscribe(connection, command.id, command.unsubscribe.channel)
    elif command.publish is not None:
        counts["publish"] += 1
        _publish(connection, command.id, command.publish)
    elif command.presence is not None or command.presence_stats is not None or command.history is not None:
        connection.refuse(command.id, ClientErrors.NOT_AVAILABLE)
    elif command.rpc is not None:
        counts["rpc"] += 1
        _rpc(connection, command.id, command.rpc)
    elif command.send is not None:
        connection.close(Disconnects.NOT_AVAILABLE)
    elif command.refresh is not None:
        counts["refresh"] += 1
        _refresh(connection, command.id, command.refresh)
    elif command.sub_refresh is not None:
        connection.refuse(command.id, ClientErrors.PERMISSION_DENIED)
    else:
        raise IllegalEventError(connection.state, Event.COMMAND)


# rpc


def _rpc(connection: Connection, command_id: int, request: RpcRequest) -> None:
    node = connection.node
    if node.proxy is None or not node.config.rpc_enabled:
        connection.refuse(command_id, ClientErrors.NOT_AVAILABLE)
        return
    asked = ProxyRpcRequest(
        client=connection.client,
        user=connection.who.user,
        method=request.method,
        data=request.data,
        meta=connection.who.meta,
    )
    connection.call(node.proxy.rpc(asked, connection.peer), _rpc_done, command_id)


def _rpc_done(
    connection: Connection, command_id: int, response: RpcResponse | None, error: BaseException | None
) -> None:
    if response is None:
        _backend_failed(connection, command_id, error)
    elif response.disconnect is not None:
        connection.close(Termination(code=response.disconnect.code, reason=response.disconnect.reason))
    elif response.error is not None:
        connection.refuse(command_id, _passed_on(response.error.code, response.error.message, response.error.temporary))
    else:
        data = response.result.data if response.result is not None else ABSENT
        connection.push(
            encode_rpc_reply(command_id, data) if data else encode_reply(Reply(id=command_id, rpc=RpcResult()))
        )


def _backend_failed(connection: Connection, command_id: int, error: BaseException | None) -> None:
    connection.node.stats.proxy_errors += 1
    if isinstance(error, Exception) and not isinstance(error, TimeoutError):
        _log.error("the backend failed", exc_info=error)
    connection.refuse(command_id, ClientErrors.INTERNAL)


def _passed_on(code: int, message: str, temporary: bool) -> ReplyError:  # noqa: FBT001 - the proxy's three fields
    return ReplyError(code=code, message=message, temporary=temporary)


# connect


def _connect(connection: Connection, command_id: int, request: ConnectRequest) -> None:
    node = connection.node
    if request.token:
        token = node.verifier.cached(request.token)
        if token is None:
            connection.call(node.verifier.verify(request.token), _connect_verified, (command_id, request.subs))
        else:
            _admit(connection, command_id, request.subs, token)
    elif node.config.allow_anonymous_connect_without_token:
        _admit(connection, command_id, request.subs, None)
    else:
        connection.close(Disconnects.BAD_REQUEST)


def _connect_verified(
    connection: Connection,
    about: tuple[int, dict[str, RecoverPosition]],
    token: VerifiedToken | None,
    error: BaseException | None,
) -> None:
    command_id, requested = about
    if token is not None:
        _admit(connection, command_id, requested, token)
    elif error is not None:
        _note_unexpected(error)
        _answer_connect(connection, command_id, authenticate.judge_connect_error(error))


def _answer_connect(connection: Connection, command_id: int, verdict: ReplyError | Termination) -> None:
    """Refuse a ``connect``: with an error the socket stays open but useless, as recorded."""
    if isinstance(verdict, Termination):
        connection.close(verdict)
    else:
        connection.state = next_state(connection.state, Event.REFUSE)
        connection.refuse(command_id, verdict)


def _admit(
    connection: Connection, command_id: int, requested: dict[str, RecoverPosition], token: VerifiedToken | None
) -> None:
    node, config = connection.node, connection.node.config
    now = node.clock()
    who = Credentials() if token is None else authenticate.credentials(token, now=now)
    if token is not None and not who.user and config.disallow_anonymous_connection_tokens:
        connection.close(Disconnects.PERMISSION_DENIED)
        return
    given = authenticate.grants(config, token, requested)
    if not isinstance(given, dict):
        _answer_connect(connection, command_id, given)
        return
    if who.user and 0 < config.user_connection_limit <= node.hub.user_connection_count(who.user):
        connection.close(Disconnects.CONNECTION_LIMIT)
        return
    if who.expires_at is not None and who.expires_at < int(now):
        _answer_connect(connection, command_id, ClientErrors.EXPIRED)
        return
    connection.state = next_state(connection.state, Event.ACCEPT)
    connection.who = who
    if token is not None:
        connection.token_channels = frozenset(token.channels or token.subs)
    node.hub.add(connection)
    node.stats.accepted_connections += 1
    subs = {channel: _join_server_side(connection, channel, g, requested.get(channel)) for channel, g in given.items()}
    connection.reply(Reply(id=command_id, connect=_connect_result(connection, subs, now)))
    connection.start_timers()


def _connect_result(connection: Connection, subs: dict[str, SubscribeResult], now: float) -> ConnectResult:
    config, expires_at = connection.node.config, connection.who.expires_at
    return ConnectResult(
        client=connection.client,
        version=config.version,
        expires=expires_at is not None,
        ttl=0 if expires_at is None else expires_at - int(now),
        subs=subs,
        ping=int(config.ping_interval_seconds),
        pong=config.ping_interval_seconds > 0 and config.pong_timeout_seconds > 0,
        time=int(now * 1000) if config.connect_include_server_time else 0,
    )


def _join_server_side(
    connection: Connection, channel: str, grant: Grant, since: RecoverPosition | None
) -> SubscribeResult:
    options = connection.node.channel_options(channel)
    able = subscribing.abilities(options, None, connection.who.user)
    result = _start(connection, channel, able, since, grant.data)
    connection.join(channel, Subscription(is_server_side=True, info=grant.info))
    return result or SubscribeResult()


# refresh


def _refresh(connection: Connection, command_id: int, request: RefreshRequest) -> None:
    verifier = connection.node.verifier
    if not request.token:
        connection.close(Disconnects.BAD_REQUEST)
        return
    token = verifier.cached(request.token)
    if token is None:
        connection.call(verifier.verify(request.token), _refresh_verified, command_id)
    else:
        _refresh_verified(connection, command_id, token, None)


def _refresh_verified(
    connection: Connection, command_id: int, token: VerifiedToken | None, error: BaseException | None
) -> None:
    if token is None:
        verdict = ClientErrors.INTERNAL if error is None else authenticate.judge_refresh_error(error)
        if error is not None:
            _note_unexpected(error)
        if isinstance(verdict, Termination):
            connection.close(verdict)
        else:
            connection.refuse(command_id, verdict)
    elif token.sub != connection.who.user:
        connection.close(Disconnects.INVALID_TOKEN)
    elif frozenset(token.channels or token.subs) != connection.token_channels:
        # A reconnect brings the server-side subscriptions up to date, as in Centrifugo.
        connection.close(Disconnects.INSUFFICIENT_STATE)
    else:
        _prolong(connection, command_id, token)


def _prolong(connection: Connection, command_id: int, token: VerifiedToken) -> None:
    now = connection.node.clock()
    fresh = authenticate.credentials(token, now=now)
    if fresh.expires_at is not None and fresh.expires_at <= int(now):
        connection.refuse(command_id, ClientErrors.EXPIRED)
        return
    old = connection.who
    connection.who = Credentials(
        user=old.user,
        # Row A8 and the recording: what the new token does not say stays as it was.
        expires_at=old.expires_at if fresh.expires_at is None else fresh.expires_at,
        info=fresh.info or old.info,
        meta=fresh.meta or old.meta,
    )
    if fresh.expires_at is None:
        connection.reply(Reply(id=command_id, refresh=RefreshResult()))
        return
    connection.watch_expiry()
    connection.reply(Reply(id=command_id, refresh=RefreshResult(expires=True, ttl=fresh.expires_at - int(now))))


def _note_unexpected(error: BaseException) -> None:
    if isinstance(error, Exception) and not isinstance(error, TimeoutError) and not authenticate.is_expected(error):
        _log.error("the token verifier failed", exc_info=error)


# subscribe, unsubscribe, publish


def _subscribe(connection: Connection, command_id: int, request: SubscribeRequest) -> None:
    node, channel = connection.node, request.channel
    if not channel:
        connection.close(Disconnects.BAD_REQUEST)
        return
    if channel in connection.subscriptions or channel in connection.joining:
        connection.refuse(command_id, ClientErrors.ALREADY_SUBSCRIBED)
        return
    if len(connection.subscriptions) + len(connection.joining) >= node.config.client_channel_limit:
        connection.refuse(command_id, ClientErrors.LIMIT_EXCEEDED)
        return
    verdict = subscribing.admission(node.config, channel, connection.who.user, has_token=bool(request.token))
    if isinstance(verdict, ReplyError):
        connection.refuse(command_id, verdict)
    elif verdict is Admission.ALLOWED:
        able = subscribing.abilities(node.channel_options(channel), request, connection.who.user)
        _join(connection, command_id, request, able, Joining())
    elif node.proxy is None:
        connection.refuse(command_id, ClientErrors.NOT_AVAILABLE)
    else:
        asked = ProxySubscribeRequest(
            client=connection.client,
            user=connection.who.user,
            channel=channel,
            data=request.data,
            meta=connection.who.meta,
        )
        connection.joining.add(channel)
        connection.call(node.proxy.subscribe(asked, connection.peer), _subscribe_done, (command_id, request))


def _subscribe_done(
    connection: Connection,
    about: tuple[int, SubscribeRequest],
    response: SubscribeResponse | None,
    error: BaseException | None,
) -> None:
    command_id, request = about
    connection.joining.discard(request.channel)
    if response is None:
        _backend_failed(connection, command_id, error)
    elif response.disconnect is not None:
        connection.close(Termination(code=response.disconnect.code, reason=response.disconnect.reason))
    elif response.error is not None:
        connection.refuse(command_id, _passed_on(response.error.code, response.error.message, response.error.temporary))
    else:
        _join_as_answered(connection, command_id, request, response)


def _join_as_answered(
    connection: Connection, command_id: int, request: SubscribeRequest, response: SubscribeResponse
) -> None:
    result = response.result
    expires_at = 0 if result is None else result.expire_at
    if 0 < expires_at <= int(connection.node.clock()):
        connection.refuse(command_id, ClientErrors.EXPIRED)
        return
    info, data = (ABSENT, ABSENT) if result is None else (result.info or ABSENT, result.data or ABSENT)
    able = subscribing.abilities(connection.node.channel_options(request.channel), None, connection.who.user)
    joining = Joining(subscription=Subscription(info=info, expires_at=expires_at), data=data)
    _join(connection, command_id, request, able, joining)


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription becomes once it has its position, and what the client is told with it."""

    subscription: Subscription = Subscription()
    data: msgspec.Raw = ABSENT


def _join(
    connection: Connection, command_id: int, request: SubscribeRequest, able: Abilities, joining: Joining
) -> None:
    result = _start(connection, request.channel, able, request, joining.data)
    if result is None:
        connection.refuse(command_id, ClientErrors.UNRECOVERABLE_POSITION)
        return
    connection.join(request.channel, joining.subscription)
    connection.reply(Reply(id=command_id, subscribe=result))


def _start(
    connection: Connection,
    channel: str,
    able: Abilities,
    since: SubscribeRequest | RecoverPosition | None,
    data: msgspec.Raw,
) -> SubscribeResult | None:
    """Fix where a subscription starts. No publication can come between this and ``join``: nothing waits here."""
    node = connection.node
    was_recovering = since is not None and since.recover
    start = subscribing.position(node.broker, channel, able, since, limit=node.config.recovery_max_publication_limit)
    if was_recovering and able.is_recoverable:
        node.stats.recoveries[start is not None and start.is_recovered] += 1
    if start is None:
        return None
    return SubscribeResult(
        recoverable=able.is_recoverable,
        epoch=start.epoch,
        publications=start.publications,
        recovered=start.is_recovered,
        offset=start.offset,
        positioned=able.is_positioned,
        data=data,
        was_recovering=was_recovering,
    )


def _unsubscribe(connection: Connection, command_id: int, channel: str) -> None:
    if not channel:
        connection.close(Disconnects.BAD_REQUEST)
        return
    connection.drop(channel)
    connection.reply(Reply(id=command_id, unsubscribe=EMPTY_RESULT))


def _publish(connection: Connection, command_id: int, request: PublishRequest) -> None:
    node, channel = connection.node, request.channel
    if not channel:
        connection.close(Disconnects.BAD_REQUEST)
        return
    options = node.config.channel_options(channel)
    if options is None:
        connection.refuse(command_id, ClientErrors.UNKNOWN_CHANNEL)
    elif not channel.isascii() or not request.data or not _is_utf8(request.data):
        connection.refuse(command_id, ClientErrors.BAD_REQUEST)
    elif not subscribing.may_publish(options, connection.who.user, is_subscribed=channel in connection.subscriptions):
        connection.refuse(command_id, ClientErrors.PERMISSION_DENIED)
    else:
        node.publish(channel, request.data, info=connection.info_in(channel))
        connection.reply(Reply(id=command_id, publish=EMPTY_RESULT))


def _is_utf8(data: msgspec.Raw) -> bool:
    """Say whether subscribers can be given this: one bad byte in a text frame makes their sockets close (RFC 6455)."""
    try:
        bytes(data).decode()
    except UnicodeDecodeError:
        return False
    return True
