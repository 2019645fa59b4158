"""``cadenza identity``: the identity provider alone, and its signing keys.

Above: ``cli.app``. Below: ``stack.identity``, ``identity.key_acts``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.colours import Style
from cadenza.cli.help import JSON, examples
from cadenza.cli.output import json_text, note, say, show_pairs, show_table

if TYPE_CHECKING:
    from cadenza.identity.config import TlsFiles
    from cadenza.identity.key_acts import KeyActs
    from cadenza.identity.key_file import KeyStatus
    from cadenza.identity.server import IdentityServer
    from cadenza.stack.identity import IdentitySettings

__all__ = ["register"]

_DATA_DIR = typer.Option(metavar="FOLDER", help="The stack's data folder; the provider's files are in it.")


def register(app: typer.Typer) -> None:
    """Add these verbs to their group."""
    app.command(
        "serve",
        epilog=examples(
            "cadenza identity serve",
            "cadenza identity serve --env-file supabase-auth.env",
            "cadenza identity serve --test-provider",
            "cadenza identity serve --port 9999 --tls-cert cert.pem --tls-key key.pem",
        ),
    )(serve)
    app.command("keys", epilog=examples("cadenza identity keys"))(keys)
    app.command(
        "rotate-keys",
        epilog=examples(
            "cadenza identity rotate-keys",
            "cadenza identity rotate-keys --algorithm EdDSA",
            "cadenza identity rotate-keys --revoke KID",
        ),
    )(rotate_keys)
    app.command(
        "hook-sql",
        epilog=examples("cadenza identity hook-sql", 'cadenza identity hook-sql | psql "$DATABASE_URL"'),
    )(print_hook_sql)


def serve(
    *,
    data_dir: Annotated[Path | None, _DATA_DIR] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port. [default: PORT, or 54321]")] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Listen here. [default: GOTRUE_API_HOST, or 127.0.0.1]")
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Lines of NAME=value, which go before the environment.")
    ] = None,
    allowed_origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="A browser origin that may call; once for each.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate chain in PEM: speak TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key in PEM.")] = None,
    test_provider: Annotated[
        bool,
        typer.Option("--test-provider", help="Serve an OAuth provider of our own, named test, with a consent page."),
    ] = False,
    allow_beyond_loopback: Annotated[
        bool, typer.Option("--allow-beyond-loopback", help="Listen where other machines can reach it.")
    ] = False,
    allow_production: Annotated[
        bool, typer.Option("--allow-production", help="Start although CADENZA_ENV is production.")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Run the identity provider alone.

    It takes Supabase Auth's own environment variables (GOTRUE_*, API_EXTERNAL_URL, PORT), so one file configures
    either. One that it does not support is named in a warning; a misspelt one is an error with the right name.
    """
    from cadenza.cli.loops import run_server, server_part

    def settings() -> IdentitySettings:
        from cadenza.stack.identity import IdentityOptions, identity_settings

        return identity_settings(
            IdentityOptions(
                data_dir=data_dir,
                env_file=env_file,
                host=host,
                port=port,
                tls=_tls(tls_cert, tls_key),
                allowed_origins=allowed_origin or (),
                allow_beyond_loopback=allow_beyond_loopback,
                allow_production=allow_production,
                test_provider=test_provider,
            )
        )

    run_server(_serve(server_part(settings), as_json=as_json))


