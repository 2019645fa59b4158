"""Asks for what a sign-in needs, and whether what cannot be undone is meant.

A secret never comes as an argument: those stand in process lists and histories.

Above: the verbs that sign in, ``cli.account``, ``cli.profile``. Below: ``cli.lines``, the environment it is given.
Where nobody can be asked, whatever is missing is an error that names the option to give it by: nothing ever waits for
somebody who is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import typer

from cadenza.cli.lines import Lines, is_terminal, without_echo
from cadenza.cli.output import note, printable
from cadenza.errors import ConfigurationError, UsageError

__all__ = ["Asker", "ask_choice", "ask_email", "ask_new_password", "ask_password", "confirm", "confirm_by_typing"]


class Asker:
    """Asks at the terminal; codes are read from stdin instead, where the command says so.

    Args:
        code_stdin: Codes, links and addresses come from stdin, a line each.
    """

    def __init__(self, *, code_stdin: bool = False) -> None:
        self._code_stdin = code_stdin
        self._lines = Lines()

    @property
    def is_person(self) -> bool:
        """Whether there is somebody to ask."""
        return is_terminal()

    @property
    def has_codes(self) -> bool:
        """Whether a code can be had, from a person or from stdin."""
        return self._code_stdin or self.is_person

    @property
    def may_ask_again(self) -> bool:
        """Whether a wrong code can be put right."""
        return self.is_person and not self._code_stdin

    async def line(self, question: str) -> str:
        """Ask a person. Raises ``typer.Abort`` for Ctrl-D."""
        sys.stderr.write(printable(question))
        sys.stderr.flush()
        answer = await self._lines.next()
        if answer is None:
            raise typer.Abort
        return answer.strip()

    async def secret(self, question: str) -> str:
        """Ask a person, and do not show what they type."""
        with without_echo():
            sys.stderr.write(printable(question))
            sys.stderr.flush()
            answer = await self._lines.next()
        note("")
        if answer is None:
            raise typer.Abort
        return answer

    async def piped(self) -> str:
        """The next line of stdin; empty if there is none."""
        return await self._lines.next() or ""

    async def code(self, question: str) -> str:
        """A code, a link or an address: what was mailed, shown by an app, or where a browser ended.

        Raises:
            ConfigurationError: Nobody can be asked, or stdin has no more.
        """
        self.require_codes()
        if not self._code_stdin:
            return await self.line(question)
        if not (answer := (await self.piped()).strip()):
            raise _no_code()
        return answer

    def require_codes(self) -> None:
        """Raise ``ConfigurationError`` if nobody can be asked for one: before it is sent for nothing."""
        if not self.has_codes:
            raise _no_code()


async def ask_email(given: str | None, environ: Mapping[str, str], asker: Asker) -> str:
    """Return the address to sign in with: the option, ``CADENZA_EMAIL``, or asked for on a terminal.

    Raises:
        ConfigurationError: None of them, or an empty answer.
    """
    email = given or environ.get("CADENZA_EMAIL") or ""
    if not email and asker.is_person:
        email = await asker.line("E-mail: ")
    if not email.strip():
        raise ConfigurationError(
            "No e-mail address was given.", setting="--email", next_step="Give --email, or set CADENZA_EMAIL."
        )
    return email.strip()


async def ask_password(question: str, environ: Mapping[str, str], asker: Asker, *, from_stdin: bool) -> str:
    """Return the password: one line of stdin, ``CADENZA_PASSWORD``, or asked for without echo; empty if none is typed.

    Raises:
        ConfigurationError: None of them.
    """
    if from_stdin:
        password = await asker.piped()
    elif environ.get("CADENZA_PASSWORD"):
        password = environ["CADENZA_PASSWORD"]
    elif asker.is_person:
        return await asker.secret(question)
    else:
        password = ""
    if not password:
        raise _no_password()
    return password


async def ask_new_password(environ: Mapping[str, str], asker: Asker, *, from_stdin: bool) -> str:
    """The same for a password that is about to be: a person types it twice.

    Raises:
        ConfigurationError: There is none.
    """
    if from_stdin or environ.get("CADENZA_PASSWORD") or not asker.is_person:
        return await ask_password("", environ, asker, from_stdin=from_stdin)
    while True:
        password = await asker.secret("New password: ")
        if not password:
            raise _no_password()
        if await asker.secret("The same again: ") == password:
            return password
        note("These two differ.")


async def ask_choice(question: str, choices: Sequence[str], asker: Asker) -> int:
    """Have a person choose; return the place of the choice. Enter alone takes the first."""
    note(question)
    for number, choice in enumerate(choices, 1):
        note(f"  {number}  {choice}")
    while True:
        answer = await asker.line("Which? [1] ") or "1"
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(choices):
            return int(answer) - 1
        note(f"A number from 1 to {len(choices)}, please.")


def _no_password() -> ConfigurationError:
    """The error for a password that is needed and was not given."""
    return ConfigurationError(
        "No password was given.",
        setting="--password-stdin",
        next_step="Set CADENZA_PASSWORD, or pipe it into --password-stdin.",
    )


def _no_code() -> ConfigurationError:
    return ConfigurationError(
        "No code was given.",
        setting="--code-stdin",
        next_step="Run it at a terminal, or pipe the code, the link or the address into --code-stdin.",
    )


async def confirm(question: str, asker: Asker) -> None:
    """Have a person say yes; Enter alone is no. Raises ``typer.Abort`` for no."""
    if (await asker.line(f"{question} [y/N] ")).casefold() not in {"y", "yes"}:
        raise typer.Abort


async def confirm_by_typing(wanted: str, question: str, asker: Asker) -> None:
    """Have a word typed before what cannot be undone.

    Raises:
        UsageError: Another one was typed, or nobody can be asked.
    """
    if not asker.is_person:
        raise UsageError("This cannot be undone, and nobody can be asked here.", next_step="Say --yes if it is meant.")
    if (await asker.line(f"{question}: ")).casefold() != wanted.casefold():
        raise UsageError("That is something else; nothing was done.", next_step="Try again, and type it as it stands.")
