"""Asks for the code of an authenticator app, and rises to ``aal2`` with it.

Above: ``cli.entering``, ``cli.mfa``, whatever the provider refuses to a session of one factor. Below: ``cli.prompts``,
``cli.waiting``, the SDK's ``auth.mfa``.
"""

from __future__ import annotations

from cadenza.cli.prompts import Asker, ask_choice
from cadenza.cli.waiting import ask_again
from cadenza.client import SecondFactor, Session
from cadenza.client.auth.mfa import Mfa
from cadenza.errors import ConfigurationError

__all__ = ["rise"]


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
    which = await _which(tuple(one for one in await mfa.factors() if one.verified), factor, asker)
    name = which.name or "your authenticator app"
    question = f"Code of {name} (Enter alone: later): " if optional else f"Code of {name}: "

    async def redeem(code: str) -> Session | None:
        if optional and not code:
            return None
        return await mfa.verify(code, factor_id=which.id)

    return await ask_again(question, asker, redeem)


async def _which(factors: tuple[SecondFactor, ...], wanted: str, asker: Asker) -> SecondFactor:
    if wanted:
        factors = tuple(one for one in factors if wanted in (one.id, one.name))
    if not factors:
        raise ConfigurationError(
            f"There is no second factor {wanted!r}." if wanted else "The account has no second factor.",
            setting="--second-factor",
            next_step="See cadenza mfa --help.",
        )
    if len(factors) == 1:
        return factors[0]
    if not asker.is_person:
        raise ConfigurationError(
            "The account has several second factors.",
            setting="--second-factor",
            next_step="Run it at a terminal, which asks which.",
        )
    return factors[await ask_choice("Which second factor?", [one.name or one.id for one in factors], asker)]
