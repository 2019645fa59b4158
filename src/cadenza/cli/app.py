"""Puts the verbs together and ends every one of them the same way.

Above: ``cli.main``. Below: one module a verb, ``cli.errors`` for what is said when a verb fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperGroup

from cadenza import errors
from cadenza._version import __version__
from cadenza.cli import (
    account,
    admin_token,
    backend,
    call,
    channels,
    completing,
    completion,
    demo,
    doctor,
    explain,
    gateway,
    gateway_run,
    identity,
    inbox,
    login,
    logout,
    methods,
    mfa,
    password,
    profile,
    recover,
    signup,
    token_inspect,
    up,
    watch,
    whoami,
)
from cadenza.cli.errors import report, report_usage
from cadenza.cli.exits import Exit
from cadenza.cli.help import examples
from cadenza.cli.options import GLOBAL_PROFILE, refuse_unused

__all__ = ["app", "run"]


def app() -> typer.Typer:
    """Return the whole command line, verbs in the order in which a newcomer meets them."""
    # Plain help: Rich's boxes take three times as long to draw and do not survive being copied.
    made = typer.Typer(
        name="cadenza",
        help="Cadenza: typed, secure, live data over one WebSocket.",
        epilog=examples(
            "cadenza up",
            "cadenza login --email you@example.com",
            """cadenza call query.ticker.list '{"venue": "PAPER"}'""",
            "cadenza watch market:orderbook:PAPER:BTC/USDT",
        ),
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    made.callback(invoke_without_command=True)(_root)
    for verb in (up, demo, signup, login, logout, whoami, password, recover, doctor):
        verb.register(made)
    for verb in (inbox, call, watch, methods, channels, explain, completion):
        verb.register(made)
    own = typer.Typer(rich_markup_mode=None, help="Take your data along, or delete your account.")
    account.register(own)
    made.add_typer(own, name="account")
    factors = typer.Typer(rich_markup_mode=None, help="Second factors: an authenticator app beside the password.")
    mfa.register(factors)
    made.add_typer(factors, name="mfa")
    profiles = typer.Typer(rich_markup_mode=None, help="Keep several sessions apart: dev, uat, prod.")
    profile.register(profiles)
    made.add_typer(profiles, name="profile")
    token = typer.Typer(rich_markup_mode=None, help="Look at access tokens.")
    token_inspect.register(token)
    made.add_typer(token, name="token")
    provider = typer.Typer(rich_markup_mode=None, help="Run the identity provider alone, and change its signing keys.")
    identity.register(provider)
    admin_token.register(provider)
    made.add_typer(provider, name="identity")
    real_gateway = typer.Typer(rich_markup_mode=None, help="Configure, check and run a real Centrifugo.")
    gateway.register(real_gateway)
    gateway_run.register(real_gateway)
    made.add_typer(real_gateway, name="gateway")
    own_backend = typer.Typer(rich_markup_mode=None, help="Run the backend behind a real Centrifugo.")
    backend.register(own_backend)
    made.add_typer(own_backend, name="backend")
    return made


def run(argv: Sequence[str]) -> int:
    """Run one command line; return its exit code, its failure told in one line on stderr."""
    # Known before parsing, so that a mistake in the command line is told in JSON too.
    as_json = "--json" in argv
    command = typer.main.get_command(app())
    if argv[:1] == [completing.WORD] and isinstance(command, TyperGroup):
        return _complete(command, argv[1:])
    try:
        ended = command.main(args=list(argv), prog_name="cadenza", standalone_mode=False)
    except typer.TyperException as problem:
        return report_usage(problem, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # it may stand behind a question
        return Exit.INTERRUPTED
    except errors.CadenzaError as error:
        return report(error, as_json=as_json, environ=os.environ)
    except Exception as error:  # noqa: BLE001  # the program's edge: a fault of ours is one line, never a traceback
        return report(error, as_json=as_json, environ=os.environ)
    # Typer returns the code of a raised Exit, and None where a verb came to its end.
    return ended if isinstance(ended, int) else Exit.OK


def _complete(command: TyperGroup, line: Sequence[str]) -> int:
    try:
        sys.stdout.write(completing.answer(command, line[0]) + "\n")
    except Exception:  # noqa: BLE001  # somebody is typing: whatever is wrong, say nothing and complete nothing
        return Exit.FAILED
    return Exit.OK


def _version(asked: bool) -> None:  # noqa: FBT001  # the shape of a typer callback
    if asked:
        typer.echo(f"cadenza {__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    *,
    profile: Annotated[str | None, GLOBAL_PROFILE] = None,
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    refuse_unused(context, profile)
