"""Takes a person through a browser: opens it, or shows the address, and takes what comes back or what is pasted (G2).

Above: ``cli.ways``, and whatever else begins at an OAuth provider. Below: ``cli.waiting``, the SDK. Over SSH and in
containers no browser could come back to this machine: the address is shown, and the one it ends at is pasted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from cadenza.cli.output import tell
from cadenza.cli.prompts import Asker
from cadenza.cli.waiting import outcome
from cadenza.client import PendingSignIn, Session
from cadenza.client.auth.browser import Surroundings, open_browser
from cadenza.errors import ConfigurationError

__all__ = ["Browsing", "through_browser"]

_SECONDS: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Browsing:
    """How it is done here.

    Attributes:
        asker: Asks for the address, where there is somebody.
        surroundings: Whether there is a browser.
        may_open: Whether it may be opened.
        seconds: How long it is waited for; None for as long as people take.
        as_json: How to say what happens.
    """

    asker: Asker
    surroundings: Surroundings
    may_open: bool = True
    seconds: float | None = None
    as_json: bool = False

    @property
    def why_not(self) -> str:
        """Why no browser is opened, as the end of a sentence; empty where one is."""
        return self.surroundings.why_no_browser if self.may_open else "--no-browser was given"


async def through_browser(start: Callable[[bool], Awaitable[PendingSignIn]], here: Browsing) -> Session:
    """Go through a browser and come back with a session.

    Args:
        start: Starts what waits; told whether it is to listen on this machine.
        here: How it is done here.

    Raises:
        ConfigurationError: There is no browser and nobody to paste, or no port is free and nobody to paste.
        DeadlineExceededError: It did not come back.
        IdentityError: The provider refused, or the user did.
    """
    if here.may_open and here.why_not and not here.asker.has_codes:
        raise ConfigurationError(
            f"No browser can be opened here: {here.why_not}.",
            next_step="Run it at a terminal, where the address can be pasted; or with --no-browser, and open the "
            "address that it prints on this machine.",
        )
    async with await _started(start, here) as pending:
        _show(pending, here)
        opening = None if here.why_not else asyncio.create_task(_open(pending.url, here))
        try:
            return await outcome(pending, _question(pending), here.asker, seconds=here.seconds or _SECONDS)
        finally:
            if opening is not None:
                opening.cancel()


async def _started(start: Callable[[bool], Awaitable[PendingSignIn]], here: Browsing) -> PendingSignIn:
    try:
        return await start(True)  # noqa: FBT003  # whether it listens
    except ConfigurationError as error:
        if error.setting != "ports" or not here.asker.has_codes:
            raise
        return await start(False)  # noqa: FBT003  # the ports are taken: it will be pasted


def _show(pending: PendingSignIn, here: Browsing) -> None:
    if here.why_not:
        first = f"No browser is opened: {here.why_not}. Open this address in one:"
    else:
        first = "Your browser opens. If it does not, open this address:"
    lines = [first, "", f"  {pending.url}", ""]
    if here.why_not and here.asker.has_codes:
        lines.append(
            f"Where that browser is on another machine it ends at {pending.redirect_to}?..., where no page opens: "
            "copy that address.\n"
        )
    tell("\n".join(lines), {"event": "browser", "url": pending.url}, as_json=here.as_json)


def _question(pending: PendingSignIn) -> str:
    return "Waiting for it; or paste the address where it ended: " if pending.is_listening else "Address at the end: "


async def _open(url: str, here: Browsing) -> None:
    if not await open_browser(url, here.surroundings):
        tell("No browser could be started: open the address yourself.", {"event": "no browser"}, as_json=here.as_json)
