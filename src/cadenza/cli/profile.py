"""``cadenza profile``: several sessions on one machine, for dev, uat and prod, and which one is meant.

Above: ``cli.app``. Below: ``cli.profile_view`` shows, ``cli.profile_changes`` changes; ``client.profiles``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import STORE, Store

__all__ = ["register"]

_ONE = typer.Argument(metavar="PROFILE", help="Its name.")
_WS_URL = typer.Option("--ws-url", metavar="URL", help="The gateway.")
_SUPABASE_URL = typer.Option("--supabase-url", metavar="URL", help="The identity provider.")
_KEY_STDIN = typer.Option(
    "--publishable-key-stdin",
    help="Read the project's publishable key from stdin, one line; otherwise SUPABASE_PUBLISHABLE_KEY.",
)
_YES = typer.Option("--yes", help="Do not ask: forget the session that stands there.")


def register(app: typer.Typer) -> None:
    """Add these verbs to their group."""
    app.command("list", epilog=examples("cadenza profile list", "cadenza profile list --json"))(list_them)
    app.command("show", epilog=examples("cadenza profile show", "cadenza profile show uat"))(show)
    app.command("use", epilog=examples("cadenza profile use uat"))(use)
    app.command(
        "add",
        epilog=examples(
            "cadenza profile add uat --ws-url wss://uat.example.com/connection/websocket "
            "--supabase-url https://uat.example.com",
            "cadenza profile add prod --ws-url wss://live.example.com/connection/websocket --store keyring",
            "cadenza profile add dev",
        ),
    )(add)
    app.command(
        "set",
        epilog=examples(
            "cadenza profile set uat --ws-url wss://uat2.example.com/connection/websocket",
            "cadenza profile set uat --publishable-key-stdin < key.txt",
        ),
    )(set_it)
    app.command("remove", epilog=examples("cadenza profile remove uat", "cadenza profile remove uat --yes"))(remove)


def list_them(*, as_json: Annotated[bool, JSON] = False) -> None:
    """List the profiles: who is signed in with each, and where.

    The current one, marked with *, is meant where nothing else is said.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.profile_view import show_all

    run(show_all(as_json=as_json))


def show(
    name: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="Its name; the current one if none is given.")
    ] = None,
    *,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Show a profile: its addresses, who is signed in, where the session is kept and why there.

    Nothing is asked of a network; `cadenza whoami` asks the provider.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.profile_view import show_one

    run(show_one(name, as_json=as_json))


def use(name: Annotated[str, _ONE], *, as_json: Annotated[bool, JSON] = False) -> None:
    """Make a profile the current one, for all commands that follow, in every shell.

    For one shell alone set CADENZA_PROFILE, for one command give --profile.
    """
    from cadenza.cli.profile_changes import make_current

    make_current(name, as_json=as_json)


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A new name.")],
    *,
    ws_url: Annotated[str | None, _WS_URL] = None,
    supabase_url: Annotated[str | None, _SUPABASE_URL] = None,
    publishable_key_stdin: Annotated[bool, _KEY_STDIN] = False,
    store: Annotated[Store | None, STORE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Make a profile, to sign in with later.

    An address that is not given comes from CADENZA_WS_URL or SUPABASE_URL; with none at all it is the embedded stack's.
    A gateway elsewhere needs no provider's address: sign-in then goes through the gateway.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.profile_changes import Wish, add_profile, publishable_key

    key = publishable_key(from_stdin=publishable_key_stdin)
    wish = Wish(ws_url=ws_url, supabase_url=supabase_url, store=store, key=key)
    run(add_profile(name, wish, as_json=as_json))


def set_it(
    name: Annotated[str, _ONE],
    *,
    ws_url: Annotated[str | None, _WS_URL] = None,
    supabase_url: Annotated[str | None, _SUPABASE_URL] = None,
    publishable_key_stdin: Annotated[bool, _KEY_STDIN] = False,
    store: Annotated[Store | None, STORE] = None,
    yes: Annotated[bool, _YES] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Change a profile's addresses, key or store; what is not given stays.

    A session belongs to its addresses and its store: where one stands, it is asked whether to forget it.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.profile_changes import Wish, change_profile, publishable_key

    key = publishable_key(from_stdin=publishable_key_stdin)
    wish = Wish(ws_url=ws_url, supabase_url=supabase_url, store=store, key=key)
    run(change_profile(name, wish, yes=yes, as_json=as_json))


def remove(
    name: Annotated[str, _ONE], *, yes: Annotated[bool, _YES] = False, as_json: Annotated[bool, JSON] = False
) -> None:
    """Forget a profile: its session here, its addresses, its store.

    Where a session stands it asks first. At the provider that session goes on: `cadenza logout` ends it there too.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.profile_changes import remove_it

    run(remove_it(name, yes=yes, as_json=as_json))
