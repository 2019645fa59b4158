"""The token manager: always a usable access token, one refresh at a time, and never a lost session.

Above: ``_client`` (sign-in and sign-out), ``supervisor`` and ``_centrifuge`` (ask for the token when they need it: it
is pulled at every connect and never kept in a subscription, D1). Below: ``refreshing`` (one refresh, under the store's
lock), ``schedule`` (when), ``report`` (what is shown), ``stores``.

What it holds to:

- Refreshed early, by the provider's ``expires_in`` and a monotonic clock; the wall clock is asked only for a session
  that comes out of a store, and to notice that the machine slept. Whether a token is good is the server's word, not the
  clock's (H5).
- One refresh at a time: in the process by sharing the attempt, across processes by the store's lock (E1, E4).
- No code of the user runs under the lock (E5): listener and watchers are told after it, and only note things down.
- While the provider is away, the current token is served as long as it lives. Attempts back off; 429 waits as long as
  it says; a refusal that cannot change ends the session with its reason (E6).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

from cadenza.client.auth.refreshing import LOCK_DEADLINE_SECONDS, Refresher, Renewal, Renewer
from cadenza.client.auth.report import Report
from cadenza.client.auth.schedule import Breaker, Held, SleepWatch, hold, is_fresh, phase_of, remaining_seconds
from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.state import AuthState
from cadenza.client.auth.stores import SessionStore
from cadenza.client.timing import Timing
from cadenza.errors import (
    AuthError,
    CadenzaError,
    ClockSkewError,
    SessionRevokedError,
    SignInRequiredError,
    TokenFormatError,
)
from cadenza.tokens.claims import UnverifiedToken

__all__ = ["FormCheck", "Refresher", "SessionListener", "TokenManager"]

#: How soon a machine that woke up is noticed, even if nobody asks for a token.
_LOOK_SECONDS: Final = 5.0

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

    def clock_is_wrong(self, error: ClockSkewError) -> None:
        """This machine's clock and the provider's are far apart. The session does not suffer from it."""
        ...


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
        self._renewer = Renewer(store, refresher, is_fresh=lambda session: is_fresh(session, timing))
        self._check = check
        self._listener = listener
        self._timing = timing
        self._breaker = Breaker(timing)
        self._sleep_watch = SleepWatch(timing)
        self._report = Report(store, self._breaker, timing)
        self._held: Held | None = None
        self._over: SignInRequiredError | None = None
        self._checked = ""
        self._flight: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def session(self) -> Session | None:
        """The session as it is now."""
        return None if self._held is None else self._held.session

    @property
    def state(self) -> AuthState:
        """Everything there is to know of it."""
        return self._report.state

    def watch(self) -> AsyncIterator[AuthState]:
        """The state as it is, then each change, until ``close``."""
        return self._report.watch()

    @property
    def clock_offset_seconds(self) -> float | None:
        """The provider's clock minus this machine's, to about a second; None before a token was received."""
        return self._report.clock_offset

    def require_session(self) -> Session:
        """The session, or ``SignInRequiredError`` with the reason why there is none."""
        return self._current().session

    def resume(self, stored: StoredSession) -> None:
        """Go on with a session out of the store. Its life is judged by the wall clock, as there is nothing else."""
        self._hold(stored, remaining_seconds(stored.session, self._timing))
        self._show()
        self._start_keeper()

    async def adopt(self, stored: StoredSession) -> None:
        """Take over a session just received: check it, store it, keep it fresh.

        Raises:
            TokenFormatError: The access token is none; nothing was stored.
            SessionStoreError: It could not be stored; it is not used.
        """
        token = self._check(stored.session.access_token)
        async with self._store.lock(LOCK_DEADLINE_SECONDS):
            await self._store.save(stored)
            self._hold(stored, stored.session.expires_in)
        self._breaker.reset()
        self._report.begun()
        self._measure_clock(token)
        self._show()
        self._start_keeper()

    async def forget(self) -> None:
        """Sign out here: remove the session from store and memory. Raises ``SessionStoreError``."""
        async with self._store.lock(LOCK_DEADLINE_SECONDS):
            held = self._held
            stored = await self._store.load()
            if held is not None and stored is not None and stored.session.user_id == held.session.user_id:
                await self._store.clear()
            self._held, self._over = None, None
        self._show()
        await self._stop_keeper()

    async def access_token(self) -> str:
        """Return an access token that is good for a while.

        Raises:
            SignInRequiredError: There is no session, or it is over.
            TokenFormatError: The token is malformed: it never goes on the wire.
            TransportError: The token has run out and the provider cannot be reached now.
            IdentityError: The same, with the provider's reason; temporary.
        """
        held = self._current()
        if held.session.refresh_token and self._timing.monotonic() >= held.due_at:
            try:
                await self._refresh(held)
            except CadenzaError:
                # It was only early. The session has to be the same still, and the token alive.
                now = self._held
                if now is None or now.stored is not held.stored or self._timing.monotonic() >= now.ends_at:
                    raise
        return self._usable(self._current().session)

    async def renewed(self, refused: str) -> str:
        """Return another access token than ``refused``, which a server has just turned down. Raises as above."""
        while True:
            held = self._current()
            if held.session.access_token != refused:
                return self._usable(held.session)
            if not held.session.refresh_token:
                raise SignInRequiredError(
                    "The access token was refused, and there is no refresh token.", reason="token_refused"
                )
            await self._refresh(held)

    def end(self, error: SignInRequiredError) -> None:
        """The session is known to be over: nothing more is asked with it. The store is left to whoever ended it."""
        error.reason = error.reason or ("revoked" if isinstance(error, SessionRevokedError) else "token_refused")
        self._held = None
        self._over = error
        self._show()

    async def close(self) -> None:
        """Stop. A refresh under way is waited for: what it brings must reach the store."""
        await self._stop_keeper()
        if self._flight is not None:
            if not self._renewer.is_under_way:  # it still waits for the lock, or never came to it
                self._flight.cancel()
            await asyncio.wait({self._flight})
        self._report.close()

    # One refresh

    async def _refresh(self, held: Held) -> None:
        """Have ``held`` replaced, by one attempt that all callers share."""
        if self._flight is None or self._flight.done():
            if not self._is_current(held):
                return
            self._flight = asyncio.create_task(self._refresh_once(held), name="cadenza-refresh")
            self._flight.add_done_callback(_retrieve)
        await asyncio.shield(self._flight)

    async def _refresh_once(self, held: Held) -> None:
        if self._breaker.is_open:
            raise self._too_soon()
        try:
            renewal = await self._renewer.renew(held.stored)
        except SignInRequiredError as error:
            raise self._ended(held, error) from error.__cause__
        except CadenzaError as error:
            self._failed(error)
            raise
        if self._is_current(held):  # nobody signed in or out meanwhile
            self._went_well(held, renewal)

    def _went_well(self, held: Held, renewal: Renewal) -> None:
        session = renewal.stored.session
        lives = remaining_seconds(session, self._timing) if renewal.by_sibling else session.expires_in
        fresh = self._hold(renewal.stored, lives)
        self._breaker.succeeded(lasted_seconds=fresh.since - held.since)
        self._report.refreshed(unsaved=renewal.unsaved)
        if not renewal.by_sibling:
            with contextlib.suppress(TokenFormatError):  # said where the token is used
                self._measure_clock(self._check(session.access_token))
        if renewal.unsaved is not None:
            self._listener.refresh_failed(renewal.unsaved, max(0.0, fresh.due_at - fresh.since))
        self._show()
        self._listener.session_refreshed(session)

    def _failed(self, error: CadenzaError) -> None:
        wait = self._breaker.failed(error)
        self._report.failed(error)
        self._show()
        self._listener.refresh_failed(error, wait)

    def _ended(self, held: Held, error: SignInRequiredError) -> SignInRequiredError:
        if self._is_current(held):
            self.end(error)
            self._listener.session_over(error)
        return error

    def _too_soon(self) -> CadenzaError:
        if self._breaker.last_failure is not None:
            return self._breaker.last_failure.with_traceback(None)
        return AuthError(
            "The session was refreshed again and again without a token that lasts; the next attempt is in "
            f"{self._breaker.remaining_seconds:.0f} s.",
            temporary=True,
            next_step="Compare the clocks, and see why the tokens are refused.",
        )

    # The held session

    def _current(self) -> Held:
        self._notice_sleep()
        if self._held is None:
            if self._over is not None:
                over = self._over
                raise type(over)(over.message, code=over.code, reason=over.reason) from over
            raise SignInRequiredError("Nobody is signed in.")
        return self._held

    def _is_current(self, held: Held) -> bool:
        return self._held is not None and self._held.stored is held.stored

    def _hold(self, stored: StoredSession, lives_seconds: float) -> Held:
        self._held = hold(stored, lives_seconds=lives_seconds, timing=self._timing)
        self._over = None
        return self._held

    def _usable(self, session: Session) -> str:
        if self._checked != session.access_token:
            self._check(session.access_token)
            self._checked = session.access_token
        return session.access_token

    def _notice_sleep(self) -> None:
        """Count the time the machine slept, or take note that its clock was set back."""
        jumped = self._sleep_watch.jump()
        if not jumped:
            return
        if jumped > 0:  # if only the clock was set, the token is refreshed too soon, which does no harm
            self._breaker.passed(jumped)
            self._held = None if self._held is None else self._held.older_by(jumped)
        else:
            self._report.clock_was_set(jumped)
        self._show()

    def _measure_clock(self, token: UnverifiedToken) -> None:
        wrong = self._report.measure_clock(token)
        if wrong is not None:
            self._listener.clock_is_wrong(wrong)

    def _show(self) -> None:
        self._report.show(self._held, self._over)

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
        """Refresh whenever it is due, until there is no session that could be. Looks often: the machine may sleep."""
        while True:
            self._notice_sleep()
            held = self._held
            if held is None or not held.session.refresh_token:
                return
            if self.state.phase is not phase_of(held, self._breaker, self._timing):
                self._show()
            wait = max(held.due_at, self._breaker.open_until) - self._timing.monotonic()
            if wait > 0:
                await self._timing.sleep(min(wait, _LOOK_SECONDS))
                continue
            with contextlib.suppress(CadenzaError):  # the listener was told, and the next attempt has its time
                await self._refresh(held)


def _retrieve(flight: asyncio.Task[None]) -> None:
    """Nobody may be left waiting for it: its error was told to the listener."""
    if not flight.cancelled():
        flight.exception()
