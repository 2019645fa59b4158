"""``cadenza signup``: make an account, or give the anonymous user who is signed in an address and a password.

Above: ``cli.app``. Below: ``cli.joining``, ``cli.session`` for the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import (
    CODE_STDIN,
    EMAIL,
    OVER_WEBSOCKET,
    PASSWORD_STDIN,
    PROFILE,
    STORE,
    SUPABASE_URL,
    WS_URL,
    Store,
)

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from cadenza.cli.joining import Wish
    from cadenza.cli.prompts import Asker
    from cadenza.cli.session import Api

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "signup",
        epilog=examples(
            "cadenza signup --email you@example.com",
            "cadenza signup --email you@example.com --password-stdin < password.txt",
            "cadenza login --anonymous; cadenza signup --anonymous --email you@example.com",
        ),
    )(signup)


def signup(
    *,
    email: Annotated[str | None, EMAIL] = None,
    password_stdin: Annotated[bool, PASSWORD_STDIN] = False,
    code: Annotated[bool, typer.Option("--code", help="Without a password: by a mail, whose code is typed.")] = False,
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Insist that an anonymous user is signed in, who is kept.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Make a new user, even if an anonymous one is signed in.")] = False,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    store: Annotated[Store | None, STORE] = None,
    ws_url: Annotated[str | None, WS_URL] = None,
    supabase_url: Annotated[str | None, SUPABASE_URL] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Sign up, and sign in.

    An anonymous user who is signed in is kept, with all that is theirs, and gets the address and the password. Where
    the address must be confirmed first, a mail comes: type its code, or follow its link. For an account at google,
    github and the like: cadenza login --provider.
    """
    if anonymous and new:
        raise typer.BadParameter("one keeps the user and the other does not", param_hint=["--anonymous", "--new"])
    from cadenza.cli.joining import Wish
    from cadenza.cli.loops import run
    from cadenza.cli.prompts import Asker
    from cadenza.cli.session import open_for_sign_in

    wish = Wish(
        email=email, password_stdin=password_stdin, by_code=code, over_websocket=over_websocket, as_json=as_json
    )
    opened = open_for_sign_in(as_json=as_json, profile=profile, store=store, ws_url=ws_url, supabase_url=supabase_url)
    run(_signup(opened, wish, Asker(code_stdin=code_stdin), keep=None if not new and not anonymous else anonymous))


async def _signup(opened: AbstractAsyncContextManager[Api], wish: Wish, asker: Asker, *, keep: bool | None) -> None:
    from cadenza.cli.entering import show_signed_in
    from cadenza.cli.joining import Joining
    from cadenza.cli.output import json_text, say
    from cadenza.cli.program import command
    from cadenza.errors import ConfigurationError

    async with opened as api:
        session = api.client.auth.session
        is_anonymous = session is not None and session.is_anonymous
        if keep and not is_anonymous:
            raise ConfigurationError(
                "No anonymous user is signed in.",
                setting="--anonymous",
                next_step="Leave it out to make a new user; or cadenza login --anonymous first.",
            )
        await api.client.auth.prepare()
        joining = Joining(auth=api.client.auth, wish=wish, asker=asker)
        email = await joining.ask_email()
        upgrades = is_anonymous and keep is not False
        joined = await api.do(joining.upgrade(email) if upgrades else joining.sign_up(email))
        if joined is not None:
            show_signed_in(api.client, joined, as_json=wish.as_json)
        elif wish.as_json:
            say(json_text({"email": email, "needsConfirmation": True}))
        else:
            then = command("whoami") if upgrades else command("login", "--email", email)
            say(f"Almost: follow the link in the mail to {email}, then: {then}")
