"""``cadenza account``: what the provider keeps of the signed-in user, and the end of the account.

Above: ``cli.app``. Below: ``cli.session``, ``cli.private_file``, ``cli.prompts``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE

if TYPE_CHECKING:
    from cadenza.cli.prompts import Asker
    from cadenza.cli.session import Api
    from cadenza.client import DeletedAccount

__all__ = ["register"]

_NEEDS_PROOF = "reauthentication_needed"


def register(app: typer.Typer) -> None:
    """Add these verbs to their group."""
    app.command("export", epilog=examples("cadenza account export", "cadenza account export -o my-data.json"))(export)
    app.command("delete", epilog=examples("cadenza account delete", "cadenza account delete --yes"))(delete)


def export(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it there, readable by you alone. [default: standard output]"
        ),
    ] = None,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Take along all that the identity provider keeps of you, as JSON.

    You, your ways in and second factors, sessions and your entries in its audit log; no password, token or key.
    Supabase Auth has no such copy; the embedded provider has.
    """
    from cadenza.cli.loops import run

    run(_export(output, profile=profile, as_json=as_json))


async def _export(output: Path | None, *, profile: str | None, as_json: bool) -> None:
    import msgspec

    from cadenza.cli.output import json_text, say, show_json
    from cadenza.cli.private_file import write_private_file
    from cadenza.cli.session import open_api

    async with open_api(as_json=as_json, profile=profile) as api:
        copy = await api.do(api.client.auth.export_account())
    if output is not None:
        write_private_file(output, msgspec.json.format(copy.document, indent=2) + b"\n")
        told = {"file": str(output), "exportedAt": copy.exported_at}
        say(json_text(told) if as_json else f"Written to {output}, readable by you alone.")
    elif as_json:
        say(json_text(msgspec.Raw(copy.document)))
    else:
        show_json(msgspec.Raw(copy.document))


def delete(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    profile: Annotated[str | None, PROFILE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Delete your account at the identity provider, at once and for good, with all sessions.

    Asks you to type your address first. If you signed in more than 15 minutes ago, it also asks for the code of a mail
    that it has sent to you; where nobody can be asked, sign in again first. Supabase Auth leaves deletion to its
    operator.
    """
    from cadenza.cli.loops import run

    run(_delete(yes=yes, profile=profile, as_json=as_json))


async def _delete(*, yes: bool, profile: str | None, as_json: bool) -> None:
    from cadenza.cli.output import json_text, say
    from cadenza.cli.prompts import Asker, confirm_by_typing
    from cadenza.cli.session import open_api
    from cadenza.errors import SignInRequiredError

    asker = Asker()
    async with open_api(as_json=as_json, profile=profile) as api:
        session = api.client.auth.session
        if session is None:
            raise SignInRequiredError("Nobody is signed in.")
        who = session.email or session.user_id
        if not yes:
            await confirm_by_typing(who, f"This deletes the account of {who} for good. To go on, type {who}", asker)
        gone = await _deleted(api, asker)
    if as_json:
        say(json_text({"deleted": gone.user_id, "deletedAt": gone.deleted_at}))
    else:
        say(f"The account of {who} is deleted, and every session has ended.")


async def _deleted(api: Api, asker: Asker) -> DeletedAccount:
    from cadenza.cli.output import note
    from cadenza.errors import IdentityError

    try:
        return await api.do(api.client.auth.delete_account())
    except IdentityError as error:
        if error.error_code != _NEEDS_PROOF or not asker.is_person:
            raise
    await api.do(api.client.auth.reauthenticate())
    note("You signed in a while ago, so a code was sent to you.")
    return await api.do(api.client.auth.delete_account(nonce=(await asker.secret("Code: ")).strip()))
