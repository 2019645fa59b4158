"""``cadenza recover``: back in without the password, by a mail, and a new one.

Above: ``cli.app``. Below: ``cli.waiting``, ``cli.new_password``, ``cli.session`` for the client.
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

    from cadenza.cli.new_password import NewPassword
    from cadenza.cli.session import Api
    from cadenza.client import Auth, Session
    from cadenza.client.auth.flows import OverWebSocket

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("recover", epilog=examples("cadenza recover --email you@example.com"))(recover)


def recover(
    *,
    email: Annotated[str | None, EMAIL] = None,
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    password_stdin: Annotated[bool, PASSWORD_STDIN] = False,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    store: Annotated[Store | None, STORE] = None,
    ws_url: Annotated[str | None, WS_URL] = None,
    supabase_url: Annotated[str | None, SUPABASE_URL] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Get back in without the password, and set a new one.

    A mail comes with a link and a code: type the code, or paste the link without following it. Then the new password is
    asked for, or read from stdin, one line behind the code's. CADENZA_PASSWORD is not used: it is the old one.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.new_password import NewPassword
    from cadenza.cli.prompts import Asker
    from cadenza.cli.session import open_for_sign_in

    asker = Asker(code_stdin=code_stdin)
    opened = open_for_sign_in(as_json=as_json, profile=profile, store=store, ws_url=ws_url, supabase_url=supabase_url)
    run(
        _recover(
            opened,
            email,
            NewPassword(asker=asker, from_stdin=password_stdin, as_json=as_json),
            over_websocket=over_websocket,
        )
    )


async def _recover(
    opened: AbstractAsyncContextManager[Api], email: str | None, new: NewPassword, *, over_websocket: bool
) -> None:
    import os

    from cadenza.cli.entering import enter, keep_anonymous, show_signed_in, undone_on_error
    from cadenza.cli.prompts import ask_email
    from cadenza.cli.ways import flows_of

    new.require()  # both, before a mail is sent for nothing
    new.asker.require_codes()
    async with opened as api:
        auth = api.client.auth
        await auth.prepare()
        await keep_anonymous(auth.session, new.asker)
        address = await ask_email(email, os.environ, new.asker)
        flows = flows_of(auth, over_websocket=over_websocket)
        await api.do(enter(_back_in(flows, address, new), auth, flows.mfa, new.asker))
        async with undone_on_error(auth):
            await api.do(new.set(flows))
        if auth.session is not None:
            show_signed_in(api.client, auth.session, as_json=new.as_json)


async def _back_in(flows: Auth | OverWebSocket, email: str, new: NewPassword) -> Session:
    from cadenza.cli.output import tell
    from cadenza.cli.waiting import outcome
    from cadenza.cli.ways import MAIL_SECONDS

    async with await flows.recover(email) as pending:
        # Said for an unknown address too: the provider does not tell who is registered.
        tell(
            f"A mail is on its way to {email}, if it has an account.",
            {"event": "mail", "to": email},
            as_json=new.as_json,
        )
        return await outcome(pending, "Its code, or its link, not followed: ", new.asker, seconds=MAIL_SECONDS)
