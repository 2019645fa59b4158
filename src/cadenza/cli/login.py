"""``cadenza login``: sign in by the best way there is, or the one that is asked for; keep the session for other verbs.

Above: ``cli.app``. Below: ``cli.picking`` (which way), ``cli.ways`` (each of them), ``cli.second_factor``,
``cli.session`` for the client.
"""

from __future__ import annotations

import os
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

    from cadenza.cli.browsing import Browsing
    from cadenza.cli.picking import Choice
    from cadenza.cli.session import Api

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "login",
        epilog=examples(
            "cadenza login",
            "cadenza login --email you@example.com",
            "cadenza login --provider github",
            "cadenza login --email you@example.com --password-stdin < password.txt",
            "cadenza login --code --email you@example.com",
            "CADENZA_EMAIL=you@example.com CADENZA_PASSWORD=... cadenza login --over-websocket",
        ),
    )(login)


def login(
    *,
    email: Annotated[str | None, EMAIL] = None,
    password: Annotated[bool, typer.Option("--password", help="By password, which is asked for.")] = False,
    password_stdin: Annotated[bool, PASSWORD_STDIN] = False,
    code: Annotated[bool, typer.Option("--code", help="By a mail, whose code or link is typed here.")] = False,
    magic_link: Annotated[
        bool, typer.Option("--magic-link", help="By a mail, whose link is followed on this machine.")
    ] = False,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="PROVIDER", help="In a browser, at google, github ...")
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="As a new user without a name; cadenza signup gives them one.")
    ] = False,
    id_token_stdin: Annotated[
        bool, typer.Option("--id-token-stdin", help="By an ID token of --provider's, from stdin.")
    ] = False,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Insist on it; whoever is signed in is asked for it alone.")
    ] = False,
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Open no browser: show the address, and take the last one pasted.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="How long to wait for a browser or a mail. [default: 300, 900]"),
    ] = None,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    store: Annotated[Store | None, STORE] = None,
    ws_url: Annotated[str | None, WS_URL] = None,
    supabase_url: Annotated[str | None, SUPABASE_URL] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Sign in, and keep the session for the other commands.

    With CADENZA_PASSWORD or --password-stdin by password; otherwise a person chooses from what the provider offers:
    a provider in the browser, a code or link by mail, a password. Over SSH the browser is on another machine: the
    address is shown, and the one it ends at is pasted. A second factor is asked for where the account has one.
    Nothing waits for a person where there is no terminal, and no secret is ever an argument.
    """
    from cadenza.cli.browsing import Browsing
    from cadenza.cli.loops import run
    from cadenza.cli.picking import Flags, chosen
    from cadenza.cli.prompts import Asker
    from cadenza.cli.session import open_for_sign_in
    from cadenza.client.settings import read_environment

    flags = Flags(
        password=password,
        password_stdin=password_stdin,
        code=code,
        magic_link=magic_link,
        provider=provider,
        anonymous=anonymous,
        id_token_stdin=id_token_stdin,
    )
    here = Browsing(
        asker=Asker(code_stdin=code_stdin),
        surroundings=read_environment(os.environ).surroundings,
        may_open=not no_browser,
        seconds=timeout,
        as_json=as_json,
    )
    opened = open_for_sign_in(as_json=as_json, profile=profile, store=store, ws_url=ws_url, supabase_url=supabase_url)
    run(
        _login(
            opened,
            chosen(flags, os.environ),
            here,
            email=email,
            password_stdin=password_stdin,
            over_websocket=over_websocket,
            second_factor=second_factor,
        )
    )


async def _login(
    opened: AbstractAsyncContextManager[Api],
    choice: Choice | None,
    here: Browsing,
    *,
    email: str | None,
    password_stdin: bool,
    over_websocket: bool,
    second_factor: bool,
) -> None:
    from cadenza.cli.entering import enter, keep_anonymous, show_signed_in
    from cadenza.cli.second_factor import rise
    from cadenza.cli.ways import Ways, flows_of

    if second_factor:
        here.asker.require_codes()  # before anybody is signed in for nothing
    async with opened as api:
        auth = api.client.auth
        mfa = flows_of(auth, over_websocket=over_websocket).mfa
        if second_factor and choice is None and auth.session is not None:
            await api.do(rise(mfa, here.asker))
        else:
            await auth.prepare()
            await keep_anonymous(auth.session, here.asker)
            ways = Ways(auth=auth, over_websocket=over_websocket, email=email, password_stdin=password_stdin, here=here)
            await api.do(enter(ways.sign_in(choice), auth, mfa, here.asker, insist=second_factor))
        if auth.session is not None:
            show_signed_in(api.client, auth.session, as_json=here.as_json)
