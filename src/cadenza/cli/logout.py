"""``cadenza logout``: end the session at the provider and forget it here.

Above: ``cli.app``. Below: ``cli.session``.
"""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

__all__ = ["register"]


class Scope(enum.StrEnum):
    """Which of the user's sessions end: the provider's words."""

    LOCAL = "local"
    GLOBAL = "global"
    OTHERS = "others"


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("logout", epilog=examples("cadenza logout", "cadenza logout --scope global"))(logout)


def logout(
    *,
    scope: Annotated[
        Scope, typer.Option(help="local: this session; global: all of yours; others: all but this one.")
    ] = Scope.LOCAL,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Sign out: end the session at the provider, forget it here.

    Where nobody is signed in there is nothing to do, and that is no failure.
    """
    from cadenza.cli.loops import run

    run(_logout(scope, profile=profile, as_json=as_json))


async def _logout(scope: Scope, *, profile: str | None, as_json: bool) -> None:
    from cadenza.cli.output import json_text, say
    from cadenza.cli.session import open_api

    async with open_api(as_json=as_json, profile=profile) as api:
        session = api.client.auth.session
        if session is not None:
            await api.do(api.client.auth.sign_out(scope.value))
    if as_json:
        say(json_text({"signedOut": session is not None, "scope": scope}))
    elif session is None:
        say("Nobody was signed in.")
    else:
        who = session.email or session.user_id
        say(f"The other sessions of {who} have ended." if scope is Scope.OTHERS else f"Signed out {who}.")
