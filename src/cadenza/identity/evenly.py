"""Answers that take a whole number of steps of time, so that what was done for one does not show in how long it took.

Whether an address is registered decides how many rows are written before a mail is sent or not sent. The difference is
a tenth of a millisecond, and enough: over 2,000 tries two answers in three about a registered address took longer than
one about another. The work is made alike as well, because a step hides only what is shorter than it. Timers of an event
loop are rounded to milliseconds from when they are set, so the end still depends a little on when the work was done; a
quarter of a step more or less, by chance, covers that.

Above: ``code_mails``, through which ``sign_up`` and ``links`` answer. Below: ``errors``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from cadenza.identity.errors import RefusalError

#: Of a step.
_SPREAD: Final = 0.25
_BYTES: Final = 4


class Evenly:
    """Stretches what is done within it to the end of a step.

    Args:
        step_seconds: Longer than the work should take; 0 stretches nothing.
        monotonic: Seconds.
        random_bytes: Where chance comes from.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        step_seconds: float,
        *,
        monotonic: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._step = step_seconds
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self._sleep = sleep

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """Stretch an answer; a refusal is one too."""
        began = self._monotonic()
        try:
            yield
        except RefusalError:
            await self._rest(began)
            raise
        await self._rest(began)

    async def _rest(self, began: float) -> None:
        if self._step > 0:
            chance = int.from_bytes(self._random_bytes(_BYTES)) / 256**_BYTES
            left = self._step - (self._monotonic() - began) % self._step
            await self._sleep(left + self._step * _SPREAD * chance)
