"""The commands ``subscribe``, ``unsubscribe`` and ``publish``.

Above: ``commands``; ``signing_in`` for server-side subscriptions. Below: ``subscribing`` (the rules), ``node``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cadenza.gateway import subscribing
from cadenza.gateway.answers import answer_without_result
from cadenza.gateway.subscribing import Abilities, Admission, Subscription
from cadenza.protocol.client import (
    ABSENT,
    EMPTY_RESULT,
    PublishRequest,
    RecoverPosition,
    Reply,
    SubscribeRequest,
    SubscribeResult,
)
from cadenza.protocol.codes import ClientErrors, Disconnects, ReplyError
from cadenza.protocol.proxy import SubscribeRequest as ProxySubscribeRequest
from cadenza.protocol.proxy import SubscribeResponse

if TYPE_CHECKING:
    from cadenza.gateway.connection import Connection

__all__ = ["publish", "start", "subscribe", "unsubscribe"]

_KNOWN_DELTAS = {"", "fossil"}  # no namespace allows one, so fossil is asked for in vain (`delta_fossil`)


def subscribe(connection: Connection, command_id: int, request: SubscribeRequest) -> None:
    """Serve ``subscribe``."""
    node, channel = connection.node, request.channel
    if not channel or request.delta not in _KNOWN_DELTAS:
        connection.close(Disconnects.BAD_REQUEST)
        return
    if len(channel.encode("utf-8", "replace")) > node.config.channel_max_length:
        connection.refuse(command_id, ClientErrors.BAD_REQUEST)
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
        connection.joining = (*connection.joining, channel)
        connection.call(node.proxy.subscribe(asked, connection.peer), _subscribe_done, (command_id, request))


def _subscribe_done(
    connection: Connection,
    about: tuple[int, SubscribeRequest],
    response: SubscribeResponse | None,
    error: BaseException | None,
) -> None:
    command_id, request = about
    connection.joining = tuple(name for name in connection.joining if name != request.channel)
    if response is None or response.error is not None or response.disconnect is not None:
        answer_without_result(connection, command_id, response, error)
    else:
        _join_as_answered(connection, command_id, request, response)
    if connection.ending and not connection.is_closed:
        due = [why for channel, why in connection.ending if channel == request.channel]
        connection.ending = tuple(end for end in connection.ending if end[0] != request.channel)
        for why in due:
            connection.end_subscription(request.channel, why)


def _join_as_answered(
    connection: Connection, command_id: int, request: SubscribeRequest, response: SubscribeResponse
) -> None:
    result = response.result
    expires_at = 0 if result is None else result.expire_at
    if 0 < expires_at <= int(connection.node.clock()):
        connection.refuse(command_id, ClientErrors.EXPIRED)
        return
    info, data = (ABSENT, ABSENT) if result is None else (result.info or ABSENT, result.data or ABSENT)
    override = None if result is None else result.override
    options = subscribing.overridden(connection.node.channel_options(request.channel), override)
    able = subscribing.abilities(options, None, connection.who.user)
    joining = Joining(subscription=Subscription(info=info, expires_at=max(0, expires_at)), data=data)
    _join(connection, command_id, request, able, joining)


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription becomes once it has its position, and what the client is told with it."""

    subscription: Subscription = Subscription()
    data: msgspec.Raw = ABSENT


def _join(
    connection: Connection, command_id: int, request: SubscribeRequest, able: Abilities, joining: Joining
) -> None:
    if request.tf is not None:  # no namespace allows a filter, and all is not what was asked for (`tags_filter`)
        connection.refuse(command_id, ClientErrors.BAD_REQUEST)
        return
    result = start(connection, request.channel, able, request, joining.data)
    if result is None:
        connection.refuse(command_id, ClientErrors.UNRECOVERABLE_POSITION)
        return
    expires_at = joining.subscription.expires_at
    if expires_at:
        left = expires_at - int(connection.node.clock())
        result = msgspec.structs.replace(result, expires=True, ttl=max(0, left))
    connection.join(request.channel, joining.subscription)
    connection.reply(Reply(id=command_id, subscribe=result))


def start(
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


def unsubscribe(connection: Connection, command_id: int, channel: str) -> None:
    """Serve ``unsubscribe``."""
    if not channel:
        connection.close(Disconnects.BAD_REQUEST)
        return
    connection.drop(channel)
    connection.reply(Reply(id=command_id, unsubscribe=EMPTY_RESULT))


def publish(connection: Connection, command_id: int, request: PublishRequest) -> None:
    """Serve ``publish``."""
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
