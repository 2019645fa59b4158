"""``cadenza up``: the whole embedded stack in this process, until Ctrl-C.

Above: ``cli.app``. Below: ``stack.settings``, and ``cli.serving``, which starts and stops ``stack.embedded``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from cadenza.cli.help import JSON, examples

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command(
        "up",
        epilog=examples("cadenza up", "cadenza up --gateway-port 8001 --data-dir ./data", "cadenza up --pace 0"),
    )(up)


def up(
    *,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of databases, keys and the ready user's password."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address of loopback to listen on. [default: 127.0.0.1]")
    ] = None,
    identity_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Of the identity provider. [default: 54321]"),
    ] = None,
    gateway_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Of WebSocket and server API. [default: 8000]"),
    ] = None,
    backend_port: Annotated[int | None, typer.Option(metavar="PORT", help="Of the backend. [default: 8080]")] = None,
    allowed_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="A browser origin that may connect; once for each."),
    ] = None,
    token_lifetime: Annotated[
        int | None,
        typer.Option(min=1, metavar="SECONDS", help="How long an access token is good. [default: 3600]"),
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="NUMBER", help="Book updates a second, per instrument; 0 pauses the feed. [default: 10]"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="NUMBER", help="Seed of the simulated venue.")] = None,
    allow_production: Annotated[
        bool, typer.Option("--allow-production", help="Start although CADENZA_ENV is production.")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Run the whole stack here, with live data.

    Identity provider, gateway and backend in one process. Prints the addresses, a user who can sign in at once, and
    what to try next. Ctrl-C stops it; the data stays for the next start. A port of 0 takes a free one.
    """
    if pace is not None and not math.isfinite(pace):
        raise typer.BadParameter("a finite number is needed", param_hint="--pace")
    from cadenza.cli.loops import run_server
    from cadenza.cli.serving import serve
    from cadenza.stack.settings import settings_from_environment

    settings = settings_from_environment(
        data_dir=data_dir,
        host=host,
        identity_port=identity_port,
        gateway_port=gateway_port,
        backend_port=backend_port,
        allowed_origins=tuple(allowed_origin) if allowed_origin else None,
        access_token_lifetime_seconds=token_lifetime,
        book_updates_per_second=pace,
        venue_seed=seed,
        allow_production=allow_production or None,
    )
    run_server(serve(settings, as_json=as_json))
