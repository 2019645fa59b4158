"""``cadenza whoami``: the signed-in user as the provider knows them now, and where the session belongs.

Above: ``cli.app``. Below: ``cli.session``.
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
    """Show who is signed in.

    Asks the provider, so a session that was ended elsewhere is noticed: exit code 3.
    """
    from cadenza.cli.loops import run

    run(_whoami(profile=profile, as_json=as_json))


async def _whoami(*, profile: str | None, as_json: bool) -> None:
    import time

    from cadenza.cli.moments import distance, local_time
    from cadenza.cli.output import json_text, say, show_pairs
    from cadenza.cli.session import open_api
    from cadenza.errors import SignInRequiredError

    async with open_api(as_json=as_json, profile=profile) as api:
        user = await api.do(api.client.auth.user())
        session = api.client.auth.session
        addresses = api.client.addresses
        state = api.client.auth.state
    if session is None:  # it ended between the two lines above
        raise SignInRequiredError("The session has ended.")
    ends = local_time(session.expires_at)
    if as_json:
        belongs = {"wsUrl": addresses.ws_url, "supabaseUrl": addresses.supabase_url}
        say(json_text({"user": user, "tokenExpiresAt": ends, **belongs, "sessionStore": state.store}))
        return
    skew = f"{state.clock_offset_seconds:+.0f} s" if state.clock_is_wrong else ""
    shown = {
        "E-mail": user.email or "",
        "User id": user.id or "",
        "Role": user.role or "",
        "Token ends": f"{ends}, {distance(session.expires_at - time.time())}; it is refreshed by itself",
        "Gateway": addresses.ws_url,
        "Provider": addresses.supabase_url or "through the gateway",
        "Session in": state.store,
        "Clock": skew and f"the provider's is {skew} from this machine's: set it",
    }
    show_pairs({name: value for name, value in shown.items() if value}, strong=("E-mail",))
