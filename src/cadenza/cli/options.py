"""The options that verbs have in common: whose session, where it is kept, which addresses.

Above: ``cli.app`` and the verbs. Below: ``cli.session`` obeys them. ``--profile`` may stand before the verb too::

    cadenza --profile uat whoami
    cadenza whoami --profile uat
"""

from __future__ import annotations

import enum
from typing import Final

import typer
from typer.core import TyperGroup

__all__ = [
    "CODE_STDIN",
    "EMAIL",
    "GLOBAL_PROFILE",
    "OVER_WEBSOCKET",
    "PASSWORD_STDIN",
    "PROFILE",
    "STORE",
    "SUPABASE_URL",
    "WS_URL",
    "Store",
    "refuse_unused",
]

_NAME: Final = "profile"


class Store(enum.StrEnum):
    """Where a sign-in at the command line may be kept: a place that outlives the command."""

    FILE = "file"
    KEYRING = "keyring"


def _from_before_the_verb(context: typer.Context, given: str | None) -> str | None:
    before = context.find_root().params.get(_NAME)
    return given if given is not None or not isinstance(before, str) else before


#: Before the verb, for whichever it is.
GLOBAL_PROFILE: Final = typer.Option(
    "--profile", metavar="PROFILE", help="Use this profile's session and addresses, whichever command follows."
)
#: For every verb that uses a session or an address; the one before the verb, where the verb has none of its own.
PROFILE: Final = typer.Option(
    "--profile",
    metavar="PROFILE",
    callback=_from_before_the_verb,
    help="Whose session and addresses; otherwise CADENZA_PROFILE, or the current one.",
)
#: For the verbs that sign in.
STORE: Final = typer.Option("--store", help="Keep the session there. [default: where this profile kept it last, file]")
WS_URL: Final = typer.Option(
    "--ws-url", metavar="URL", help="The gateway; otherwise CADENZA_WS_URL, the profile's, or the embedded stack's."
)
SUPABASE_URL: Final = typer.Option(
    "--supabase-url",
    metavar="URL",
    help="The provider; otherwise SUPABASE_URL, the profile's, or the embedded stack's.",
)
OVER_WEBSOCKET: Final = typer.Option("--over-websocket", help="Ask through the gateway, not at the identity provider.")
#: Who, and what they know: no secret is ever an argument.
EMAIL: Final = typer.Option("--email", metavar="ADDRESS", help="Who; otherwise CADENZA_EMAIL, or asked for.")
PASSWORD_STDIN: Final = typer.Option("--password-stdin", help="Read the password from stdin, one line.")
CODE_STDIN: Final = typer.Option(
    "--code-stdin", help="Read the code, the link or the browser's last address from stdin, one line."
)


def refuse_unused(context: typer.Context, profile: str | None) -> None:
    """Raise a usage error for a profile before a verb that has no use for it: nothing is ignored in silence."""
    root, verb = context.command, context.invoked_subcommand
    if profile is None or verb is None or not isinstance(root, TyperGroup):
        return
    command = root.get_command(context, verb)
    if command is None:  # said by the parser
        return
    inner = command.commands.values() if isinstance(command, TyperGroup) else [command]
    if not any(parameter.name == _NAME for one in inner for parameter in one.params):
        raise typer.BadParameter(f"cadenza {verb} uses no session", param_hint="--profile")
