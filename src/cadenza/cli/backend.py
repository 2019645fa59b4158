"""``cadenza backend``: the backend behind a real Centrifugo, as a server of its own.

Above: ``cli.app``. Below: ``stack.external``.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from cadenza.cli.colours import Style
from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples
from cadenza.cli.output import json_text, note, say, show_pairs
from cadenza.cli.program import command

if TYPE_CHECKING:
    from cadenza.backend.app import Health
    from cadenza.stack.external import ExternalBackend, ExternalSettings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add this verb to its group."""
    app.command(
        "serve",
        epilog=examples(
            "cadenza backend serve",
            "cadenza backend serve --port 8081 --drain 5",
            "cadenza backend serve --host 0.0.0.0 --allowed-host backend.internal",
        ),
    )(serve)


def serve(
    *,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port. [default: PORT, or 8080]")] = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Listen here. [default: 127.0.0.1]")] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name by which it is asked beyond loopback; once for each. [default: CADENZA_ALLOWED_HOSTS]",
        ),
    ] = None,
    drain: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS", help="When stopped, be unready but answer everything for so long. [default: 0]"
        ),
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="NUMBER", help="Book updates a second, per instrument; 0 pauses the feed. [default: 10]"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="NUMBER", help="Seed of the simulated venue.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Run the backend behind a real Centrifugo's HTTP proxies, beside a real Supabase Auth.

    Settings come from the environment, secrets only from there: SUPABASE_URL, CADENZA_WS_URL, CADENZA_API_KEY,
    CADENZA_PROXY_SECRET and more. SIGTERM and Ctrl-C stop it in order: /ready says no at once, calls under way are
    answered, what is queued is published. A second signal ends it at once.
    """
    for option, number in (("--pace", pace), ("--drain", drain)):
        if number is not None and not math.isfinite(number):
            raise typer.BadParameter("a finite number is needed", param_hint=option)
    from cadenza.cli.loops import run_server, server_part

    def made() -> tuple[ExternalBackend, ExternalSettings]:
        from cadenza.stack.draining import StopTimes
        from cadenza.stack.external import ExternalBackend, external_settings_from_environment

        settings = external_settings_from_environment(
            port=port,
            host=host,
            allowed_hosts=tuple(allowed_host) if allowed_host else None,
            book_updates_per_second=pace,
            venue_seed=seed,
        )
        return ExternalBackend(settings, stop_times=StopTimes(leave_seconds=drain or 0.0)), settings

    run_server(_serve(*server_part(made), as_json=as_json))


async def _serve(backend: ExternalBackend, settings: ExternalSettings, *, as_json: bool) -> None:
    import asyncio

    from cadenza.cli.serving import signals

    began = time.monotonic()
    for warning in settings.warnings:
        note(f"Warning: {warning}", Style.WARNING)
    with signals() as stop:
        try:
            async with backend:
                stop.running = True
                seconds = time.monotonic() - began
                _announce(_Up(backend, settings, await backend.condition()), seconds, as_json=as_json)
                await stop.asked.wait()
                note("Stopping: what is under way is answered. A second signal ends it at once.")
                await backend.drain()
        except asyncio.CancelledError:
            if not stop.asked.is_set():
                raise
            note("Ended at once: calls under way were not answered.", Style.WARNING)
            raise typer.Exit(Exit.INTERRUPTED) from None
    note("Stopped.")


class _Up(NamedTuple):
    """A backend that answers."""

    backend: ExternalBackend
    settings: ExternalSettings
    parts: tuple[Health, ...]

    def addresses(self) -> dict[str, str]:
        """Where it is, and where it goes; the first ones are what Centrifugo is told."""
        from cadenza.backend.app import JWKS_PATH

        url = self.backend.url
        return {
            "backendUrl": url,
            "rpcUrl": f"{url}/proxy/rpc",
            "subscribeUrl": f"{url}/proxy/subscribe",
            "jwksUrl": f"{url}{JWKS_PATH}",
            "readyUrl": f"{url}/ready",
            "apiUrl": self.settings.api_url,
            "identityUrl": self.settings.auth_url,
            "issuer": self.settings.issuer,
        }

    def missing(self) -> dict[str, str]:
        """Which parts do not work, and why."""
        return {part.part: part.reason or "does not run" for part in self.parts if part.reason or not part.works}


_NAMES: Final = {
    "backendUrl": "address",
    "rpcUrl": "RPC proxy",
    "subscribeUrl": "subscribe proxy",
    "jwksUrl": "key set",
    "readyUrl": "readiness",
    "apiUrl": "publishes to",
    "identityUrl": "identity provider",
    "issuer": "issuer",
}


def _announce(up: _Up, seconds: float, *, as_json: bool) -> None:
    where, missing = up.addresses(), up.missing()
    if as_json:
        say(json_text({**where, "warnings": up.settings.warnings, "missing": missing}))
        return
    say(f"The backend is up ({seconds:.1f} s). Ctrl-C stops it.\n", Style.STRONG)
    show_pairs({f"  {_NAMES[name]}": address for name, address in where.items()})
    say("\nCentrifugo must ask it there, with the same environment:")
    say(f"  {command('gateway', 'config', '--backend-url', where['backendUrl'], '-o', 'centrifugo.json')}", Style.TYPED)
    for part, reason in missing.items():
        note(f"Missing: {part} ({reason}). It is tried again; {where['readyUrl']} says how it stands.", Style.WARNING)
