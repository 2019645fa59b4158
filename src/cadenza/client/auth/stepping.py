"""A call that wants a second factor: ask for the code, raise session and connection, and let the call be repeated.

Above: ``engine``. Below: ``mfa``, ``host``. However many calls are refused at once, somebody is asked once: they share
the step-up. It ends with the last of them that waits.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import msgspec

from cadenza.client.auth.host import AuthHost
from cadenza.client.auth.mfa import Mfa
from cadenza.client.auth.session import FIRST_LEVEL
from cadenza.client.auth.users import SecondFactor
from cadenza.errors import ClosedError, SecondFactorRequiredError
from cadenza.protocol.auth.messages import Discreet


class SecondFactorRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Why a code is asked for.

    Attributes:
        method: The call that wants it, the first one where several do.
        factors: The user's second factors that count; never empty.
    """

    method: str
    factors: tuple[SecondFactor, ...]


class FactorCode(Discreet, frozen=True, kw_only=True):
    """The code of one of several factors."""

    code: str
    factor_id: str = ""

    def __repr__(self) -> str:
        return f"<FactorCode of {self.factor_id or 'the only factor'}>"


#: Gives the code; None where nobody will, or where it has raised the session itself (``api.auth.mfa.verify``). A plain
#: function runs in a thread, so that it may wait for somebody who types.
SecondFactorCallback = Callable[[SecondFactorRequest], Awaitable[str | FactorCode | None] | str | FactorCode | None]


class StepUps:
    """Raises the session, and the connection with it, one at a time.

    Args:
        host: The client.
        ask: Gives the code; None: nobody can be asked.
    """

    def __init__(self, host: AuthHost, ask: SecondFactorCallback | None) -> None:
        self._host = host
        self._ask = ask
        self._mfa = Mfa(host)
        self._flight: asyncio.Task[None] | None = None
        self._waiting = 0

    async def rise(self, method: str, refused: SecondFactorRequiredError) -> None:
        """Raise session and connection, or join whoever is at it.

        Raises:
            SecondFactorRequiredError: Nobody can be asked, nobody answered, or the user has no second factor.
            IdentityError: The code was refused.
            ClosedError: The client was closed meanwhile.
            AuthError, TransportError: The step-up failed otherwise.
        """
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._rise(method, refused), name="cadenza-step-up")
            self._flight.add_done_callback(_retrieve)
        elif asyncio.current_task() is self._flight:
            raise refused  # the callback itself calls what wants the factor it was asked for
        flight = self._flight
        self._waiting += 1
        try:
            await asyncio.shield(flight)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is None or caller.cancelling():
                raise
            raise ClosedError("The client was closed while a second factor was asked for.") from None
        finally:
            self._waiting -= 1
            if not self._waiting and not flight.done():
                self._flight = None
                flight.cancel()

    async def close(self) -> None:
        """End a step-up under way."""
        if self._flight is not None and self._flight is not asyncio.current_task():
            self._flight.cancel()
            await asyncio.wait({self._flight})

    async def _rise(self, method: str, refused: SecondFactorRequiredError) -> None:
        if self._is_raised():  # by another call, while this one was being refused, or before the backend forgot it
            await self._host.step_up()
        else:
            await self._prove(method, refused)

    async def _prove(self, method: str, refused: SecondFactorRequiredError) -> None:
        if self._ask is None:
            raise refused
        factors = tuple(factor for factor in await self._mfa.factors() if factor.verified)
        if not factors:
            raise SecondFactorRequiredError(
                refused.message, code=refused.code, next_step="The user has none: enroll one with api.auth.mfa.enroll."
            ) from refused
        answer = await _answer(self._ask, SecondFactorRequest(method=method, factors=factors))
        if isinstance(answer, str):
            answer = FactorCode(code=answer)
        if answer is not None and answer.code:
            await self._mfa.verify(answer.code, factor_id=answer.factor_id)
        elif not self._is_raised():
            raise refused

    def _is_raised(self) -> bool:
        session = self._host.session
        return session is not None and session.level != FIRST_LEVEL


async def _answer(ask: SecondFactorCallback, request: SecondFactorRequest) -> str | FactorCode | None:
    given = ask(request) if inspect.iscoroutinefunction(ask) else await asyncio.to_thread(ask, request)
    return await given if inspect.isawaitable(given) else given


def _retrieve(flight: asyncio.Task[None]) -> None:
    """Take note of how it ended, so that nobody is warned of an error that every caller was told."""
    if not flight.cancelled():
        flight.exception()
