"""Ends a sign-in that waits: by the browser that comes back to this machine, or by what a person pastes.

Above: ``cli.ways``, ``cli.recover``, ``cli.second_factor``. Below: ``cli.prompts``, the SDK's started sign-ins.
Whichever comes first counts. A sign-in that is given up, by Ctrl-C or at its deadline, is forgotten: nothing that comes
later completes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from cadenza.cli.errors import warn
from cadenza.cli.output import note
from cadenza.cli.prompts import Asker
from cadenza.client import PendingSignIn, Session
from cadenza.client.auth.pending import MOST_ATTEMPTS
from cadenza.errors import DeadlineExceededError, IdentityError, ValidationError

__all__ = ["ask_again", "outcome"]

_T = TypeVar("_T")

#: No other code helps: somebody said no.
_FINAL: Final = frozenset({"access_denied"})


async def outcome(pending: PendingSignIn, question: str, asker: Asker, *, seconds: float) -> Session:
    """Wait for the end of a sign-in.

    Args:
        pending: It.
        question: What a person is asked to paste or type.
        asker: Asks. Where it has nobody, only the browser is waited for.
        seconds: How long at most.

    Raises:
        DeadlineExceededError: It did not end in time.
        ConfigurationError: Nothing listens and nobody can paste.
        IdentityError: The provider refused, or the user did.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _first(pending, question, asker)
    except TimeoutError:
        await pending.cancel()
        raise DeadlineExceededError(
            f"The sign-in did not end within {seconds:g} s.", next_step="Start it anew; --timeout allows more time."
        ) from None
    except BaseException:
        await pending.cancel()
        raise


async def ask_again(question: str, asker: Asker, redeem: Callable[[str], Awaitable[_T]]) -> _T:
    """Ask for a code until one is taken. Only a person is asked again, and not for ever.

    Raises:
        CadenzaError: What ``redeem`` raises, in the end.
    """
    attempts = 0
    while True:
        answer = await asker.code(question)
        attempts += 1
        try:
            return await redeem(answer)
        except (ValidationError, IdentityError) as error:
            final = isinstance(error, IdentityError) and (error.temporary or error.error_code in _FINAL)
            if final or attempts == MOST_ATTEMPTS or not asker.may_ask_again:
                raise
            warn(error)


async def _first(pending: PendingSignIn, question: str, asker: Asker) -> Session:
    if not pending.is_listening:
        return await ask_again(question, asker, pending.complete)
    if not asker.has_codes:
        return await pending.wait()
    browser = asyncio.ensure_future(pending.wait())
    pasting = asyncio.ensure_future(ask_again(question, asker, pending.complete))
    try:
        await asyncio.wait({browser, pasting}, return_when=asyncio.FIRST_COMPLETED)
        # What was pasted frees the port, and that cancels the wait at it.
        if not browser.done() or browser.cancelled():
            return await pasting
        note("")  # below the question that nobody need answer any more
        return browser.result()
    finally:
        browser.cancel()
        pasting.cancel()
        await asyncio.gather(browser, pasting, return_exceptions=True)
