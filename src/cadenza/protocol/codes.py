"""Centrifugo's codes: errors of a command, disconnects, unsubscribes, with their ranges and what a client does.

Above: ``gateway`` answers with them, ``client.connection`` acts on them. Below: nothing.
Source: centrifuge ``errors.go``, ``disconnect.go``, ``unsubscribe.go``; Centrifugo ``apiproto/errors.go``;
"Client protocol codes" of Centrifugo's documentation. Recorded in ``reference/centrifugo.md``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = [
    "API_ERRORS",
    "CLIENT_ERRORS",
    "DISCONNECTS",
    "SESSION_REVOKED",
    "UNSUBSCRIBES",
    "ApiErrors",
    "ClientErrors",
    "CodeOwner",
    "Disconnects",
    "ErrorCode",
    "ReplyError",
    "Termination",
    "Unsubscribes",
    "disconnect_code_owner",
    "is_disconnect_final",
    "is_unsubscribe_final",
]

_FINAL_DISCONNECT_RANGES = (range(3500, 4000), range(4500, 5000))
_FIRST_RESUBSCRIBING_CODE = 2500


class ErrorCode(enum.IntEnum):
    """Codes of an error reply (100 to 113); 400 to 1999 are the backend's own."""

    INTERNAL = 100
    UNAUTHORIZED = 101
    UNKNOWN_CHANNEL = 102
    PERMISSION_DENIED = 103
    METHOD_NOT_FOUND = 104
    ALREADY_SUBSCRIBED = 105
    LIMIT_EXCEEDED = 106
    BAD_REQUEST = 107
    NOT_AVAILABLE = 108
    TOKEN_EXPIRED = 109
    EXPIRED = 110
    TOO_MANY_REQUESTS = 111
    UNRECOVERABLE_POSITION = 112
    CONCURRENT_PAGINATION = 113


class ReplyError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ``error`` of a reply. ``temporary``: the same command may succeed later."""

    code: int
    message: str = ""
    temporary: bool = False


class Termination(msgspec.Struct, frozen=True, kw_only=True):
    """Why a socket was closed or a subscription ended: the code and the reason on the wire."""

    code: int
    reason: str = ""


#: Cadenza's own disconnect, in the range that Centrifugo leaves to a backend: the session behind the token was ended,
#: and the client has to sign in again.
SESSION_REVOKED: Final = Termination(code=4500, reason="session revoked")


def _error(code: ErrorCode, message: str, *, temporary: bool = False) -> ReplyError:
    return ReplyError(code=code.value, message=message, temporary=temporary)


class ClientErrors:
    """Error replies of the client protocol."""

    INTERNAL = _error(ErrorCode.INTERNAL, "internal server error", temporary=True)
    UNAUTHORIZED = _error(ErrorCode.UNAUTHORIZED, "unauthorized")
    UNKNOWN_CHANNEL = _error(ErrorCode.UNKNOWN_CHANNEL, "unknown channel")
    PERMISSION_DENIED = _error(ErrorCode.PERMISSION_DENIED, "permission denied")
    METHOD_NOT_FOUND = _error(ErrorCode.METHOD_NOT_FOUND, "method not found")
    ALREADY_SUBSCRIBED = _error(ErrorCode.ALREADY_SUBSCRIBED, "already subscribed")
    LIMIT_EXCEEDED = _error(ErrorCode.LIMIT_EXCEEDED, "limit exceeded")
    BAD_REQUEST = _error(ErrorCode.BAD_REQUEST, "bad request")
    NOT_AVAILABLE = _error(ErrorCode.NOT_AVAILABLE, "not available")
    TOKEN_EXPIRED = _error(ErrorCode.TOKEN_EXPIRED, "token expired")
    EXPIRED = _error(ErrorCode.EXPIRED, "expired")
    TOO_MANY_REQUESTS = _error(ErrorCode.TOO_MANY_REQUESTS, "too many requests", temporary=True)
    UNRECOVERABLE_POSITION = _error(ErrorCode.UNRECOVERABLE_POSITION, "unrecoverable position")
    CONCURRENT_PAGINATION = _error(ErrorCode.CONCURRENT_PAGINATION, "concurrent pagination", temporary=True)


class ApiErrors:
    """Errors of the server API. Two differ from the client's of the same code: 104 and 113."""

    INTERNAL = ReplyError(code=100, message="internal server error")
    UNKNOWN_CHANNEL = ReplyError(code=102, message="unknown channel")
    NOT_FOUND = ReplyError(code=104, message="not found")
    BAD_REQUEST = ReplyError(code=107, message="bad request")
    NOT_AVAILABLE = ReplyError(code=108, message="not available")
    UNRECOVERABLE_POSITION = ReplyError(code=112, message="unrecoverable position")
    CONFLICT = ReplyError(code=113, message="conflict")


