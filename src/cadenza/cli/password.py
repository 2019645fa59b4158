"""``cadenza password``: a new password for whoever is signed in.

Above: ``cli.app``. Below: ``cli.new_password``, ``cli.session``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import CODE_STDIN, PASSWORD_STDIN, PROFILE

if TYPE_CHECKING:
    from cadenza.cli.new_password import NewPassword

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    lines = ("cadenza password", "cadenza password --password-stdin < new.txt")
    app.command("password", epilog=examples(*lines))(password)


def password(
    *,
    password_stdin: Annotated[bool, PASSWORD_STDIN] = False,
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Set a new password; your sessions elsewhere end.

    What the provider wants beside it is asked for: a code that it mails, a second factor, the old password, for which
    CADENZA_PASSWORD is used if it is set. Who has forgotten the old one: cadenza recover.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.new_password import NewPassword
    from cadenza.cli.prompts import Asker

    run(_password(NewPassword(asker=Asker(code_stdin=code_stdin), from_stdin=password_stdin, as_json=as_json), profile))


async def _password(new: NewPassword, profile: str | None) -> None:
    from cadenza.cli.output import json_text, say
    from cadenza.cli.session import open_api
    from cadenza.errors import SignInRequiredError, UsageError

    async with open_api(as_json=new.as_json, profile=profile) as api:
        session = api.client.auth.session
        if session is None:
            raise SignInRequiredError("Nobody is signed in.")
        if session.is_anonymous:
            raise UsageError("An anonymous user has no password.", next_step="Give them an address: cadenza signup")
        await api.do(new.set(api.client.auth))
    if new.as_json:
        say(json_text({"email": session.email, "userId": session.user_id, "changed": True}))
    else:
        say(f"The password of {session.email or session.user_id} is changed. Sessions elsewhere have ended.")
