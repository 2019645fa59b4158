"""``cadenza logout``: end sessions at the provider, and forget this one here.

Above: ``cli.app``. Below: ``cli.session``.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

__all__ = ["register"]

#: The provider's words for which of the user's sessions end.
_THIS: Final = "local"
_ALL: Final = "global"
_OTHERS: Final = "others"


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    lines = ("cadenza logout", "cadenza logout --everywhere", "cadenza logout --others")
    app.command("logout", epilog=examples(*lines))(logout)


def logout(
    *,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="All of your sessions, on every machine; this one too.")
    ] = False,
    others: Annotated[bool, typer.Option("--others", help="All of your sessions but this one, which goes on.")] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Sign out: end the session at the provider, forget it here.

    Where nobody is signed in there is nothing to do, and that is no failure.
    """
    if everywhere and others:
        raise typer.BadParameter(
            "one ends this session and the other keeps it", param_hint=["--everywhere", "--others"]
        )
    from cadenza.cli.loops import run

    run(_logout(_ALL if everywhere else _OTHERS if others else _THIS, profile=profile, as_json=as_json))


async def _logout(scope: str, *, profile: str | None, as_json: bool) -> None:
    from cadenza.cli.output import json_text, say
    from cadenza.cli.session import open_api

    async with open_api(as_json=as_json, profile=profile) as api:
        session = api.client.auth.session
        if session is not None:
            await api.do(api.client.auth.sign_out(scope))
    if as_json:
        say(json_text({"signedOut": session is not None, "scope": scope}))
    elif session is None:
        say("Nobody was signed in.")
    else:
        who = session.email or session.user_id
        ended = {_THIS: f"Signed out {who}.", _ALL: f"Signed out {who} everywhere."}
        say(ended.get(scope, f"The other sessions of {who} have ended."))
