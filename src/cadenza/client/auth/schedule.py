"""When a session may and should be refreshed: its lifetime, the machine's sleep, the waits after failures.

Above: ``tokens``. Below: ``timing``, ``session``, ``state``, errors. No I/O: clocks come in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.state import AuthPhase, Why
from cadenza.client.timing import Backoff, Timing
from cadenza.errors import CadenzaError, IdentityError, RateLimitedError

#: A token is refreshed when this part of its life is left, but at most so many seconds before its end.
_EARLY_PART: Final = 0.2
_EARLIEST_SECONDS: Final = 90.0
#: Spread over clients and processes that got their tokens at the same moment.
_LEAST_SPREAD: Final = 0.75
_BACKOFF: Final = Backoff(first_seconds=1.0, longest_seconds=60.0)
#: E6: who is told "too many" without being told how long to wait.
_LEAST_AFTER_TOO_MANY_SECONDS: Final = 30.0
_TOO_MANY_REQUESTS: Final = 429
#: A token that had to be replaced sooner was no good; after so many in a row each next one has to wait (E6).
_QUICK_SECONDS: Final = 10.0
_QUICK_ALLOWED: Final = 5
#: The wall clock ran so much farther than the monotonic one: the machine slept, or its clock was set.
JUMP_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """A session with its times on the monotonic clock."""

    stored: StoredSession
    since: float
    ends_at: float
    due_at: float

    @property
    def session(self) -> Session:
        """The session itself."""
        return self.stored.session

    def older_by(self, seconds: float) -> Held:
        """The same after a sleep that the monotonic clock did not count."""
        return replace(self, ends_at=self.ends_at - seconds, due_at=self.due_at - seconds)


def hold(stored: StoredSession, *, lives_seconds: float, timing: Timing) -> Held:
    """Begin to count a session's life."""
    now = timing.monotonic()
    early = min(_EARLIEST_SECONDS, stored.session.expires_in * _EARLY_PART) * timing.uniform(_LEAST_SPREAD, 1.0)
    return Held(stored=stored, since=now, ends_at=now + lives_seconds, due_at=now + lives_seconds - early)


def remaining_seconds(session: Session, timing: Timing) -> float:
    """What is left of a session that comes out of a store: by the wall clock, as there is nothing else (H5).

    Never more than a whole life, however wrong the clock is.
    """
    return min(session.expires_at - timing.clock(), session.expires_in)


def is_fresh(session: Session, timing: Timing) -> bool:
    """Whether a session that comes out of a store need not be refreshed yet."""
    return remaining_seconds(session, timing) > min(_EARLIEST_SECONDS, session.expires_in * _EARLY_PART)


class SleepWatch:
    """Notices that the machine slept: on Linux the monotonic clock stands still meanwhile, and the wall clock does not.

    Args:
        timing: Both clocks.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._apart = self._difference()

    def jump(self) -> float:
        """By how many seconds the wall clock has jumped since the last jump; 0 for less than ``JUMP_SECONDS``."""
        apart = self._difference()
        jumped = apart - self._apart
        if abs(jumped) < JUMP_SECONDS:
            return 0.0
        self._apart = apart
        return jumped

    def _difference(self) -> float:
        return self._timing.clock() - self._timing.monotonic()


class Breaker:
    """Says when the provider may be asked again (E6).

    Args:
        timing: Clocks and chance.

    Attributes:
        open_until: Nothing is asked before, on the monotonic clock.
        why: Why it waits.
        last_failure: The failure it waits after, if there was one.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._failures = 0
        self._quick = 0
        self._imposed = 0.0
        self.open_until = 0.0
        self.why = Why.NONE
        self.last_failure: CadenzaError | None = None

    @property
    def is_open(self) -> bool:
        """Whether the provider is to be left alone now."""
        return self._timing.monotonic() < self.open_until

    @property
    def remaining_seconds(self) -> float:
        """For how long."""
        return max(0.0, self.open_until - self._timing.monotonic())

    def failed(self, error: CadenzaError) -> float:
        """Count a failure. Returns how long to wait."""
        self._failures += 1
        wait, self.why = _BACKOFF.delay(self._failures, self._timing), Why.FAILURE
        if isinstance(error, IdentityError) and error.status == _TOO_MANY_REQUESTS:
            wait = max(wait, _LEAST_AFTER_TOO_MANY_SECONDS)
        asked = error.retry_after_seconds if isinstance(error, IdentityError | RateLimitedError) else None
        if asked is not None and asked > wait:
            wait, self.why = asked, Why.TOLD_TO_WAIT
        self.open_until = self._timing.monotonic() + wait
        self.last_failure = error
        return wait

    def succeeded(self, *, lasted_seconds: float) -> None:
        """Count a success that replaced a token after so many seconds."""
        self._failures, self.last_failure = 0, None
        # The wait that was imposed on it does not count as its life.
        self._quick = self._quick + 1 if lasted_seconds < _QUICK_SECONDS + self._imposed else 0
        over = self._quick - _QUICK_ALLOWED
        self._imposed = wait = _BACKOFF.delay(over, self._timing) if over > 0 else 0.0
        self.open_until, self.why = self._timing.monotonic() + wait, Why.TOO_MANY if wait else Why.NONE

    def passed(self, seconds: float) -> None:
        """The machine slept so long, which is time waited."""
        self.open_until -= seconds

    def reset(self) -> None:
        """Begin anew with a new session."""
        self._failures, self._quick, self._imposed, self.last_failure = 0, 0, 0.0, None
        self.open_until, self.why = 0.0, Why.NONE


def phase_of(held: Held, breaker: Breaker, timing: Timing) -> AuthPhase:
    """How it stands with a session."""
    if timing.monotonic() >= held.ends_at:
        return AuthPhase.RUN_OUT
    return AuthPhase.SIGNED_IN if breaker.last_failure is None else AuthPhase.RETRYING


def next_attempt(held: Held, breaker: Breaker, timing: Timing) -> tuple[float | None, Why]:
    """When a session is refreshed next, by the wall clock, and why then."""
    if not held.session.refresh_token:
        return None, Why.NONE
    if breaker.is_open and breaker.open_until > held.due_at:
        return on_the_wall(breaker.open_until, timing), breaker.why
    return on_the_wall(held.due_at, timing), Why.EARLY


def on_the_wall(monotonic: float, timing: Timing) -> float | None:
    """A moment of the monotonic clock on the wall clock; None for never."""
    return None if math.isinf(monotonic) else timing.clock() + (monotonic - timing.monotonic())
