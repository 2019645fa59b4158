"""``cadenza identity admin-token``: a short-lived token of an administrator, for whoever runs the embedded provider.

Above: ``cli.app``. Below: ``stack.identity``, ``identity.admin_tokens``. It is a secret: never shown on a terminal that
was not asked to, and never part of a command line.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.errors import UsageError

if TYPE_CHECKING:
    from cadenza.identity.admin_tokens import AdminToken, AdminTokens

__all__ = ["operator_name", "register"]

_MOST_SECONDS = 86_400.0


def register(app: typer.Typer) -> None:
    """Add this verb to the group of the provider's."""
    lines = (
        "TOKEN=$(cadenza identity admin-token)",
        "cadenza identity admin-token --ttl 3600 --output token.txt",
    )
    app.command("admin-token", epilog=examples(*lines))(admin_token)


def admin_token(
    *,
    ttl: Annotated[
        float, typer.Option(min=1, max=_MOST_SECONDS, metavar="SECONDS", help="From now on it is good for so long.")
    ] = 900.0,
    role: Annotated[
        str | None, typer.Option(metavar="NAME", help="An administrator's role there. [default: service_role]")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there, readable by you alone.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show it on a terminal, too.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The stack's data folder; the provider's files are in it.")
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="That of the provider, if its keys come from there.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Make a token that opens /admin of the embedded provider, signed with the provider's own key.

    Whoever has it may do to users what it likes until it runs out, so it lives for 15 minutes unless told otherwise, is
    not shown on a terminal without --show, and the provider's audit log says that it was made, and by whom.
    """
    from cadenza.cli.loops import run, server_part

    if output is None and not show and sys.stdout.isatty():
        raise UsageError(
            "The token would stand on the screen for anybody to read.",
            next_step="Keep it in a variable, TOKEN=$(cadenza identity admin-token), or say --output or --show.",
        )
    tokens = server_part(lambda: _tokens(data_dir, env_file))
    made = run(tokens.issue(role=role, lifetime_seconds=ttl, operator=operator_name()))
    _tell(made, output, as_json=as_json)


def _tokens(data_dir: Path | None, env_file: Path | None) -> AdminTokens:
    import os

    from cadenza.identity.admin_tokens import AdminTokens
    from cadenza.stack.identity import IdentityOptions, identity_settings

    # Nothing is served here, so the word that would let it be under CADENZA_ENV=production is not asked for.
    options = IdentityOptions(data_dir=data_dir, env_file=env_file, allow_production=True)
    return AdminTokens(identity_settings(options).config, clock=time.time, random_bytes=os.urandom)


def operator_name() -> str:
    """How this machine calls whoever runs the command; for the provider's audit log."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""  # a container's user may have no name


def _tell(made: AdminToken, output: Path | None, *, as_json: bool) -> None:
    from cadenza.cli.moments import local_time
    from cadenza.cli.output import json_text, note, say
    from cadenza.cli.private_file import write_private_file

    if output is not None:
        write_private_file(output, made.token.encode() + b"\n")
    until = local_time(made.expires_at)
    if as_json:
        told = {"role": made.role, "identityUrl": made.url, "expiresAt": until, "tokenId": made.id}
        say(json_text({**told, **({"token": made.token} if output is None else {"file": str(output)})}))
        return
    if output is None:
        say(made.token)
    note(f"cadenza: good until {until}, as {made.role} at {made.url}")
