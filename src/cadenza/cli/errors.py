"""One line on stderr for whatever ended a command: what happened, and what to do next.

Above: ``cli.app``. Below: ``cli.exits`` for the code. With ``--json`` the line is an object. A traceback is shown only
with ``CADENZA_DEBUG``, and nothing that looks like a token is ever repeated.
"""

from __future__ import annotations

import math
import re
import sys
import traceback
from collections.abc import Mapping

import typer

from cadenza import errors
from cadenza.cli.colours import Style
from cadenza.cli.exits import Exit, exit_for
from cadenza.cli.output import json_text, note

__all__ = ["next_step", "report", "report_usage", "warn"]

#: A JSON Web Token begins with an encoded ``{"``; the caller may have pasted one where it does not belong.
_TOKEN = re.compile(r"eyJ[\w-]+(?:\.[\w-]*)*")

#: What to do next in the words of this program, where an error says no more than its class does, and that to
#: programmers. First match wins.
_NEXT_STEPS: tuple[tuple[type[errors.CadenzaError], str], ...] = (
    (errors.DeadlineExceededError, "Try again, or allow more time with --timeout where the command has it."),
    (errors.DisconnectedError, ""),
    (errors.MessageTooBigError, ""),
    (
        errors.SecondFactorRequiredError,
        "Give it first: cadenza login --second-factor. At a terminal the command asks for it by itself.",
    ),
    (
        errors.TransportError,
        "Check that a stack is running (cadenza up) and that CADENZA_WS_URL and SUPABASE_URL name it.",
    ),
)

#: The same for the identity provider's words (Supabase Auth's error codes).
_PROVIDER_NEXT_STEPS = {
    "anonymous_provider_disabled": "Sign up with an address: cadenza signup",
    "email_exists": "Sign in with it: cadenza login. If the password is forgotten: cadenza recover",
    "email_not_confirmed": "Follow the link in the confirmation mail, then sign in. For another mail: cadenza signup",
    "insufficient_aal": "Give the second factor: cadenza login --second-factor",
    "invalid_credentials": "Check the address and the password. If it is forgotten: cadenza recover",
    "mfa_factor_name_conflict": "Give it another name: cadenza mfa enroll NAME",
    "mfa_verification_failed": "Type the code that the app shows now. If it stays refused, set the phone's clock.",
    "current_password_invalid": "That is not the old password. If it is forgotten: cadenza recover",
    "current_password_required": "Give the old one in CADENZA_PASSWORD, or run it at a terminal.",
    "otp_disabled": "If the address has no account yet: cadenza signup",
    "otp_expired": "The code or link is wrong, used or too old: take the newest one, or ask for another.",
    "reauthentication_needed": "Sign in again with cadenza login, then repeat it; at a terminal a mailed code does.",
    "reauthentication_not_valid": "The code is wrong, used or too old: run it again for another mail.",
    "same_password": "Choose another one.",
    "signup_disabled": "Ask who runs the provider for an account.",
    "too_many_enrolled_mfa_factors": "Remove one: cadenza mfa list, then cadenza mfa remove",
    "user_already_exists": "Sign in: cadenza login. If the password is forgotten: cadenza recover",
    "weak_password": "Choose a longer one, or one with other kinds of characters.",
}


def report(error: BaseException, *, as_json: bool, environ: Mapping[str, str]) -> int:
    """Say on stderr what ended the command, and return its exit code."""
    if environ.get("CADENZA_DEBUG"):
        sys.stderr.write(_without_tokens("".join(traceback.format_exception(error))))
    if isinstance(error, errors.CadenzaError):
        code = exit_for(error)
        _say(_described(error, code), code, as_json=as_json)
        return code
    # A fault of ours. Its text may hold anything, so only its kind is told.
    unexpected = {
        "type": type(error).__name__,
        "message": f"An unexpected {type(error).__name__} ended the command.",
        "nextStep": "Run it again with CADENZA_DEBUG=1 to see where, and report it.",
    }
    _say(unexpected, Exit.FAILED, as_json=as_json)
    return Exit.FAILED


