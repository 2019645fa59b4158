"""Who may subscribe, with what abilities, and from which position: the rules without the connection.

Above: ``connection``. Below: ``config``, ``ports``, ``protocol``. Pure functions over the broker port.
Source: Centrifugo ``internal/client/handler.go`` (``OnSubscribe``), centrifuge ``client.go`` (``subscribeCmd``,
``isStreamRecovered``); recorded as ``subscribe_*`` and ``recovery*``.
"""

from __future__ import annotations

import enum

import msgspec

from cadenza.gateway.config import GatewayConfig, Namespace
from cadenza.gateway.ports import Broker, Override
from cadenza.protocol.client import ABSENT, Publication, RecoverPosition, SubscribeFlag, SubscribeRequest
from cadenza.protocol.codes import ClientErrors, ReplyError

__all__ = [
    "Abilities",
    "Admission",
    "Position",
    "Subscription",
    "abilities",
    "admission",
    "may_publish",
    "overridden",
    "position",
]

_PRIVATE_PREFIX = "$"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription of a connection. ``expires_at`` in seconds since the epoch, 0 for never."""

    is_server_side: bool = False
    info: msgspec.Raw = ABSENT
    expires_at: int = 0


class Admission(enum.Enum):
    """Who decides on a subscription."""

    ALLOWED = "allowed"
    """The namespace's options do, and they say yes."""
    ASK_BACKEND = "ask backend"
    """The subscribe proxy does."""


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription is able to do."""

    is_positioned: bool
    is_recoverable: bool


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a subscription starts, and what it missed."""

    epoch: str = ""
    offset: int = 0
    publications: list[Publication] = []
    is_recovered: bool = False


def admission(config: GatewayConfig, channel: str, user: str, *, has_token: bool) -> Admission | ReplyError:
    """Decide who decides, or refuse. ``channel`` is not empty."""
    options = config.channel_options(channel)
    if options is None:
        return ClientErrors.UNKNOWN_CHANNEL
    if not channel.isascii():
        return ClientErrors.BAD_REQUEST
    # Nothing issues subscription tokens yet, so each is as good as a forged one (`subscribe_token_garbage_expired`).
    if not has_token and not channel.startswith(_PRIVATE_PREFIX):
        if options.subscribe_proxy_enabled:
            return Admission.ASK_BACKEND
        if options.allow_subscribe_for_client and (user or options.allow_subscribe_for_anonymous):
            return Admission.ALLOWED
    return ClientErrors.PERMISSION_DENIED


def may_publish(options: Namespace, user: str, *, is_subscribed: bool) -> bool:
    """Say whether a client may publish."""
    if not user and not options.allow_publish_for_anonymous:
        return False
    return options.allow_publish_for_client or (options.allow_publish_for_subscriber and is_subscribed)


def abilities(options: Namespace, request: SubscribeRequest | None, user: str) -> Abilities:
    """Work out the abilities: what the namespace forces, and what the client asks for and may have.

    Args:
        options: The namespace's.
        request: The client's wish; ``None`` where only the namespace counts (server-side, or the backend decides).
        user: Empty when anonymous.
    """
    positioned, recoverable = options.force_positioning, options.force_recovery
    if request is not None:
        reads_history = (options.allow_history_for_client or options.allow_history_for_subscriber) and (
            bool(user) or options.allow_history_for_anonymous
        )
        positioned = positioned or (request.positioned and (options.allow_positioning or reads_history))
        recoverable = recoverable or (request.recoverable and (options.allow_recovery or reads_history))
    return Abilities(is_positioned=positioned or recoverable, is_recoverable=recoverable)


def overridden(options: Namespace, override: Override | None) -> Namespace:
    """Apply what a token or the backend says otherwise for one subscription."""
    if override is None:
        return options
    recovery, positioning = override.force_recovery, override.force_positioning
    return msgspec.structs.replace(
        options,
        force_recovery=options.force_recovery if recovery is None else recovery.value,
        force_positioning=options.force_positioning if positioning is None else positioning.value,
    )


def position(
    broker: Broker,
    channel: str,
    able: Abilities,
    since: RecoverPosition | SubscribeRequest | None,
    *,
    limit: int,
) -> Position | None:
    """Fix where the subscription starts, and gather what the client missed.

    Returns:
        The position, or ``None`` when the client does not want to subscribe without its lost publications.
    """
    if not able.is_positioned:
        return Position()
    if since is None or not since.recover or not able.is_recoverable:
        top = broker.top(channel)
        return Position(epoch=top.epoch, offset=top.offset)
    history = broker.since(channel, since.offset, limit=limit)
    missed = history.publications
    if since.epoch and since.epoch != history.epoch:
        recovered = False
    elif missed:
        recovered = missed[0].offset == since.offset + 1 and missed[-1].offset == history.offset
    else:
        recovered = history.offset == since.offset
    if recovered:
        # The client's own offset is given back: it moves on as it reads the publications.
        return Position(epoch=history.epoch, offset=since.offset, publications=missed, is_recovered=True)
    if isinstance(since, SubscribeRequest) and since.flag & SubscribeFlag.REJECT_UNRECOVERED:
        return None
    return Position(epoch=history.epoch, offset=history.offset)