def _tls(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    from cadenza.identity.config import TlsFiles

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise typer.BadParameter("a certificate and its key go together", param_hint="--tls-cert and --tls-key")
    return TlsFiles(certificate=certificate, key=key)


async def _serve(settings: IdentitySettings, *, as_json: bool) -> None:
    import asyncio

    from cadenza.cli.serving import signals
    from cadenza.stack.identity import identity_alone

    for warning in settings.warnings:
        note(f"Warning: {warning}", Style.WARNING)
    began = time.monotonic()
    with signals() as stop:
        try:
            async with identity_alone(settings) as server:
                stop.running = True
                _announce(server, settings, time.monotonic() - began, as_json=as_json)
                await stop.asked.wait()
        except asyncio.CancelledError:
            if not stop.asked.is_set():
                raise
    note(f"Stopped; the data stays in {settings.data_dir}")


def _announce(server: IdentityServer, settings: IdentitySettings, seconds: float, *, as_json: bool) -> None:
    where = {
        "identityUrl": server.url,
        "listeningUrl": server.config.listening_url,
        "issuer": server.issuer,
        "jwksUrl": server.jwks_url,
        "dataDir": str(settings.data_dir),
    }
    if as_json:
        say(json_text({**where, "warnings": settings.warnings}))
        return
    say(f"The identity provider is up ({seconds:.1f} s). Ctrl-C stops it.\n", Style.STRONG)
    names = ("address", "listens at", "issuer", "key set", "data")
    show_pairs({f"  {name}": value for name, value in zip(names, where.values(), strict=True)})


def keys(*, data_dir: Annotated[Path | None, _DATA_DIR] = None, as_json: Annotated[bool, JSON] = False) -> None:
    """List the signing keys: which one signs, which waits, which only verifies, and until when.

    Nothing private is shown. It works beside a running provider.
    """
    _show(_key_acts(data_dir).statuses(), as_json=as_json)


def rotate_keys(
    *,
    data_dir: Annotated[Path | None, _DATA_DIR] = None,
    algorithm: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the new key: ES256, RS256 or EdDSA. [default: as now]")
    ] = None,
    lead: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="From being published to signing. [default: 900]"),
    ] = None,
    revoke: Annotated[
        str | None, typer.Option(metavar="KID", help="Instead, stop believing this key, at once and for ever.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Publish a new signing key, which takes over once everybody has had time to fetch it.

    The old one is published until the last token signed with it has run out, so nobody is signed out. A provider that
    runs sees the change by itself. A revoked key is gone from the next request on; who holds a token signed with it
    gets a new one by refreshing. The provider's audit log says what was done, and by whom.
    """
    if revoke is not None and lead is not None:
        raise typer.BadParameter("a revocation does not wait", param_hint="--lead")
    from cadenza.cli.loops import run

    acts = _key_acts(data_dir)
    if revoke is not None:
        changed = run(acts.revoke(revoke, algorithm=algorithm))
    elif lead is not None:
        changed = run(acts.rotate(algorithm=algorithm, lead_seconds=lead))
    else:
        changed = run(acts.rotate(algorithm=algorithm))
    _show(changed, as_json=as_json)


def print_hook_sql(*, as_json: Annotated[bool, JSON] = False) -> None:
    """Print the access-token hook for a real Supabase Auth, in SQL.

    It puts meta and channels into every token, by which gateway and backend know session, role, second factor and app.
    The embedded provider needs none. How to switch it on stands at its head; with --json, its uri is
    GOTRUE_HOOK_CUSTOM_ACCESS_TOKEN_URI.
    """
    from cadenza.cli.loops import server_part

    def load() -> tuple[str, str]:
        from cadenza.identity.access_token_hook import HOOK_URI, hook_sql

        return hook_sql(), HOOK_URI

    sql, uri = server_part(load)
    say(json_text({"uri": uri, "sql": sql}) if as_json else sql.rstrip("\n"))


def _key_acts(data_dir: Path | None) -> KeyActs:
    from cadenza.cli.admin_token import operator_name
    from cadenza.cli.loops import server_part

    def load() -> KeyActs:
        import os

        from cadenza.client.settings import default_data_dir, read_environment
        from cadenza.identity.config import IdentityConfig
        from cadenza.identity.key_acts import KeyActs
        from cadenza.stack.identity import IDENTITY_FOLDER

        folder = data_dir or default_data_dir(read_environment())
        config = IdentityConfig(data_dir=folder / IDENTITY_FOLDER)
        return KeyActs(config, clock=time.time, random_bytes=os.urandom, operator=operator_name())

    return server_part(load)


def _show(statuses: Sequence[KeyStatus], *, as_json: bool) -> None:
    rows = [
        {
            "kid": status.key.kid,
            "alg": status.key.alg,
            "state": status.state.value,
            "until": None if status.until is None else _moment(status.until),
        }
        for status in statuses
    ]
    if as_json:
        say(json_text({"keys": rows}))
        return
    show_table(("KID", "ALG", "STATE", "UNTIL"), [[value or "-" for value in row.values()] for row in rows])


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
