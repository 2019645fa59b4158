"""Sessions that have ended: whose calls are refused from then on, and whose sockets are closed.

Each socket of an auth session is in the channel ``session:<session_id>`` by its token's ``channels`` claim, so ending a
session is asking who is there and closing those (``design/decisions.md``, "Revocation"). A token stays good until its
``exp``, and behind a real Centrifugo it may connect again: its first call or subscription is refused, and a sweep
closes it if it stays silent.

Above: ``handlers`` (asks), ``services.auth`` and ``app`` (tell), the stack. Below: ``ports.Sockets``. Kept in this
process: of several workers, each knows what it was told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final

from cadenza.backend.ports import Caller, Sockets
from cadenza.protocol.codes import SESSION_REVOKED

__all__ = ["Revocations", "session_channel"]

#: So that the answer to the very call that ended the session gets out before its socket is closed.
_GRACE_SECONDS: Final = 0.2
#: A token that connects after its session ended, and then says nothing, is found within this time.
_SWEEP_SECONDS: Final = 3.0

_logger = logging.getLogger("cadenza.backend")


def session_channel(session_id: str) -> str:
    """The channel that all sockets of a session are in."""
    return f"session:{session_id}"


class Revocations:
    """Which sessions have ended.

    Args:
        sockets: Who is connected, and how to close them.
        monotonic: Seconds that only grow.
        token_lifetime_seconds: As long as the provider's access tokens live: after that, none of an ended session's is
            left, and it is forgotten.
        max_sessions: Sessions remembered. Overflow policy: the one that ended longest ago is forgotten.
        sleep: Waits.
    """

    def __init__(
        self,
        sockets: Sockets,
        *,
        monotonic: Callable[[], float],
        token_lifetime_seconds: float,
        max_sessions: int = 100_000,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._sockets = sockets
        self._monotonic = monotonic
        self._lifetime = token_lifetime_seconds
        self._max_sessions = max_sessions
        self._sleep = sleep
        self._forgotten_at: OrderedDict[str, float] = OrderedDict()
        self._any = asyncio.Event()
        self._sweeping: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def is_over(self, caller: Caller) -> bool:
        """Whether the session of a caller's token has ended."""
        # Most of the time none has, and a call need not read its meta for that.
        return bool(self._forgotten_at) and caller.token_meta.session_id in self._forgotten_at

    def has_ended(self, session_id: str | None) -> bool:
        """Whether a session has ended."""
        return session_id in self._forgotten_at

    def end(self, session_ids: Iterable[str]) -> None:
        """Sessions have ended: refuse their calls from now on, and close their sockets in a moment."""
        ended = [session_id for session_id in session_ids if session_id]
        now = self._monotonic()
        for session_id in ended:
            self._forgotten_at[session_id] = now + self._lifetime
            self._forgotten_at.move_to_end(session_id)
        while len(self._forgotten_at) > self._max_sessions:
            self._forgotten_at.popitem(last=False)
        if ended:
            self._any.set()
            self._soon(lambda: self._close(ended))

    def end_user(self, user: str, *, but: str = "") -> None:
        """A user's sessions have ended, all or all but one, whichever they are: close the sockets there are.

        What connects again with a token of one of them is let in, until the provider names the session.
        """
        self._soon(lambda: self._close_user(user, but))

    def close_soon(self, user: str, client: str) -> None:
        """Close a connection whose call was refused, once the refusal is out."""
        self._soon(lambda: self._sockets.close({client: user}, SESSION_REVOKED.code, SESSION_REVOKED.reason))

    async def start(self) -> None:
        """Begin to sweep."""
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweep_for_ever(), name="cadenza-revocations")

    async def settle(self) -> None:
        """Wait until what was to be closed in a moment is closed. How long that may take is the caller's to bound."""
        while self._closing:
            await asyncio.wait(self._closing)

    async def stop(self) -> None:
        """Stop; no task is left. What was to be closed in a moment is closed by nobody."""
        tasks = [*self._closing, *([] if self._sweeping is None else [self._sweeping])]
        self._sweeping = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _soon(self, close: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.create_task(self._after_a_moment(close), name="cadenza-revocation")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _after_a_moment(self, close: Callable[[], Awaitable[object]]) -> None:
        await self._sleep(_GRACE_SECONDS)
        await self._quietly(close)

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._any.wait()
            await self._sleep(_SWEEP_SECONDS)
            self._forget()
            await self._quietly(lambda: self._close(list(self._forgotten_at)))

    def _forget(self) -> None:
        now = self._monotonic()
        while self._forgotten_at and next(iter(self._forgotten_at.values())) <= now:
            self._forgotten_at.popitem(last=False)
        if not self._forgotten_at:
            self._any.clear()

    async def _close(self, session_ids: Collection[str]) -> None:
        present = await self._sockets.present([session_channel(session_id) for session_id in session_ids])
        if present:
            await self._sockets.close(present, SESSION_REVOKED.code, SESSION_REVOKED.reason)

    async def _close_user(self, user: str, but: str) -> None:
        spared = await self._sockets.present([session_channel(but)]) if but else {}
        await self._sockets.close_user(user, SESSION_REVOKED.code, SESSION_REVOKED.reason, spare=list(spared))

    async def _quietly(self, close: Callable[[], Awaitable[object]]) -> None:
        """A gateway that cannot be asked now is asked again by the next sweep."""
        try:
            await close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the sweep must go on
            _logger.warning("closing the sockets of ended sessions failed: %s", type(error).__name__)
