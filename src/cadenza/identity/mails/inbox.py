"""The inbox: mails kept in memory instead of being sent, to be read by whoever develops.

It has room for so many; the oldest goes first. It lives as long as the process and is only ever shown on this machine.

Above: ``post`` delivers, ``handlers.inbox`` shows. Below: ``letters``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from cadenza.identity.mails.letters import Mail
from cadenza.identity.times import instant, rfc3339
from cadenza.protocol.auth.messages import Discreet


class KeptMail(Discreet, frozen=True, kw_only=True):
    """One mail, as ``/inbox`` tells of it. ``id`` grows by one with each."""

    id: int
    to: str
    subject: str
    kind: str
    link: str
    code: str
    html: str
    received_at: str


class Inbox:
    """Keeps mails.

    Args:
        limit: How many.
        clock: Seconds since the epoch.
    """

    def __init__(self, *, limit: int, clock: Callable[[], float]) -> None:
        self._kept: deque[KeptMail] = deque(maxlen=limit)
        self._clock = clock
        self._last_id = 0
        self._arrived = asyncio.Condition()

    async def deliver(self, mail: Mail) -> None:
        """Keep a mail."""
        self._last_id += 1
        received_at = rfc3339(instant(self._clock()))
        fields = msgspec.structs.asdict(mail)
        self._kept.append(KeptMail(**{**fields, "kind": mail.kind.value}, id=self._last_id, received_at=received_at))
        async with self._arrived:
            self._arrived.notify_all()

    async def rehearse(self) -> None:
        """Nothing has to be ready to keep a mail."""

    def close(self) -> None:
        """Forget them."""
        self._kept.clear()

    def newest(self, *, to: str = "", after: int = 0) -> tuple[KeptMail, ...]:
        """The mails to an address (to all, if none is named) that came after one, newest first."""
        wanted = to.strip().lower()
        found = [kept for kept in self._kept if kept.id > after and (not wanted or kept.to.lower() == wanted)]
        return tuple(reversed(found))

    async def wait(self, *, to: str = "", after: int, seconds: float) -> tuple[KeptMail, ...]:
        """The same, once there is one, or nothing when it has not come in time."""
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(lambda: self.newest(to=to, after=after))
        except TimeoutError:
            return ()
        return self.newest(to=to, after=after)

    @property
    def last_id(self) -> int:
        """Of the mail that came last."""
        return self._last_id
