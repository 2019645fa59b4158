"""``cadenza inbox``: the mails the embedded provider kept instead of sending, with the link and the code of each.

Above: ``cli.app``. Below: the provider's ``/inbox``, over HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE, SUPABASE_URL

if TYPE_CHECKING:
    import httpx

    from cadenza.cli.mail import Mail

__all__ = ["register"]

#: The longest the provider lets anybody wait for its answer.
_WAIT_SECONDS = 25.0
_ANSWER_SECONDS = 10.0
_NOT_FOUND = 404


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    lines = ("cadenza inbox", "cadenza inbox --to you@example.com --wait", "cadenza inbox --json")
    app.command("inbox", epilog=examples(*lines))(inbox)


def inbox(
    *,
    to: Annotated[str, typer.Option("--to", help="Mails to this address alone.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the next mail, and show that one.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait at most.")] = 300.0,
    profile: Annotated[str | None, PROFILE] = None,
    supabase_url: Annotated[str | None, SUPABASE_URL] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Show the mails that the embedded provider kept, newest first.

    It keeps them while no SMTP server is configured. Each link and code works once.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.session import known_addresses

    provider = known_addresses(profile, supabase_url=supabase_url).supabase_url
    run(_inbox(provider, to=to, wait_seconds=timeout if wait else 0.0, as_json=as_json))


async def _inbox(provider: str | None, *, to: str, wait_seconds: float, as_json: bool) -> None:
    import httpx

    from cadenza.client.settings import is_loopback
    from cadenza.errors import ConfigurationError

    if provider is None or not is_loopback(provider):
        raise ConfigurationError(
            "Only an embedded provider on this machine has an inbox.",
            setting="SUPABASE_URL",
            next_step="Name it with --supabase-url, http://127.0.0.1:54321 for example.",
        )
    # The environment's proxy is not asked for the way to this machine.
    async with httpx.AsyncClient(trust_env=False, timeout=_ANSWER_SECONDS + _WAIT_SECONDS) as http:
        mails, last_id = await _ask(http, provider, to=to, after=0, wait=0.0)
        if wait_seconds:
            mails = await _wait(http, provider, to=to, after=last_id, seconds=wait_seconds)
    _show(mails, as_json=as_json)


async def _wait(http: httpx.AsyncClient, provider: str, *, to: str, after: int, seconds: float) -> tuple[Mail, ...]:
    import time

    from cadenza.cli.output import note
    from cadenza.errors import TransportError

    note("cadenza: waiting for a mail...")
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        mails, _ = await _ask(http, provider, to=to, after=after, wait=min(left, _WAIT_SECONDS))
        if mails:
            return mails
    raise TransportError(
        f"No mail came within {seconds:.0f} seconds.", next_step="Ask for one, or wait longer with --timeout."
    )


async def _ask(
    http: httpx.AsyncClient, provider: str, *, to: str, after: int, wait: float
) -> tuple[tuple[Mail, ...], int]:
    import httpx
    import msgspec

    from cadenza.cli.mail import Mails
    from cadenza.errors import ConfigurationError, ProtocolError, TransportError

    url = f"{provider}/inbox"
    try:
        query: dict[str, str | float] = {"to": to, "after": after, "wait": wait}
        answer = await http.get(url, params=query, headers={"Accept": "application/json"})
    except httpx.HTTPError as error:
        raise TransportError(
            f"The provider at {provider} cannot be reached ({type(error).__name__}).",
            next_step="Start it with cadenza up, or name it with --supabase-url.",
        ) from None
    if answer.status_code == _NOT_FOUND:
        raise ConfigurationError(
            f"The provider at {provider} keeps no mails: it sends them, or it is not an embedded one.",
            next_step="Look into the mailbox itself, or at the mail server's own log.",
        )
    try:
        read = msgspec.json.decode(answer.content, type=Mails)
    except msgspec.DecodeError:
        raise ProtocolError(f"What answers at {provider} is no embedded provider.") from None
    return read.mails, read.last_id


def _show(mails: tuple[Mail, ...], *, as_json: bool) -> None:
    from cadenza.cli.output import json_text, say, show_pairs

    if as_json:
        say(json_text({"mails": mails}))
        return
    if not mails:
        say("No mail.")
    for number, mail in enumerate(mails):
        if number:
            say("")
        shown = {"To": mail.to, "Subject": mail.subject, "At": mail.received_at, "Code": mail.code, "Link": mail.link}
        show_pairs({name: value for name, value in shown.items() if value}, strong=("Code",))
