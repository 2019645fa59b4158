"""Exit codes, and which error becomes which: the one table that scripts may rely on.

Above: ``cli.app``, which ends every command through here. Below: ``cadenza.errors``, ``schema.codes``.
"""

from __future__ import annotations

import enum

from cadenza import errors

__all__ = ["MEANINGS", "Exit", "exit_for"]


class Exit(enum.IntEnum):
    """What a command's end means to a script."""

    OK = 0
    FAILED = 1
    USAGE = 2
    SIGN_IN_REQUIRED = 3
    REFUSED = 4
    TEMPORARY = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "it failed, and repeating the same command will not help",
    Exit.USAGE: "the command line, a parameter or a setting is wrong; correct it",
    Exit.SIGN_IN_REQUIRED: "nobody is signed in, or the session is over; run `cadenza login`",
    Exit.REFUSED: "the credentials were refused, or this user may not do this",
    Exit.TEMPORARY: "not reachable, too slow or too busy just now; the same command may work later",
    Exit.INTERRUPTED: "stopped by Ctrl-C before it was done",
}

#: First match wins, so a subclass stands before its base.
_BY_TYPE: tuple[tuple[type[errors.CadenzaError], Exit], ...] = (
    (errors.UsageError, Exit.USAGE),
    (errors.ConfigurationError, Exit.USAGE),
    (errors.ValidationError, Exit.USAGE),
    (errors.TokenFormatError, Exit.USAGE),
    (errors.TokenExpiredError, Exit.SIGN_IN_REQUIRED),
    (errors.TokenInvalidError, Exit.SIGN_IN_REQUIRED),
    (errors.SignInRequiredError, Exit.SIGN_IN_REQUIRED),
    (errors.AccessDeniedError, Exit.REFUSED),
)

#: The gateway's own codes (Centrifugo's): 101 unauthorized, 103 permission denied, 104 method not found,
#: 107 bad request, 109 token expired. Unknown channel (102) is a channel name mistyped.
_BY_GATEWAY_CODE = {
    101: Exit.SIGN_IN_REQUIRED,
    102: Exit.USAGE,
    103: Exit.REFUSED,
    104: Exit.USAGE,
    107: Exit.USAGE,
    109: Exit.SIGN_IN_REQUIRED,
}


def _for_backend_code(code: int | None) -> Exit:
    """What a script should make of a DDCCC code that no wait will cure."""
    from cadenza.schema.codes import CODES, Action, Code

    row = CODES.get(code or 0)
    if row is None:
        return Exit.FAILED
    if row.code in (Code.VENUE_AUTHENTICATION, Code.INVALID_API_KEY, Code.USER_EXISTS, Code.CREDENTIALS_REFUSED):
        return Exit.REFUSED
    if row.action in (Action.SIGN_IN, Action.REFRESH):
        return Exit.SIGN_IN_REQUIRED
    if row.action in (Action.STEP_UP, Action.CONFIRM, Action.ASK):
        return Exit.REFUSED
    # Bad requests and unknown methods; what is missing or in the wrong state was asked for correctly.
    if row.action is Action.CORRECT and (row.http_status == _BAD_REQUEST or row.code is Code.METHOD_NOT_FOUND):
        return Exit.USAGE
    return Exit.FAILED


_BAD_REQUEST = 400


def exit_for(error: errors.CadenzaError) -> Exit:
    """Return the exit code of a command that ended with ``error``."""
    if error.temporary:
        return Exit.TEMPORARY
    for kind, code in _BY_TYPE:
        if isinstance(error, kind):
            return code
    if isinstance(error, errors.IdentityError):
        # Here and below, not above: `cadenza --help` has no use for protocol and schema.
        from cadenza.protocol.auth import SESSION_OVER

        return Exit.SIGN_IN_REQUIRED if error.error_code in SESSION_OVER else Exit.REFUSED
    if isinstance(error, errors.RpcError):
        return _for_backend_code(error.code)
    if isinstance(error, errors.GatewayError | errors.SubscriptionError):
        return _BY_GATEWAY_CODE.get(error.code or 0) or _for_backend_code(error.code)
    return Exit.FAILED