def report_usage(problem: typer.TyperException, *, as_json: bool) -> int:
    """Say on stderr what is wrong with the command line, and return its exit code."""
    context = getattr(problem, "ctx", None)
    command = context.command_path if context is not None else "cadenza"
    message = problem.format_message()
    if "unexpected extra argument" in message:
        # The extra word may be a password that somebody took for an argument: it is not repeated.
        message = "There is an argument too many."
    described = {
        "type": "UsageError",
        "message": message if message.endswith((".", "?", "!")) else message + ".",
        "nextStep": f"See: {command} --help",
    }
    _say(described, Exit.USAGE, as_json=as_json)
    return Exit.USAGE


def warn(error: errors.CadenzaError) -> None:
    """Say on stderr what happened and what to do next, for a command that goes on after it."""
    described = {**_described(error, exit_for(error)), "field": None}  # it was just asked for
    note(_one_line(_wrong(described)), Style.WARNING, then=_one_line(str(described.get("nextStep", ""))))


def _described(error: errors.CadenzaError, code: Exit) -> dict[str, object]:
    """Collect what is known of an error, most telling first; what is absent is left out."""
    known: dict[str, object] = {
        "type": type(error).__name__,
        "message": error.message,
        "code": error.code,
        "temporary": error.temporary,
        "nextStep": _next_step(error, code),
    }
    attributes = {
        "field": "field",
        "setting": "setting",
        "channel": "channel",
        "retryAfter": "retry_after_seconds",
        "status": "status",
        "errorCode": "error_code",
        "offsetSeconds": "offset_seconds",
        "location": "location",
    }
    known.update({name: getattr(error, attribute, None) for name, attribute in attributes.items()})
    return {name: value for name, value in known.items() if value not in (None, "")}


def next_step(error: errors.CadenzaError) -> str:
    """Return what to do about an error, in the words of this program."""
    return _next_step(error, exit_for(error))


def _next_step(error: errors.CadenzaError, code: Exit) -> str:
    if isinstance(error, errors.IdentityError) and error.error_code in _PROVIDER_NEXT_STEPS:
        return _PROVIDER_NEXT_STEPS[error.error_code]
    if getattr(error, "retry_after_seconds", None) is not None:
        return "Then try again."  # the sentence before says how long to wait
    if code is Exit.SIGN_IN_REQUIRED and "cadenza login" not in error.next_step:
        return "Sign in: cadenza login"
    if isinstance(error, errors.SessionStoreError):
        return _with_options(error)
    if error.next_step != error.default_next_step:
        return error.next_step
    return next((step for kind, step in _NEXT_STEPS if isinstance(error, kind)), "") or error.next_step


def _with_options(error: errors.SessionStoreError) -> str:
    """The other place for a session, by this program's option in place of the SDK's argument."""
    from cadenza.client.auth.stores.ports import OTHER_PLACES

    in_keyring = error.location.startswith("the system's keyring")
    other = "--store file, a file that only you can read" if in_keyring else "--store keyring, the system's"
    return error.next_step.replace(
        OTHER_PLACES, f"cadenza login {other}; in CI set CADENZA_ACCESS_TOKEN and CADENZA_REFRESH_TOKEN"
    )


def _say(described: Mapping[str, object], code: int, *, as_json: bool) -> None:
    if as_json:
        note(_one_line(json_text({"error": described, "exitCode": code})))
    else:
        note(f"cadenza: {_one_line(_wrong(described))}", Style.BAD, then=_one_line(str(described.get("nextStep", ""))))


def _wrong(described: Mapping[str, object]) -> str:
    """What is wrong, in a sentence; what to do next stands behind it."""
    message = str(described["message"])
    for name in ("field", "setting", "channel"):
        named = described.get(name)
        if named is not None and str(named) not in message:
            message = f"{named}: {message}"
    if "code" in described:
        message = f"{message.rstrip('.')} (code {described['code']})."
    if "retryAfter" in described:
        message = f"{message} Wait {math.ceil(float(str(described['retryAfter'])))} s."
    return message


def _one_line(text: str) -> str:
    return _without_tokens(" ".join(text.splitlines()))


def _without_tokens(text: str) -> str:
    return _TOKEN.sub("<token>", text)
