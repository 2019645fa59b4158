"""``cadenza whoami``: the signed-in user as the provider knows them now, and how it stands with their session.

Above: ``cli.app``. Below: ``cli.session``, ``cli.standing`` for what is shown.
"""

from __future__ import annotations

from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("whoami", epilog=examples("cadenza whoami", "cadenza whoami --json"))(whoami)


def whoami(*, profile: Annotated[str | None, PROFILE] = None, as_json: Annotated[bool, JSON] = False) -> None:
    """Show who is signed in, how, until when, and where the session is kept.

    Asks the provider, so a session that was ended elsewhere is noticed: exit code 3.
    """
    from cadenza.cli.loops import run

    run(_whoami(profile=profile, as_json=as_json))


async def _whoami(*, profile: str | None, as_json: bool) -> None:
    import time

    from cadenza.cli.output import json_text, say, show_pairs
    from cadenza.cli.session import open_api, place
    from cadenza.cli.standing import Standing
    from cadenza.errors import SignInRequiredError

    async with open_api(as_json=as_json, profile=profile) as api:
        user = await api.do(api.client.auth.user())
        session = api.client.auth.session
        state = api.client.auth.state
        addresses = api.client.addresses
    if session is None:  # it ended between the two lines above
        raise SignInRequiredError("The session has ended.")
    standing = Standing(user=user, session=session, state=state, addresses=addresses, store_why=place(profile).why)
    if as_json:
        say(json_text(standing.described()))
    else:
        show_pairs(standing.shown(time.time()), strong=("E-mail",))
