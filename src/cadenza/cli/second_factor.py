"""Asks for the code of an authenticator app, and rises to ``aal2`` with it.

Above: ``cli.entering``, ``cli.mfa``, whatever the provider refuses to a session of one factor. Below: ``cli.prompts``,
``cli.waiting``, the SDK's ``auth.mfa``.
"""

from __future__ import annotations

from collections.abc import Sequence

from cadenza.cli.prompts import Asker, ask_choice
from cadenza.cli.waiting import ask_again
from cadenza.client import SecondFactor, Session
from cadenza.client.auth.mfa import Mfa
from cadenza.errors import ConfigurationError

__all__ = ["choose", "rise"]


async def rise(mfa: Mfa, asker: Asker, *, factor: str = "", optional: bool = False) -> Session | None:
    """Prove a second factor.

    Args:
        mfa: At the provider, or over the WebSocket.
        asker: Asks for the code.
        factor: Which, by its name or id; a person with several is asked, if not given.
        optional: Whether a person may do without, by Enter alone.

    Returns:
        The session at ``aal2``; None if somebody did without.

    Raises:
        ConfigurationError: There is none, or nobody to ask.
        IdentityError: The code was refused, the last time it was asked for too.
    """
    asker.require_codes()
    which = await choose([one for one in await mfa.factors() if one.verified], factor, asker)
    name = which.name or "your authenticator app"
    question = f"Code of {name} (Enter alone: later): " if optional else f"Code of {name}: "

    async def redeem(code: str) -> Session | None:
        if optional and not code:
            return None
        return await mfa.verify(code, factor_id=which.id)

    return await ask_again(question, asker, redeem)


async def choose(factors: Sequence[SecondFactor], wanted: str, asker: Asker) -> SecondFactor:
    """Return the factor that is meant.

    Args:
        factors: Those there are.
        wanted: Its name or id; empty for the only one, or the one that a person chooses.
        asker: Asks.

    Raises:
        ConfigurationError: There is none of that name, or nobody can be asked which.
    """
    found = [one for one in factors if wanted in ("", one.id, one.name)]
    if len(found) == 1:
        return found[0]
    names = [one.name or one.id for one in found or factors]
    if found and asker.is_person:
        return found[await ask_choice("Which second factor?", names, asker)]
    if not factors:
        what, step = "The account has no second factor.", "Add one: cadenza mfa enroll"
    elif not found:
        what, step = f"There is no second factor {wanted!r}.", f"See cadenza mfa list. There are: {', '.join(names)}."
    else:
        what, step = "The account has several second factors.", f"Name one, for cadenza mfa: {', '.join(names)}."
    raise ConfigurationError(what, setting="second factor", next_step=step)
