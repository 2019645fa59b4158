"""``cadenza gateway``: a real Centrifugo's configuration, written and checked.

Above: ``cli.app``. Below: ``stack.centrifugo``, ``gateway.centrifugo``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.colours import Style
from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples
from cadenza.cli.output import json_text, note, say
from cadenza.cli.private_file import write_private_file

if TYPE_CHECKING:
    from cadenza.gateway.centrifugo import CentrifugoConfig, Finding

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add these verbs to their group."""
    app.command(
        "config",
        epilog=examples(
            "cadenza gateway config -o centrifugo.json",
            "cadenza gateway config --allowed-origin https://app.example > centrifugo.json",
            "cadenza gateway config --secrets-from-env --address 0.0.0.0 -o centrifugo.json",
        ),
    )(config)
    app.command(
        "check",
        epilog=examples("cadenza gateway check centrifugo.json", "cadenza gateway check config.yaml --json"),
    )(check)


def config(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there, 0600, secrets included.")
    ] = None,
    secrets_from_env: Annotated[
        bool,
        typer.Option("--secrets-from-env", help="Write no secret: Centrifugo finds them in its own environment."),
    ] = False,
    allowed_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="A browser origin that may connect; once for each. [default: CADENZA_ALLOWED_ORIGINS]",
        ),
    ] = None,
    backend_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The backend. [default: 127.0.0.1, and PORT or 8080]")
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Listen here for clients. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", help="For clients. [default: 8000]")] = None,
    internal_address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of server API, metrics and health. [default: 127.0.0.1]"),
    ] = None,
    internal_port: Annotated[int | None, typer.Option(metavar="PORT", help="Of the same. [default: 9000]")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Write Centrifugo's configuration file (v6) from the settings that the backend beside it reads.

    SUPABASE_URL, CADENZA_API_KEY and CADENZA_PROXY_SECRET; REDIS_URL for several nodes; CADENZA_ISSUER and
    CADENZA_AUDIENCE where the provider's tokens name others. On standard output no secret is written.

    To replace a secret without a call refused: start the backends with the new one, and the old one as
    CADENZA_API_KEY_PREVIOUS or CADENZA_PROXY_SECRET_PREVIOUS; write this file anew and restart the nodes, one after
    the other; start the backends without the old one.
    """
    from cadenza.cli.loops import server_part
    from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config, require_secrets

    options = CentrifugoOptions(
        backend_url=backend_url,
        allowed_origins=tuple(allowed_origin or ()),
        address=address,
        port=port,
        internal_address=internal_address,
        internal_port=internal_port,
    )
    settings = server_part(lambda: centrifugo_config(options))
    with_secrets = output is not None and not secrets_from_env
    if with_secrets:
        require_secrets(settings)
    if output is None:
        say(_content(settings, with_secrets=False).rstrip("\n"))
    else:
        write_private_file(output, _content(settings, with_secrets=with_secrets).encode())
    _tell(settings, output, with_secrets=with_secrets, as_json=as_json)


def _content(settings: CentrifugoConfig, *, with_secrets: bool) -> str:
    from cadenza.gateway.centrifugo import document, text

    return text(document(settings, with_secrets=with_secrets))


def _tell(settings: CentrifugoConfig, output: Path | None, *, with_secrets: bool, as_json: bool) -> None:
    """Say what the file alone does not tell: beside a document on standard output, on stderr."""
    from cadenza.gateway.centrifugo import secret_variables
    from cadenza.stack.centrifugo import previous_secrets

    needed = () if with_secrets else secret_variables(settings)
    replaced = previous_secrets()
    if as_json and output is not None:
        told = {"file": str(output), "apiUrl": settings.api_url, "variables": needed, "replaced": replaced}
        say(json_text(told))
        return
    if output is not None:
        note(f"Written to {output}.")
    if needed:
        note(f"It holds no secret. Centrifugo needs in its environment: {', '.join(needed)}.")
    note(f"The backend reaches this node's server API with CADENZA_API_URL={settings.api_url}")
    if replaced:
        note(f"Restart every node with it, one after the other, then the backends without {' and '.join(replaced)}.")


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Of Centrifugo v6: .json, .yaml or .toml.")],
    *,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say what is missing in a Centrifugo's configuration, or dangerous, and the change that mends it.

    The environment's CENTRIFUGO_* variables go before the file, as they do for Centrifugo. Where SUPABASE_URL and the
    backend's other settings are set, the file is held against them too. Ends with 1 if anything is dangerous or does
    not work; advice alone is no failure. Each finding names its row in the list of known problems.
    """
    from cadenza.cli.loops import server_part

    def found() -> tuple[Finding, ...]:
        from cadenza.stack.centrifugo import findings

        return findings(file)

    _show(server_part(found), as_json=as_json)


def _show(found: tuple[Finding, ...], *, as_json: bool) -> None:
    from cadenza.gateway.centrifugo import Level

    good = all(finding.level is Level.ADVICE for finding in found)
    if as_json:
        say(json_text({"good": good, "findings": found}))
    else:
        looks = {Level.DANGER: Style.BAD, Level.BROKEN: Style.BAD, Level.ADVICE: Style.MUTED}
        for finding in found:
            say(f"{finding.level}: {finding.where} ({finding.row})", looks[finding.level])
            say(f"  {finding.message}")
            for change in finding.changes:
                say(f"  - {change}")
        say("Nothing is dangerous, and nothing is missing." if good else "This file is not one to run.")
    if not good:
        raise typer.Exit(Exit.FAILED)
