"""``cadenza mfa``: the second factor, an authenticator app: add one, list them, give its code, remove one.

Above: ``cli.app``. Below: ``cli.factors``, ``cli.session``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import CODE_STDIN, OVER_WEBSOCKET, PROFILE

if TYPE_CHECKING:
    from cadenza.cli.factors import Factors

__all__ = ["register"]

_FACTOR = typer.Argument(metavar="FACTOR", help="Its name or id; with one alone it need not be given.")


def register(app: typer.Typer) -> None:
    """Add these verbs to their group."""
    app.command(
        "enroll",
        epilog=examples("cadenza mfa enroll", 'cadenza mfa enroll "my phone" --issuer Cadenza'),
    )(enroll)
    app.command("list", epilog=examples("cadenza mfa list", "cadenza mfa list --json"))(list_them)
    app.command(
        "challenge",
        epilog=examples(
            "cadenza mfa challenge", 'oathtool --totp -b "$SECRET" | cadenza mfa challenge --code-stdin --json'
        ),
    )(challenge)
    app.command("remove", epilog=examples("cadenza mfa remove", 'cadenza mfa remove "my phone" --yes'))(remove)


def enroll(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.", show_default=False)] = "",
    *,
    issuer: Annotated[
        str,
        typer.Option("--issuer", metavar="NAME", help="What the app shows beside it. [default: the provider's name]"),
    ] = "",
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Add an authenticator app as a second factor.

    Shows a QR code to scan, and its secret to type; then asks for the first code. Until that is right the factor counts
    for nothing, and where it stays wrong it is gone again. With --json the secret is on the first line of the result,
    and how it ended on the second. A second one wants the code of the first.
    """
    _run(
        lambda factors: factors.enroll(name, issuer=issuer),
        code_stdin=code_stdin,
        over_websocket=over_websocket,
        profile=profile,
        as_json=as_json,
    )


def list_them(
    *,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List your second factors.

    And say so where there is one that this session has not seen yet.
    """
    _run(
        lambda factors: factors.show(),
        code_stdin=False,
        over_websocket=over_websocket,
        profile=profile,
        as_json=as_json,
    )


def challenge(
    factor: Annotated[str, _FACTOR] = "",
    *,
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Give the code of a second factor.

    The stored session rises to aal2, for all commands that follow, until you sign out.
    """
    _run(
        lambda factors: factors.challenge(factor),
        code_stdin=code_stdin,
        over_websocket=over_websocket,
        profile=profile,
        as_json=as_json,
    )


def remove(
    factor: Annotated[str, _FACTOR] = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    code_stdin: Annotated[bool, CODE_STDIN] = False,
    over_websocket: Annotated[bool, OVER_WEBSOCKET] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Remove a second factor.

    One that counts wants a session at aal2: its code is asked for where this session has not seen one. Whoever has lost
    the app asks who runs the provider to remove it.
    """
    _run(
        lambda factors: factors.remove(factor, yes=yes),
        code_stdin=code_stdin,
        over_websocket=over_websocket,
        profile=profile,
        as_json=as_json,
    )


def _run(
    work: Callable[[Factors], Awaitable[None]],
    *,
    code_stdin: bool,
    over_websocket: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    from cadenza.cli.factors import on_factors
    from cadenza.cli.loops import run
    from cadenza.cli.prompts import Asker

    asker = Asker(code_stdin=code_stdin)
    run(on_factors(work, asker, over_websocket=over_websocket, profile=profile, as_json=as_json))
