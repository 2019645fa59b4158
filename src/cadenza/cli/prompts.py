"""Asks for what a sign-in needs. A password never comes as an argument: those stand in process lists and histories.

Above: ``cli.login``. Below: the terminal, stdin, the environment it is given.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping

from cadenza.cli.input import read_line
from cadenza.errors import ConfigurationError

__all__ = ["ask_email", "ask_password"]


def ask_email(given: str | None, environ: Mapping[str, str]) -> str:
    """Return the address to sign in with: the option, ``CADENZA_EMAIL``, or asked for on a terminal.

    Raises:
        ConfigurationError: None of them, or an empty answer.
    """
    email = given or environ.get("CADENZA_EMAIL") or ""
    if not email and _can_ask():
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
    elif _can_ask():
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


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
