"""Asks for what a sign-in needs, and whether what cannot be undone is meant.

A password never comes as an argument: those stand in process lists and histories.

Above: ``cli.login``, ``cli.account``. Below: the terminal, stdin, the environment it is given.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping

from cadenza.cli.input import read_line
from cadenza.cli.output import printable
from cadenza.errors import ConfigurationError, UsageError

__all__ = ["ask_code", "ask_email", "ask_password", "can_ask", "confirm_by_typing"]


def ask_email(given: str | None, environ: Mapping[str, str]) -> str:
    """Return the address to sign in with: the option, ``CADENZA_EMAIL``, or asked for on a terminal.

    Raises:
        ConfigurationError: None of them, or an empty answer.
    """
    email = given or environ.get("CADENZA_EMAIL") or ""
    if not email and can_ask():
        sys.stderr.write("E-mail: ")
        sys.stderr.flush()
        email = read_line()
    if not email.strip():
        raise ConfigurationError(
            "No e-mail address was given.", setting="--email", next_step="Give --email, or set CADENZA_EMAIL."
        )
    return email.strip()


def ask_password(email: str, environ: Mapping[str, str], *, from_stdin: bool) -> str:
    """Return the password: one line of stdin, ``CADENZA_PASSWORD``, or asked for without echo.

    Raises:
        ConfigurationError: None of them, or an empty answer.
    """
    if from_stdin:
        password = read_line()
    elif environ.get("CADENZA_PASSWORD"):
        password = environ["CADENZA_PASSWORD"]
    elif can_ask():
        password = getpass.getpass(f"Password of {email}: ", stream=sys.stderr)
    else:
        password = ""
    if not password:
        raise ConfigurationError(
            "No password was given.",
            setting="--password-stdin",
            next_step="Set CADENZA_PASSWORD, or pipe it into --password-stdin.",
        )
    return password


def confirm_by_typing(wanted: str, question: str) -> None:
    """Have a word typed before what cannot be undone.

    Raises:
        UsageError: Another one was typed, or nobody can be asked.
    """
    if not can_ask():
        raise UsageError("This cannot be undone, and nobody can be asked here.", next_step="Say --yes if it is meant.")
    sys.stderr.write(f"{printable(question)}: ")
    sys.stderr.flush()
    if read_line().strip().lower() != wanted.lower():
        raise UsageError("That is something else; nothing was done.", next_step="Try again, and type it as it stands.")


def ask_code() -> str:
    """Return the code of a mail, typed without echo.

    Raises:
        UsageError: None was typed.
    """
    code = getpass.getpass("Code: ", stream=sys.stderr).strip()
    if not code:
        raise UsageError("No code was typed; nothing was done.", next_step="Try again, with the code of the mail.")
    return code


def can_ask() -> bool:
    """Tell whether somebody sits at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()
