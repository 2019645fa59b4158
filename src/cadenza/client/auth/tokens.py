"""The token manager: always a usable access token, one refresh at a time, and never a lost session.

Above: ``_client`` (sign-in and sign-out), ``supervisor`` and ``_centrifuge`` (ask for the token when they need it: it
is pulled at every connect and never kept in a subscription, D1). Below: ``session``, ``stores``, a ``Refresher``.

What it holds to:

- Refreshed early, by the provider's ``expires_in`` and a monotonic clock; the wall clock is asked only for a session
  that comes out of a store. Whether a token is good is the server's word, not the clock's (H5).
- One refresh at a time: in the process by sharing the attempt, across processes by the store's lock. Under the lock
  the store is read again; what a sibling has refreshed meanwhile is taken over, before and after a refusal (E1, E4).
- No code of the user runs under the lock (E5): the listener only notes things down.
- While the provider is away, the current token is served as long as it lives. Attempts back off; 429 waits as long as
  it says; a refusal that cannot change ends the session with its reason (E6).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.stores import SessionStore
from cadenza.client.timing import Backoff, Timing
from cadenza.errors import CadenzaError, IdentityError, SignInRequiredError, TokenFormatError
from cadenza.protocol.auth import SESSION_OVER
from cadenza.tokens.claims import UnverifiedToken

#: A token is refreshed when this part of its life is left, but at most so many seconds before its end.
_EARLY_PART: Final = 0.2
_EARLIEST_SECONDS: Final = 90.0
#: Spread over clients and processes that got their tokens at the same moment.
_LEAST_SPREAD: Final = 0.75
#: Longer than the refresher's own deadline: whoever holds the lock until then hangs.
_LOCK_DEADLINE_SECONDS: Final = 30.0
_BACKOFF: Final = Backoff(first_seconds=1.0, longest_seconds=30.0)

#: Trades a refresh token for a new session. Raises ``IdentityError``, ``TransportError`` or ``ProtocolError``.
Refresher = Callable[[str], Awaitable[Session]]
#: Checks a token's form before it goes on the wire. Raises ``TokenFormatError``.
FormCheck = Callable[[str], UnverifiedToken]


class SessionListener(Protocol):
    """Is told what happens to the session. Must not wait and must not raise."""

    def session_refreshed(self, session: Session) -> None:
        """A new access token is there."""
        ...

    def refresh_failed(self, error: CadenzaError, retry_in_seconds: float) -> None:
        """A refresh failed for now."""
        ...

    def session_over(self, error: SignInRequiredError) -> None:
        """The session has ended and cannot be refreshed any more."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A session with its times on the monotonic clock."""

    session: Session
    ends_at: float
    due_at: float


