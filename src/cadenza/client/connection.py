"""What each code leads to, and what is reported of a connection.

Above: ``supervisor`` (acts on the table), ``events`` (hands the reports to the user). Below: ``ports``, ``errors``,
``protocol.codes``.

The table ``RULES`` is data and is read from the top: the first row that fits decides. ``docs/reference/codes.md`` is
written from it. Sources: "Codes" in the project's decisions; Centrifugo's client protocol codes.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from cadenza.client.ports import MESSAGE_LIMIT_BYTES, TOO_BIG, Cause, Plane
from cadenza.errors import (
    AccessDeniedError,
    CadenzaError,
    DisconnectedError,
    GatewayError,
    MessageTooBigError,
    SessionRevokedError,
    SignInRequiredError,
    TransportError,
)
from cadenza.protocol.codes import DISCONNECTS, SESSION_REVOKED


class NextStep(enum.Enum):
    """What the SDK does next by itself. The value is the sentence for a person."""

    CONNECT = "connects"
    RECONNECT = "reconnects with backoff"
    REFRESH = "refreshes the session, then reconnects with backoff"
    RETRY = "tries again"
    SIGN_IN = "stops: sign in again"
    STOP = "stops: a typed error says why"
    NOTHING = "does nothing"

    @property
    def is_final(self) -> bool:
        """Whether only the caller can go on from here."""
        return self in {NextStep.SIGN_IN, NextStep.STOP}


class When(enum.Enum):
    """What must hold beside the code. The value is the sentence for a person."""

    ALWAYS = ""
    FIRST = "the first time"
    AGAIN = "again, for a newer token"
    WITHOUT_TOKEN = "when no token was sent"  # noqa: S105 - words, not a secret
    REPEATEDLY = "for the third time in a minute"
    TEMPORARY = "marked as temporary"
    SAYS_EXPIRED = 'with the words "token expired", the first time'
    SAYS_EXPIRED_AGAIN = 'with the words "token expired", again, for a newer token'


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What the table asks beside the code.

    Attributes:
        token_sent: Whether this connection carries a token.
        renewed: Whether the token refused now was fetched because the one before it was refused.
        repeats: How often this code came within the last minute, this time included.
    """

    token_sent: bool = True
    renewed: bool = False
    repeats: int = 1


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    Attributes:
        plane: How the code arrives.
        codes: The codes this row is about.
        when: What must hold besides.
        next_step: What the SDK does.
        error: What calls and subscriptions raise once the SDK has stopped; what ``on_error`` sees otherwise.
        meaning: What happened, in a sentence's words.
        at_least_seconds: The shortest wait before the next attempt, where trying at once would waste the chance.
    """

    plane: Plane
    codes: tuple[int, ...] | range
    when: When = When.ALWAYS
    next_step: NextStep
    error: type[CadenzaError]
    meaning: str
    at_least_seconds: float = 0.0


_D, _E, _W, _N = Plane.DISCONNECT, Plane.CONNECT_ERROR, When, NextStep
_TRIPPED: Final = 3


def _closed(*codes: int, next_step: NextStep = _N.RECONNECT) -> tuple[Rule, ...]:
    """A row for each of Centrifugo's own codes, meaning what Centrifugo says it does."""
    return tuple(
        Rule(plane=_D, codes=(code,), next_step=next_step, error=DisconnectedError, meaning=DISCONNECTS[code].reason)
        for code in codes
    )


RULES: Final[tuple[Rule, ...]] = (
    # The gateway cannot tell a bad token from keys it could not fetch (A1): a second opinion, with a newer token.
    Rule(
        plane=_D,
        codes=(3500,),
        when=_W.AGAIN,
        next_step=_N.SIGN_IN,
        error=SignInRequiredError,
        meaning="token refused",
    ),
    Rule(
        plane=_D,
        codes=(3500,),
        when=_W.FIRST,
        next_step=_N.REFRESH,
        error=DisconnectedError,
        meaning="token refused",
        at_least_seconds=1.0,
    ),
    # A fresh token that is "expired" means a wrong clock, or an `nbf` ahead (A9): reported with the offset.
    Rule(
        plane=_E,
        codes=(109,),
        when=_W.AGAIN,
        next_step=_N.SIGN_IN,
        error=SignInRequiredError,
        meaning="token expired",
    ),
    Rule(plane=_E, codes=(109,), when=_W.FIRST, next_step=_N.REFRESH, error=GatewayError, meaning="token expired"),
    Rule(
        plane=_E,
        codes=range(2000),
        when=_W.SAYS_EXPIRED_AGAIN,
        next_step=_N.SIGN_IN,
        error=SignInRequiredError,
        meaning="token expired, under another code",
    ),
    Rule(
        plane=_E,
        codes=range(2000),
        when=_W.SAYS_EXPIRED,
        next_step=_N.REFRESH,
        error=GatewayError,
        meaning="token expired, under another code",
    ),
    # The token's form was checked before it was sent, so this is the server's own trouble.
    Rule(plane=_E, codes=(100,), next_step=_N.RECONNECT, error=GatewayError, meaning="the server could not tell"),
    Rule(
        plane=_E,
        codes=range(2000),
        when=_W.TEMPORARY,
        next_step=_N.RECONNECT,
        error=GatewayError,
        meaning="an error the server calls temporary",
    ),
    Rule(plane=_E, codes=range(2000), next_step=_N.STOP, error=GatewayError, meaning="any other error"),
    *_closed(3005, 3006, next_step=_N.REFRESH),
    Rule(
        plane=_D,
        codes=(3501,),
        when=_W.WITHOUT_TOKEN,
        next_step=_N.SIGN_IN,
        error=SignInRequiredError,
        meaning="anonymous connections are not let in",
    ),
    Rule(plane=_D, codes=(3507,), next_step=_N.STOP, error=AccessDeniedError, meaning="permission denied"),
    *_closed(3000, 3001, 3004, *range(3008, 3015), 3502),
    *_closed(3501, 3503, 3504, 3505, 3506, 3508, 3509, next_step=_N.STOP),
    Rule(
        plane=_D,
        codes=(TOO_BIG,),
        when=_W.REPEATEDLY,
        next_step=_N.STOP,
        error=MessageTooBigError,
        meaning="a message was too big",
    ),
    Rule(
        plane=_D,
        codes=(TOO_BIG,),
        next_step=_N.RECONNECT,
        error=MessageTooBigError,
        meaning="a message was too big; it is not sent again",
    ),
    Rule(
        plane=_D,
        codes=(SESSION_REVOKED.code,),
        next_step=_N.SIGN_IN,
        error=SessionRevokedError,
        meaning="the session was ended elsewhere",
    ),
    Rule(
        plane=_D,
        codes=range(3000),
        next_step=_N.RECONNECT,
        error=TransportError,
        meaning="the connection was lost, or could not be made",
    ),
    Rule(
        plane=_D,
        codes=range(3000, 3500),
        next_step=_N.RECONNECT,
        error=DisconnectedError,
        meaning="any other code of the gateway",
    ),
    Rule(
        plane=_D,
        codes=range(3500, 4000),
        next_step=_N.STOP,
        error=DisconnectedError,
        meaning="any other final code of the gateway",
    ),
    Rule(
        plane=_D,
        codes=range(4000, 4500),
        next_step=_N.RECONNECT,
        error=DisconnectedError,
        meaning="a code of the backend",
    ),
    Rule(
        plane=_D,
        codes=range(4500, 5000),
        next_step=_N.STOP,
        error=DisconnectedError,
        meaning="a final code of the backend",
    ),
)


