"""Cadenza's error codes: DDCCC, positive over RPC, negative in REST's ``errno``; one list for all rooms.

Above: backend (answers them), client (maps them), docs. Below: nothing.
18 market connector, 19 web, 22 use case, 26 authentication.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import Final

import msgspec


class Action(enum.StrEnum):
    """What a client should do with an error."""

    CORRECT = "correct the request"
    RETRY = "retry with backoff"
    WAIT = "wait for retryAfter, then retry"
    REFRESH = "refresh the session and repeat"
    SIGN_IN = "sign in"
    STEP_UP = "complete the second factor and repeat"
    CONFIRM = "confirm the e-mail address"
    ASK = "ask for the right"
    REPORT = "report it"
    GIVE_UP = "do not repeat"


class Code(enum.IntEnum):
    """Every code by name."""

    VENUE_UNKNOWN = 18000
    ORDER_TYPE_UNSUPPORTED = 18001
    ORDER_SIDE_UNSUPPORTED = 18002
    TIME_IN_FORCE_UNSUPPORTED = 18003
    EXCHANGE_ERROR = 18004
    VENUE_AUTHENTICATION = 18005
    INSUFFICIENT_FUNDS = 18006
    INVALID_ORDER = 18007
    VENUE_BAD_REQUEST = 18008
    NETWORK_ERROR = 18009
    DDOS_PROTECTION = 18010
    VENUE_RATE_LIMIT = 18011
    EXCHANGE_UNAVAILABLE = 18012
    MAINTENANCE = 18013
    REQUEST_TIMEOUT = 18015
    NOT_SUPPORTED = 18016
    SYMBOL_NOT_FOUND = 18017
    ORDER_NOT_FOUND = 18018
    POSITION_NOT_FOUND = 18019
    BALANCE_NOT_FOUND = 18020
    INVALID_API_KEY = 18022
    ORDER_REJECTED = 18025
    WEB_ERROR = 19000
    BAD_SYNTAX = 19001
    UNAUTHORIZED = 19002
    METHOD_NOT_FOUND = 19003
    FORM_INVALID = 19004
    INVALID_JSON = 19005
    SERVICE_UNAVAILABLE = 19006
    INTERNAL = 22000
    LOCK_NOT_ACQUIRED = 22014
    INVALID_ARGUMENT = 22015
    NOT_FOUND = 22016
    ALREADY_EXISTS = 22017
    STATE_CONFLICT = 22018
    IDEMPOTENCY_MISMATCH = 22019
    RATE_LIMITED = 22020
    SIGN_IN_REQUIRED = 26001
    CREDENTIALS_REFUSED = 26002
    TOKEN_EXPIRED = 26003
    TOKEN_INVALID = 26004
    ACCESS_DENIED = 26005
    SECOND_FACTOR_REQUIRED = 26006
    SESSION_REVOKED = 26007
    TOO_MANY_ATTEMPTS = 26008
    EMAIL_NOT_CONFIRMED = 26009
    WEAK_PASSWORD = 26010
    USER_EXISTS = 26011
    ONE_TIME_CODE_REFUSED = 26012


class CodeEntry(msgspec.Struct, frozen=True):
    """One row of the table. ``documented`` is False for the codes that are ours."""

    code: Code
    http_status: int
    meaning: str
    temporary: bool
    action: Action
    documented: bool = True


def _row(
    code: Code, status: int, meaning: str, action: Action, *, temporary: bool = False, ours: bool = False
) -> CodeEntry:
    return CodeEntry(code, status, meaning, temporary, action, not ours)


_ROWS: Final = (
    _row(Code.VENUE_UNKNOWN, 500, "unknown error at the venue", Action.REPORT),
    _row(Code.ORDER_TYPE_UNSUPPORTED, 400, "order type unsupported", Action.CORRECT),
    _row(Code.ORDER_SIDE_UNSUPPORTED, 400, "order side unsupported", Action.CORRECT),
    _row(Code.TIME_IN_FORCE_UNSUPPORTED, 400, "time in force unsupported", Action.CORRECT),
    _row(Code.EXCHANGE_ERROR, 502, "exchange error", Action.RETRY, temporary=True),
    _row(Code.VENUE_AUTHENTICATION, 401, "the venue refused the credential", Action.CORRECT),
    _row(Code.INSUFFICIENT_FUNDS, 400, "insufficient funds", Action.CORRECT),
    _row(Code.INVALID_ORDER, 400, "invalid order", Action.CORRECT),
    _row(Code.VENUE_BAD_REQUEST, 400, "bad request", Action.CORRECT),
    _row(Code.NETWORK_ERROR, 502, "network error", Action.RETRY, temporary=True),
    _row(Code.DDOS_PROTECTION, 503, "DDoS protection", Action.RETRY, temporary=True),
    _row(Code.VENUE_RATE_LIMIT, 429, "rate limit exceeded", Action.WAIT, temporary=True),
    _row(Code.EXCHANGE_UNAVAILABLE, 503, "exchange unavailable", Action.RETRY, temporary=True),
    _row(Code.MAINTENANCE, 503, "maintenance", Action.RETRY, temporary=True),
    _row(Code.REQUEST_TIMEOUT, 504, "request timeout", Action.RETRY, temporary=True),
    _row(Code.NOT_SUPPORTED, 501, "not supported", Action.GIVE_UP),
    _row(Code.SYMBOL_NOT_FOUND, 404, "symbol not found", Action.CORRECT),
    _row(Code.ORDER_NOT_FOUND, 404, "order not found", Action.CORRECT),
    _row(Code.POSITION_NOT_FOUND, 404, "position not found", Action.CORRECT),
    _row(Code.BALANCE_NOT_FOUND, 404, "balance not found", Action.CORRECT),
    _row(Code.INVALID_API_KEY, 401, "invalid API key", Action.CORRECT),
    _row(Code.ORDER_REJECTED, 400, "order rejected", Action.CORRECT),
    _row(Code.WEB_ERROR, 500, "web error", Action.REPORT),
    _row(Code.BAD_SYNTAX, 400, "bad request syntax", Action.CORRECT),
    _row(Code.UNAUTHORIZED, 401, "unauthorized", Action.SIGN_IN),
    _row(Code.METHOD_NOT_FOUND, 404, "method or endpoint not found", Action.CORRECT),
    _row(Code.FORM_INVALID, 400, "form validation failed", Action.CORRECT),
    _row(Code.INVALID_JSON, 400, "invalid JSON", Action.CORRECT),
    _row(Code.SERVICE_UNAVAILABLE, 503, "service unavailable", Action.RETRY, temporary=True),
    _row(Code.INTERNAL, 500, "internal error", Action.REPORT),
    _row(Code.LOCK_NOT_ACQUIRED, 503, "lock not acquired", Action.RETRY, temporary=True),
    _row(Code.INVALID_ARGUMENT, 400, "invalid argument", Action.CORRECT),
    _row(Code.NOT_FOUND, 404, "not found", Action.CORRECT),
    _row(Code.ALREADY_EXISTS, 409, "already exists", Action.CORRECT, ours=True),
    _row(Code.STATE_CONFLICT, 409, "the state does not allow it", Action.CORRECT, ours=True),
    _row(Code.IDEMPOTENCY_MISMATCH, 409, "idempotency key reused with another payload", Action.CORRECT, ours=True),
    _row(Code.RATE_LIMITED, 429, "rate limited", Action.WAIT, temporary=True, ours=True),
    _row(Code.SIGN_IN_REQUIRED, 401, "sign-in required", Action.SIGN_IN, ours=True),
    _row(Code.CREDENTIALS_REFUSED, 401, "credentials refused", Action.CORRECT, ours=True),
    _row(Code.TOKEN_EXPIRED, 401, "token expired", Action.REFRESH, ours=True),
    _row(Code.TOKEN_INVALID, 401, "token invalid", Action.SIGN_IN, ours=True),
    _row(Code.ACCESS_DENIED, 403, "access denied", Action.ASK, ours=True),
    _row(Code.SECOND_FACTOR_REQUIRED, 403, "second factor required (aal2)", Action.STEP_UP, ours=True),
    _row(Code.SESSION_REVOKED, 401, "session revoked", Action.SIGN_IN, ours=True),
    _row(Code.TOO_MANY_ATTEMPTS, 429, "too many attempts", Action.WAIT, temporary=True, ours=True),
    _row(Code.EMAIL_NOT_CONFIRMED, 403, "e-mail address not confirmed", Action.CONFIRM, ours=True),
    _row(Code.WEAK_PASSWORD, 400, "weak password", Action.CORRECT, ours=True),
    _row(Code.USER_EXISTS, 409, "user exists", Action.SIGN_IN, ours=True),
    _row(Code.ONE_TIME_CODE_REFUSED, 400, "one-time code expired or wrong", Action.CORRECT, ours=True),
)

#: Code -> row, for every code there is.
CODES: Final = MappingProxyType({int(row.code): row for row in _ROWS})