class Disconnects:
    """Disconnects the gateway decides. 3000-3499: a client reconnects; 3500-3999: it does not."""

    CONNECTION_CLOSED = Termination(code=3000, reason="connection closed")
    SHUTDOWN = Termination(code=3001, reason="shutdown")
    SERVER_ERROR = Termination(code=3004, reason="internal server error")
    EXPIRED = Termination(code=3005, reason="connection expired")
    SUBSCRIPTION_EXPIRED = Termination(code=3006, reason="subscription expired")
    SLOW = Termination(code=3008, reason="slow")
    WRITE_ERROR = Termination(code=3009, reason="write error")
    INSUFFICIENT_STATE = Termination(code=3010, reason="insufficient state")
    FORCE_RECONNECT = Termination(code=3011, reason="force reconnect")
    NO_PONG = Termination(code=3012, reason="no pong")
    TOO_MANY_REQUESTS = Termination(code=3013, reason="too many requests")
    STATE_INVALIDATED = Termination(code=3014, reason="state invalidated")
    INVALID_TOKEN = Termination(code=3500, reason="invalid token")
    BAD_REQUEST = Termination(code=3501, reason="bad request")
    STALE = Termination(code=3502, reason="stale")
    FORCE_DISCONNECT = Termination(code=3503, reason="force disconnect")
    CONNECTION_LIMIT = Termination(code=3504, reason="connection limit")
    CHANNEL_LIMIT = Termination(code=3505, reason="channel limit")
    INAPPROPRIATE_PROTOCOL = Termination(code=3506, reason="inappropriate protocol")
    PERMISSION_DENIED = Termination(code=3507, reason="permission denied")
    NOT_AVAILABLE = Termination(code=3508, reason="not available")
    TOO_MANY_ERRORS = Termination(code=3509, reason="too many errors")


class Unsubscribes:
    """Why a subscription ended. Below 2500 for good; from 2500 on the client subscribes again by itself."""

    CLIENT = Termination(code=0, reason="client unsubscribed")
    DISCONNECT = Termination(code=1, reason="disconnect")
    SERVER = Termination(code=2000, reason="server unsubscribe")
    INSUFFICIENT_STATE = Termination(code=2500, reason="insufficient state")
    EXPIRED = Termination(code=2501, reason="subscription expired")
    STATE_INVALIDATED = Termination(code=2502, reason="state invalidated")


def _errors(holder: type) -> Mapping[int, ReplyError]:
    return MappingProxyType({v.code: v for v in vars(holder).values() if isinstance(v, ReplyError)})


def _terminations(holder: type) -> Mapping[int, Termination]:
    return MappingProxyType({v.code: v for v in vars(holder).values() if isinstance(v, Termination)})


CLIENT_ERRORS: Mapping[int, ReplyError] = _errors(ClientErrors)
API_ERRORS: Mapping[int, ReplyError] = _errors(ApiErrors)
DISCONNECTS: Mapping[int, Termination] = _terminations(Disconnects)
UNSUBSCRIBES: Mapping[int, Termination] = _terminations(Unsubscribes)


class CodeOwner(enum.Enum):
    """Who decides a close code."""

    WEBSOCKET = "websocket"
    """Below 3000: RFC 6455 section 7.4."""

    GATEWAY = "gateway"
    """3000 to 3999: Centrifugo, or the embedded gateway."""

    BACKEND = "backend"
    """4000 to 4999: the application, by proxy answer or server API."""


def disconnect_code_owner(code: int) -> CodeOwner:
    """Say who decides ``code``."""
    if code < 3000:  # noqa: PLR2004 - the ranges are this module's subject
        return CodeOwner.WEBSOCKET
    return CodeOwner.GATEWAY if code < 4000 else CodeOwner.BACKEND  # noqa: PLR2004


def is_disconnect_final(code: int) -> bool:
    """Say whether the official SDKs stop reconnecting on this code: 3500-3999 and 4500-4999."""
    return any(code in final for final in _FINAL_DISCONNECT_RANGES)


def is_unsubscribe_final(code: int) -> bool:
    """Say whether the official SDKs leave the channel for good; from 2500 on they subscribe again."""
    return code < _FIRST_RESUBSCRIBING_CODE