def decide(cause: Cause, circumstances: Circumstances) -> Rule:
    """Find the row that says what to do. A code outside every range is a lost connection: reconnect."""
    for rule in RULES:
        if rule.plane is cause.plane and cause.code in rule.codes and _holds(rule.when, cause, circumstances):
            return rule
    return _UNHEARD_OF


_UNHEARD_OF: Final = Rule(
    plane=_D, codes=(), next_step=_N.RECONNECT, error=TransportError, meaning="a code outside every range"
)


def _holds(when: When, cause: Cause, circumstances: Circumstances) -> bool:
    says_expired = "token expired" in cause.reason.lower()
    return {
        _W.ALWAYS: True,
        _W.FIRST: not circumstances.renewed,
        _W.AGAIN: circumstances.renewed,
        _W.WITHOUT_TOKEN: not circumstances.token_sent,
        _W.REPEATEDLY: circumstances.repeats >= _TRIPPED,
        _W.TEMPORARY: cause.temporary,
        _W.SAYS_EXPIRED: says_expired and not circumstances.renewed,
        _W.SAYS_EXPIRED_AGAIN: says_expired and circumstances.renewed,
    }[when]


def error_for(rule: Rule, cause: Cause) -> CadenzaError:
    """The typed error of a row, with the code and the words that came."""
    final = rule.next_step.is_final
    message = f"The gateway: {rule.meaning}: {cause}."
    if rule.error is MessageTooBigError:
        return MessageTooBigError(message, limit_bytes=MESSAGE_LIMIT_BYTES)
    if rule.error is DisconnectedError:
        step = "See docs/reference/codes.md for what the code asks of you." if final else None
        return DisconnectedError(message, code=cause.code, reason=cause.reason, temporary=not final, next_step=step)
    if rule.error in {TransportError, GatewayError}:
        return rule.error(message, code=cause.code, temporary=not final)
    return rule.error(message, code=cause.code)


# What is reported. The first fields are those of centrifuge-python's contexts, so that a handler written for it works.


class Connecting(msgspec.Struct, frozen=True, kw_only=True):
    """A connection attempt begins.

    Attributes:
        code: Why: 0 when it was asked for, else the code that ended the connection before.
        reason: The same in words.
        attempt: 1 for the first since the last connection.
        next_step: What the SDK does: it connects.
    """

    code: int
    reason: str
    attempt: int
    next_step: NextStep = NextStep.CONNECT


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway has let us in.

    Attributes:
        client: The id the gateway gave this connection.
        version: What the gateway calls itself.
        data: What it sent along, if anything.
        reason: What led here, in words.
        next_step: What the SDK does: nothing.
    """

    client: str
    version: str = ""
    data: object = None
    reason: str = ""
    next_step: NextStep = NextStep.NOTHING


class Disconnected(msgspec.Struct, frozen=True, kw_only=True):
    """The connection is lost, or an attempt to make one failed.

    Attributes:
        code: The close code, or the error code of a refused connect; 0 when it was asked for.
        reason: The words that came with it.
        cause: What that means.
        next_step: What the SDK does now.
        retry_in_seconds: When, from now; None when it does nothing by itself.
        error: What calls raise from now on, if this is final.
    """

    code: int
    reason: str
    cause: str = ""
    next_step: NextStep = NextStep.NOTHING
    retry_in_seconds: float | None = None
    error: CadenzaError | None = None


class ErrorOccurred(msgspec.Struct, frozen=True, kw_only=True):
    """Something failed that does not end the connection by itself.

    Attributes:
        code: The error's code; 0 if it has none.
        error: What happened.
        next_step: What the SDK does now.
        retry_in_seconds: When, from now, if it tries again.
    """

    code: int
    error: CadenzaError
    next_step: NextStep = NextStep.NOTHING
    retry_in_seconds: float | None = None


LifecycleEvent = Connecting | Connected | Disconnected | ErrorOccurred
