"""What is noted about a session beside the session itself, and put together as ``AuthState``.

Above: ``tokens``, which says what happened. Below: ``state``, ``schedule``. It notes how the refreshes went, and how
far the provider's clock is from this machine's; it decides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from cadenza.client.auth.schedule import Breaker, Held, next_attempt, on_the_wall, phase_of
from cadenza.client.auth.state import SKEW_SECONDS, AuthPhase, AuthState, Failure, StateBoard
from cadenza.client.auth.stores import SessionStore
from cadenza.client.timing import Timing
from cadenza.errors import CadenzaError, ClockSkewError, IdentityError, SignInRequiredError
from cadenza.tokens.claims import UnverifiedToken


class Report:
    """Keeps the newest state.

    Args:
        store: Where the session is kept; its location is shown.
        breaker: When attempts are made.
        timing: Clocks.

    Attributes:
        clock_offset: The provider's clock minus this machine's, to about a second; None before a token was received.
    """

    def __init__(self, store: SessionStore, breaker: Breaker, timing: Timing) -> None:
        self._store = store
        self._breaker = breaker
        self._timing = timing
        self._board = StateBoard(AuthState(store=store.location))
        self._last_refresh_at: float | None = None
        self._last_failure: Failure | None = None
        self._unsaved = False
        self.clock_offset: float | None = None

    @property
    def state(self) -> AuthState:
        """The newest."""
        return self._board.state

    def watch(self) -> AsyncIterator[AuthState]:
        """The state as it is, then each change, until ``close``."""
        return self._board.watch()

    def close(self) -> None:
        """Let every reader come to its end."""
        self._board.close()

    def begun(self) -> None:
        """Somebody signed in: what happened to the session before is of no interest any more."""
        self._last_refresh_at, self._last_failure, self._unsaved = None, None, False

    def refreshed(self, *, unsaved: CadenzaError | None) -> None:
        """A refresh succeeded, though perhaps the store could not be written."""
        self._last_refresh_at, self._last_failure = self._timing.clock(), None
        self._unsaved = unsaved is not None
        if unsaved is not None:
            self.failed(unsaved)

    def failed(self, error: CadenzaError) -> None:
        """A refresh, or keeping what it brought, failed."""
        reason = error.error_code if isinstance(error, IdentityError) else ""
        self._last_failure = Failure(
            kind=type(error).__name__, message=error.message, reason=reason, at=self._timing.clock()
        )

    def measure_clock(self, token: UnverifiedToken) -> ClockSkewError | None:
        """Compare the clocks by a token just received; return what to say if they are newly found far apart (H5)."""
        if token.claims.iat is None:
            return None
        before, self.clock_offset = self.clock_offset, token.claims.iat - self._timing.clock()
        if abs(self.clock_offset) <= SKEW_SECONDS or abs(self.clock_offset - (before or 0.0)) <= SKEW_SECONDS:
            return None
        return ClockSkewError(
            f"The identity provider's clock is {self.clock_offset:+.0f} s from this machine's.",
            offset_seconds=self.clock_offset,
        )

    def clock_was_set(self, seconds: float) -> None:
        """This machine's clock was set forward by so much."""
        if self.clock_offset is not None:
            self.clock_offset -= seconds

    def show(self, held: Held | None, over: SignInRequiredError | None) -> None:
        """Show how it stands now.

        Args:
            held: The session; None if there is none.
            over: Why the last one ended, if it did.
        """
        self._board.show(self._without_session(over) if held is None else self._with(held))

    def _without_session(self, over: SignInRequiredError | None) -> AuthState:
        return AuthState(
            phase=AuthPhase.SIGNED_OUT if over is None else AuthPhase.ENDED,
            ended_because="" if over is None else over.reason,
            clock_offset_seconds=self.clock_offset,
            store=self._store.location,
        )

    def _with(self, held: Held) -> AuthState:
        next_at, why = next_attempt(held, self._breaker, self._timing)
        return AuthState(
            phase=phase_of(held, self._breaker, self._timing),
            user_id=held.session.user_id,
            email=held.session.email,
            expires_at=on_the_wall(held.ends_at, self._timing),
            last_refresh_at=self._last_refresh_at,
            last_failure=self._last_failure,
            next_attempt_at=next_at,
            next_attempt_why=why,
            clock_offset_seconds=self.clock_offset,
            store=self._store.location,
            unsaved=self._unsaved,
        )
