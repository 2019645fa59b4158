"""``cadenza login``: sign in and keep the session for the other verbs.

Above: ``cli.app``. Below: ``cli.prompts`` for the secret, ``cli.session`` for the client.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import OVER_WEBSOCKET, PROFILE, STORE, SUPABASE_URL, WS_URL, Store

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "login",
        epilog=examples(
            "cadenza login --email you@example.com",
            "cadenza login --email you@example.com --password-stdin < password.txt",
            "cadenza login --profile uat --store keyring --ws-url wss://uat.example.com/connection/websocket",
            "CADENZA_EMAIL=you@example.com CADENZA_PASSWORD=... cadenza login --over-websocket",
        ),
    )(login)


def login(
    *,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Who signs in; otherwise CADENZA_EMAIL, or asked for.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin, one line.")
    ] = False,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    store: Annotated[Store | None, STORE] = None,
    ws_url: Annotated[str | None, WS_URL] = None,
    supabase_url: Annotated[str | None, SUPABASE_URL] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Sign in, and keep the session for the other commands.

    The password is asked for without echo, read from CADENZA_PASSWORD, or with --password-stdin from stdin; it is never
    an argument. The session is kept in a file that only you can read, with the addresses it belongs to.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.prompts import ask_email, ask_password

    address = ask_email(email, os.environ)
    password = ask_password(address, os.environ, from_stdin=password_stdin)
    run(
        _login(
            address,
            password,
            over_websocket=over_websocket,
            profile=profile,
            store=store,
            ws_url=ws_url,
            supabase_url=supabase_url,
            as_json=as_json,
        )
    )


async def _login(
    email: str,
    password: str,
    *,
    over_websocket: bool,
    profile: str | None,
    store: Store | None,
    ws_url: str | None,
    supabase_url: str | None,
    as_json: bool,
) -> None:
    from cadenza.cli.moments import local_time
    from cadenza.cli.output import json_text, say
    from cadenza.cli.session import open_for_sign_in

    async with open_for_sign_in(
        as_json=as_json, profile=profile, store=store, ws_url=ws_url, supabase_url=supabase_url
    ) as api:
        auth = api.client.auth
        ways = auth.over_websocket if over_websocket else auth
        session = await api.do(ways.sign_in_with_password(email, password))
        addresses = api.client.addresses
        location = auth.state.store
    if not as_json:
        say(f"Signed in as {session.email or email}; the session is kept in {location}")
        return
    say(
        json_text(
            {
                "email": session.email or email,
                "userId": session.user_id,
                "expiresAt": local_time(session.expires_at),
                "wsUrl": addresses.ws_url,
                "supabaseUrl": addresses.supabase_url,
                "sessionStore": location,
            }
        )
    )
