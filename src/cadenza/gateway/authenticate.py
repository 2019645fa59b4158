"""What a token, or none, means for a connection: the rules of connect and refresh, without the connection.

Above: ``connection``. Below: ``ports``, ``config``, ``protocol.codes``. Pure functions.

Centrifugo's answers, with the deliberate differences of ``design/decisions.md`` ("Codes"): keys that cannot be had are
error 100, temporary, at connect and at refresh (Centrifugo: close 3500). That a token needs an ``exp`` is the
verifier's rule.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.errors import (
    KeysUnavailableError,
    SessionRevokedError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.ports import Override, SubscriptionGrant, VerifiedToken
from cadenza.protocol.client import ABSENT, RecoverPosition
from cadenza.protocol.codes import SESSION_REVOKED, ClientErrors, Disconnects, ReplyError, Termination

__all__ = ["ANONYMOUS", "Credentials", "Grant", "credentials", "grants", "judge_connect_error", "judge_refresh_error"]

_LONGEST_TTL_SECONDS = 365 * 24 * 3600


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Who a connection is. ``expires_at`` in whole seconds since the epoch, ``None`` for never."""

    user: str = ""
    expires_at: int | None = None
    info: msgspec.Raw = ABSENT
    meta: msgspec.Raw = ABSENT


ANONYMOUS = Credentials()
"""Who a connection is before, or without, a token."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A server-side subscription: what is shown of it, and what goes with it."""

    info: msgspec.Raw = ABSENT
    data: msgspec.Raw = ABSENT
    override: Override | None = None


def _grant(given: SubscriptionGrant) -> Grant:
    return Grant(info=_json(given.info), data=_json(given.data), override=given.override)


def _json(given: bytes | msgspec.Raw) -> msgspec.Raw:
    """Pass JSON on; a token's base64 may hold anything, which would break the frames of all who see it."""
    if not given:
        return ABSENT
    try:
        msgspec.json.decode(given)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ABSENT
    return msgspec.Raw(given)


def judge_connect_error(error: BaseException) -> ReplyError | Termination:
    """Say how ``connect`` is answered when its token could not be verified."""
    if isinstance(error, SessionRevokedError):
        return SESSION_REVOKED  # the real Centrifugo knows no sessions, and lets such a token in
    if isinstance(error, TokenExpiredError | TokenNotYetValidError):
        return ClientErrors.TOKEN_EXPIRED
    if isinstance(error, TokenFormatError | TokenInvalidError):
        return Disconnects.INVALID_TOKEN
    return ClientErrors.INTERNAL


def judge_refresh_error(error: BaseException) -> ReplyError | Termination:
    """Say how ``refresh`` is answered when its token could not be verified."""
    if isinstance(error, SessionRevokedError):
        return SESSION_REVOKED  # the real Centrifugo knows no sessions, and lets such a token in
    if isinstance(error, TokenExpiredError | TokenNotYetValidError):
        return Disconnects.EXPIRED
    if isinstance(error, TokenFormatError | TokenInvalidError):
        return Disconnects.INVALID_TOKEN
    return ClientErrors.INTERNAL


def is_expected(error: BaseException) -> bool:
    """Say whether the error is the verifier's verdict, not a fault that belongs in the log."""
    return isinstance(
        error,
        SessionRevokedError
        | TokenExpiredError
        | TokenNotYetValidError
        | TokenFormatError
        | TokenInvalidError
        | KeysUnavailableError,
    )


def credentials(token: VerifiedToken, *, now: float) -> Credentials:
    """Read who the connection is."""
    expires_at = token.connection_expires_at
    return Credentials(
        user=token.sub,
        expires_at=None if expires_at is None else min(int(expires_at), int(now) + _LONGEST_TTL_SECONDS),
        info=_json(token.info),
        meta=msgspec.Raw(token.meta) if token.meta else ABSENT,
    )


def grants(
    config: GatewayConfig, token: VerifiedToken | None, requested: Mapping[str, RecoverPosition]
) -> dict[str, Grant] | ReplyError | Termination:
    """Gather a new connection's server-side subscriptions.

    Those of the token (``subs``, else ``channels``), the user's personal channel, then those the client asks for and
    may have anyway; others it asks for are ignored.

    Returns:
        The subscriptions, or how ``connect`` is answered when one of them is impossible.
    """
    given: dict[str, Grant] = {}
    if token is not None:
        given.update({channel: Grant() for channel in token.channels})
        given.update({channel: _grant(grant) for channel, grant in token.subs.items()})
        given.pop("", None)
    user = "" if token is None else token.sub
    if config.subscribe_to_user_personal_channel and user:
        given[f"#{user}"] = Grant()
    if any(config.channel_options(channel) is None for channel in given):
        return ClientErrors.UNKNOWN_CHANNEL
    for channel in filter(None, requested):
        options = config.channel_options(channel)
        if options is None:
            return Disconnects.BAD_REQUEST
        free = (
            options.allow_subscribe_for_client and not options.subscribe_proxy_enabled and not channel.startswith("$")
        )
        if free and channel.isascii() and (user or options.allow_subscribe_for_anonymous):
            given.setdefault(channel, Grant())
    if len(given) > config.client_channel_limit:
        return Disconnects.CHANNEL_LIMIT
    return given
