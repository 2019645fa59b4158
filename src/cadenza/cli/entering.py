"""What every verb that signs in does around it: the second factor, and saying who is signed in now.

Above: ``cli.login``, ``cli.signup``, ``cli.recover``. Below: ``cli.second_factor``, ``cli.session``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable

from cadenza.cli.moments import local_time
from cadenza.cli.output import json_text, note, say
from cadenza.cli.prompts import Asker, confirm
from cadenza.cli.second_factor import rise
from cadenza.client import Auth, Client, Session
from cadenza.client.auth.mfa import Mfa
from cadenza.errors import CadenzaError

__all__ = ["enter", "keep_anonymous", "show_signed_in", "undone_on_error"]


async def enter(signing_in: Awaitable[Session], auth: Auth, mfa: Mfa, asker: Asker, *, insist: bool = False) -> Session:
    """Sign in, and give the second factor where the account has one.

    Args:
        signing_in: The way in.
        auth: The client's.
        mfa: At the provider, or over the WebSocket.
        asker: Asks for the code.
        insist: Whether a session without the second factor is none.

    Raises:
        CadenzaError: It did not work out. Nobody is signed in then, not even with one factor.
    """
    session = await signing_in
    async with undone_on_error(auth):
        return await _with_second_factor(session, mfa, asker, insist=insist)


@contextlib.asynccontextmanager
async def undone_on_error(auth: Auth) -> AsyncIterator[None]:
    """Sign out again if what belongs to the sign-in fails, or is given up by Ctrl-C."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(CadenzaError):
            await auth.sign_out()
        raise


async def _with_second_factor(session: Session, mfa: Mfa, asker: Asker, *, insist: bool) -> Session:
    if insist:
        return await rise(mfa, asker) or session
    if not session.needs_second_factor or not asker.has_codes:
        return session
    return await rise(mfa, asker, optional=asker.may_ask_again) or session


async def keep_anonymous(session: Session | None, asker: Asker) -> None:
    """Ask a person whether an anonymous user may be lost: nobody can sign in as them again.

    Raises:
        typer.Abort: They may not.
    """
    if session is None or not session.is_anonymous or not asker.is_person:
        return
    note("You are signed in without a name. That user can be kept by cadenza signup, and is lost by signing in anew.")
    await confirm("Sign in anew?", asker)


def show_signed_in(client: Client, session: Session, *, as_json: bool) -> None:
    """Say who is signed in, and where the session is kept."""
    store, addresses = client.auth.state.store, client.addresses
    if as_json:
        say(
            json_text(
                {
                    "email": session.email,
                    "userId": session.user_id,
                    "anonymous": session.is_anonymous,
                    "level": session.level,
                    "needsSecondFactor": session.needs_second_factor,
                    "expiresAt": local_time(session.expires_at),
                    "wsUrl": addresses.ws_url,
                    "supabaseUrl": addresses.supabase_url,
                    "sessionStore": store,
                }
            )
        )
        return
    who = "without a name" if session.is_anonymous else f"as {session.email or session.user_id}"
    factor = "" if session.level == "aal1" else ", with a second factor"
    say(f"Signed in {who}{factor}; the session is kept in {store}")
    if session.needs_second_factor:
        note("cadenza: The second factor is still to come: cadenza login --second-factor")
