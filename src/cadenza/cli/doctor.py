"""``cadenza doctor``: the chain from the environment to a publication, link by link, with the change that mends each.

Above: ``cli.app``. Below: ``stack.doctor``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cadenza.cli.colours import Style
from cadenza.cli.exits import Exit
from cadenza.cli.help import JSON, examples
from cadenza.cli.options import PROFILE, SUPABASE_URL, WS_URL

if TYPE_CHECKING:
    from cadenza.stack.doctor import Doctor, Finding

__all__ = ["register"]

#: A word and a style for each verdict.
_MARKS: Final = {
    "good": ("ok", Style.GOOD),
    "warning": ("look", Style.WARNING),
    "broken": ("FAIL", Style.BAD),
    "skipped": ("-", Style.MUTED),
}
_MARK_WIDTH: Final = 4
_LINK_WIDTH: Final = 12


def register(app: typer.Typer) -> None:
    """Add this verb to the command line."""
    app.command("doctor", epilog=examples("cadenza doctor", "cadenza doctor --json"))(doctor)


def doctor(
    *,
    profile: Annotated[str | None, PROFILE] = None,
    ws_url: Annotated[str | None, WS_URL] = None,
    supabase_url: Annotated[str | None, SUPABASE_URL] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say what is wrong, and what mends it.

    Looks at each link in turn: environment, provider, its keys and clock, the session, its token, the gateway, whether
    it accepts the token, whether a call is answered, a channel joined, a publication received. Where CADENZA_API_KEY or
    CADENZA_PROXY_SECRET is set, at the server API and the backend too. Takes less than three seconds, changes nothing.
    Ends with 1 if a link is broken.
    """
    from cadenza.cli.loops import run
    from cadenza.cli.whose import settle_profile
    from cadenza.stack.doctor import Doctor

    if profile is not None:
        settle_profile(profile)  # a slip is told as everywhere; the links tell what else is wrong
    whole = run(_show(Doctor(os.environ, profile=profile, ws_url=ws_url, supabase_url=supabase_url), as_json=as_json))
    if not whole:
        raise typer.Exit(Exit.FAILED)


async def _show(doctor: Doctor, *, as_json: bool) -> bool:
    """Show each finding as it comes; return whether no link is broken."""
    from cadenza.cli.output import json_text, say
    from cadenza.stack.doctor import Verdict

    whole = True
    async for finding in doctor.look():
        whole = whole and finding.verdict is not Verdict.BROKEN
        if as_json:
            say(json_text(finding))
        else:
            _show_finding(finding)
    return whole


def _show_finding(finding: Finding) -> None:
    from cadenza.cli.output import say

    mark, style = _MARKS[finding.verdict.value]
    say(f"{mark:<{_MARK_WIDTH}}", style, then=f"  {finding.link.value:<{_LINK_WIDTH}}  {finding.message}")
    if finding.next_step:
        say(f"{'':<{_MARK_WIDTH + _LINK_WIDTH + 4}}{finding.next_step}", Style.STRONG)
