"""The commands ``connect`` and ``refresh``: a token becomes a connection's identity, or a verdict.

Above: ``commands``. Below: ``authenticate`` (the rules), ``channels`` (server-side subscriptions), ``node``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cadenza.gateway import authenticate, subscribing
from cadenza.gateway.authenticate import ANONYMOUS, Credentials, Grant
from cadenza.gateway.channels import start
from cadenza.gateway.ports import VerifiedToken
from cadenza.gateway.subscribing import Subscription
from cadenza.protocol.client import (
    ConnectRequest,
    ConnectResult,
    Event,
    RecoverPosition,
    RefreshRequest,
    RefreshResult,
    Reply,
    SubscribeResult,
    next_state,
)
from cadenza.protocol.codes import ClientErrors, Disconnects, ReplyError, Termination

if TYPE_CHECKING:
    from cadenza.gateway.connection import Connection

__all__ = ["connect", "refresh"]

_log = logging.getLogger(__name__)


def connect(connection: Connection, command_id: int, request: ConnectRequest) -> None:
    """Serve ``connect``."""
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
    who = ANONYMOUS if token is None else authenticate.credentials(token, now=now)
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
    options = subscribing.overridden(connection.node.channel_options(channel), grant.override)
    able = subscribing.abilities(options, None, connection.who.user)
    result = start(connection, channel, able, since, grant.data)
    connection.join(channel, Subscription(is_server_side=True, info=grant.info))
    return result or SubscribeResult()


# refresh


def refresh(connection: Connection, command_id: int, request: RefreshRequest) -> None:
    """Serve ``refresh``."""
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
    elif any(connection.node.config.channel_options(name) is None for name in token.channels or token.subs):
        connection.refuse(command_id, ClientErrors.UNKNOWN_CHANNEL)
    elif token.sub != connection.who.user:
        connection.close(Disconnects.INVALID_TOKEN)
    elif _has_other_channels(connection, token):
        # A reconnect brings the server-side subscriptions up to date, as in Centrifugo.
        connection.close(Disconnects.INSUFFICIENT_STATE)
    else:
        _prolong(connection, command_id, token)


def _has_other_channels(connection: Connection, token: VerifiedToken) -> bool:
    """Say whether the token's channels are others than the subscriptions that the one before has left it with."""
    channels = frozenset(filter(None, token.channels or token.subs))
    gone = connection.token_channels - channels
    return not channels <= connection.subscriptions.keys() or not gone.isdisjoint(connection.subscriptions)


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