class TokenManager:
    """Keeps one session usable.

    Args:
        store: Where the session stands between runs, shared with other processes.
        refresher: How a refresh token is traded; has a deadline of its own.
        check: The check of a token's form.
        listener: Who is told.
        timing: Clocks, sleep, chance.
    """

    def __init__(
        self,
        *,
        store: SessionStore,
        refresher: Refresher,
        check: FormCheck,
        listener: SessionListener,
        timing: Timing,
    ) -> None:
        self._store = store
        self._refresher = refresher
        self._check = check
        self._listener = listener
        self._timing = timing
        self._held: _Held | None = None
        self._over: SignInRequiredError | None = None
        self._checked = ""
        self._flight: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failures = 0
        self._pause_until = 0.0
        self._last_failure: CadenzaError | None = None
        self._clock_offset: float | None = None

    @property
    def session(self) -> Session | None:
        """The session as it is now."""
        return None if self._held is None else self._held.session

    @property
    def clock_offset_seconds(self) -> float | None:
        """The provider's clock minus this machine's, to about a second; None before a token was received."""
        return self._clock_offset

    def require_session(self) -> Session:
        """The session, or ``SignInRequiredError`` with the reason why there is none."""
        return self._current().session

    def resume(self, stored: StoredSession) -> None:
        """Go on with a session out of the store. Its life is judged by the wall clock, as there is nothing else."""
        remaining = stored.session.expires_at - self._timing.clock()
        self._hold(stored.session, min(remaining, stored.session.expires_in))
        self._start_keeper()

    async def adopt(self, stored: StoredSession) -> None:
        """Take over a session just received: check it, store it, keep it fresh.

        Raises:
            TokenFormatError: The access token is none; nothing was stored.
            SessionStoreError: It could not be stored; it is not used.
        """
        self._measure_clock(self._check(stored.session.access_token))
        async with self._store.lock(_LOCK_DEADLINE_SECONDS):
            await self._store.save(stored)
            self._hold(stored.session, stored.session.expires_in)
        self._start_keeper()

    async def forget(self) -> None:
        """Sign out here: remove the session from store and memory. Raises ``SessionStoreError``."""
        async with self._store.lock(_LOCK_DEADLINE_SECONDS):
            held = self._held
            stored = await self._store.load()
            if held is not None and stored is not None and stored.session.user_id == held.session.user_id:
                await self._store.clear()
            self._held, self._over = None, None
        await self._stop_keeper()

    async def access_token(self) -> str:
        """Return an access token that is good for a while.

        Raises:
            SignInRequiredError: There is no session, or it is over.
            TokenFormatError: The token is malformed: it never goes on the wire.
            TransportError: The token has run out and the provider cannot be reached now.
            IdentityError: The same, with the provider's reason; temporary.
        """
        while True:
            held = self._current()
            if not held.session.refresh_token or self._timing.monotonic() < held.due_at:
                return self._usable(held.session)
            try:
                await self._refresh(held)
            except CadenzaError:
                # It was only early. The session has to be the same still, and the token alive.
                if self._held is held and self._timing.monotonic() < held.ends_at:
                    return self._usable(held.session)
                raise

    async def renewed(self, refused: str) -> str:
        """Return another access token than ``refused``, which a server has just turned down. Raises as above."""
        while True:
            held = self._current()
            if held.session.access_token != refused:
                return self._usable(held.session)
            if not held.session.refresh_token:
                raise SignInRequiredError("The access token was refused, and there is no refresh token.")
            await self._refresh(held)

    def end(self, error: SignInRequiredError) -> None:
        """The session is known to be over: nothing more is asked with it. The store is left to whoever ended it."""
        self._held = None
        self._over = error

    async def close(self) -> None:
        """Stop. A refresh under way is waited for: what it brings must reach the store."""
        await self._stop_keeper()
        if self._flight is not None:
            with contextlib.suppress(CadenzaError):
                await asyncio.shield(self._flight)

    # One refresh

    async def _refresh(self, held: _Held) -> None:
        """Have ``held`` replaced, by one attempt that all callers share."""
        if self._flight is None or self._flight.done():
            if self._held is not held:
                return
            self._flight = asyncio.create_task(self._refresh_once(held), name="cadenza-refresh")
            self._flight.add_done_callback(_retrieve)
        await asyncio.shield(self._flight)

    async def _refresh_once(self, held: _Held) -> None:
        if self._last_failure is not None and self._timing.monotonic() < self._pause_until:
            raise self._last_failure.with_traceback(None)
        try:
            async with self._store.lock(_LOCK_DEADLINE_SECONDS):
                await self._refresh_locked(held)
        except SignInRequiredError:
            raise
        except CadenzaError as error:
            if isinstance(error, IdentityError) and not error.temporary:
                raise self._ended(error) from error
            self._pause(error)
            raise
        self._failures, self._last_failure = 0, None
        # A provider whose tokens are dead on arrival must not be asked without end (E6).
        self._pause_until = self._timing.monotonic() + _BACKOFF.first_seconds

    async def _refresh_locked(self, held: _Held) -> None:
        stored = await self._read_again(held)
        if stored.session.refresh_token != held.session.refresh_token:
            if self._take_over(stored):
                return
            held = self._current()
        try:
            fresh = await self._refresher(held.session.refresh_token)
        except IdentityError as error:
            if error.error_code not in SESSION_OVER:
                raise
            await self._believe_only_if_unchanged(held, error)
            return
        await self._store.save(msgspec.structs.replace(stored, session=fresh))
        self._hold(fresh, fresh.expires_in)
        with contextlib.suppress(TokenFormatError):  # said where the token is used
            self._measure_clock(self._check(fresh.access_token))
        self._listener.session_refreshed(fresh)

    async def _read_again(self, held: _Held) -> StoredSession:
        stored = await self._store.load()
        if stored is None:
            raise self._ended(SignInRequiredError("The session was signed out by another program."))
        if stored.session.user_id != held.session.user_id:
            raise self._ended(SignInRequiredError("Another user signed in with the same session store."))
        return stored

    def _take_over(self, stored: StoredSession) -> bool:
        """Use what a sibling has refreshed. Returns whether it is fresh enough to go on with."""
        remaining = stored.session.expires_at - self._timing.clock()
        held = self._hold(stored.session, min(remaining, stored.session.expires_in))
        self._listener.session_refreshed(stored.session)
        return self._timing.monotonic() < held.due_at

    async def _believe_only_if_unchanged(self, held: _Held, error: IdentityError) -> None:
        """The provider says the session is over. A sibling that does not lock may have refreshed it a moment ago."""
        stored = await self._store.load()
        if (
            stored is not None
            and stored.session.user_id == held.session.user_id
            and stored.session.refresh_token != held.session.refresh_token
            and self._take_over(stored)
        ):
            return
        if stored is not None and stored.session.refresh_token == held.session.refresh_token:
            await self._store.clear()
        raise self._ended(error) from error

    def _ended(self, error: CadenzaError) -> SignInRequiredError:
        if not isinstance(error, SignInRequiredError):
            error = SignInRequiredError(f"The session cannot be refreshed any more. {error.message}", code=error.code)
        self.end(error)
        self._listener.session_over(error)
        return error

    def _pause(self, error: CadenzaError) -> None:
        self._failures += 1
        asked = error.retry_after_seconds if isinstance(error, IdentityError) else None
        wait = max(_BACKOFF.delay(self._failures, self._timing), asked or 0.0)
        self._pause_until = self._timing.monotonic() + wait
        self._last_failure = error
        self._listener.refresh_failed(error, wait)

    # The held session

    def _current(self) -> _Held:
        if self._held is None:
            if self._over is not None:
                raise type(self._over)(self._over.message, code=self._over.code) from self._over
            raise SignInRequiredError("Nobody is signed in.")
        return self._held

    def _hold(self, session: Session, lives_seconds: float) -> _Held:
        now = self._timing.monotonic()
        early = min(_EARLIEST_SECONDS, session.expires_in * _EARLY_PART) * self._timing.uniform(_LEAST_SPREAD, 1.0)
        self._held = _Held(session=session, ends_at=now + lives_seconds, due_at=now + lives_seconds - early)
        self._over = None
        return self._held

    def _usable(self, session: Session) -> str:
        if self._checked != session.access_token:
            self._check(session.access_token)
            self._checked = session.access_token
        return session.access_token

    def _measure_clock(self, token: UnverifiedToken) -> None:
        if token.claims.iat is not None:
            self._clock_offset = token.claims.iat - self._timing.clock()

    # The early refresh

    def _start_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        self._keeper = asyncio.create_task(self._keep_fresh(), name="cadenza-session-keeper")

    async def _stop_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
            self._keeper = None

    async def _keep_fresh(self) -> None:
        """Refresh whenever it is due, until there is no session that could be."""
        while self._held is not None and self._held.session.refresh_token:
            held = self._held
            wait = max(held.due_at, self._pause_until) - self._timing.monotonic()
            if wait > 0:
                await self._timing.sleep(wait)
                continue
            with contextlib.suppress(CadenzaError):  # the listener was told, and the next attempt has its time
                await self._refresh(held)


def _retrieve(flight: asyncio.Task[None]) -> None:
    """Nobody may be left waiting for it: its error was told to the listener."""
    if not flight.cancelled():
        flight.exception()
