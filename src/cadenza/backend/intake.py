"""The proxied calls under way, and whether more are taken: what an orderly stop waits for.

Above: ``app`` counts here, ``stack`` stops here. Below: asyncio.
"""

from __future__ import annotations

import asyncio
import enum

__all__ = ["Intake", "Taking"]


class Taking(enum.Enum):
    """What becomes of a call that arrives. It only ever goes on to the next."""

    ALL = enum.auto()
    #: Every call is still answered; readiness says to ask elsewhere, and connections are not kept.
    LAST = enum.auto()
    NONE = enum.auto()


class Intake:
    """Counts calls. Each one is a ``with`` block, entered before its body is read.

    Attributes:
        taking: What becomes of the next call.
    """

    def __init__(self) -> None:
        self.taking = Taking.ALL
        self._under_way = 0
        self._none_under_way: asyncio.Event | None = None

    def __enter__(self) -> None:
        self._under_way += 1

    def __exit__(self, *_: object) -> None:
        self._under_way -= 1
        if self._none_under_way is not None and not self._under_way:
            self._none_under_way.set()

    @property
    def under_way(self) -> int:
        """How many calls have not been answered."""
        return self._under_way

    def leave(self) -> None:
        """Say that the end is near, and still answer everything."""
        self.taking = Taking.LAST

    async def close(self, *, timeout_seconds: float) -> int:
        """Take no more, and wait for those under way; return how many were not answered in time."""
        self.taking = Taking.NONE
        self._none_under_way = asyncio.Event()
        if not self._under_way:
            return 0
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._none_under_way.wait()
        except TimeoutError:
            return self._under_way
        return 0
