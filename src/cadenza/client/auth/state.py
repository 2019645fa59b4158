"""What there is to know about the session, as one immutable value, and how its changes are watched.

Above: users (``api.auth.state``, ``api.auth.watch_state()``), ``cli``. Below: ``timing``, errors. ``report`` writes it.
No value here holds a token, and no text of one the user's address.
"""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import msgspec

#: A reader that is slower for so many changes loses the oldest: the newest state is the one that counts.
_QUEUE_SIZE: Final = 64
#: Tokens live for minutes, and a second is what the measurement is good for: less says nothing.
SKEW_SECONDS: Final = 30.0


class AuthPhase(enum.Enum):
    """How it stands with the session. The value is the sentence for a person."""

    SIGNED_OUT = "nobody is signed in"
    SIGNED_IN = "signed in"
    RETRYING = "signed in; the last refresh failed and is tried again"
    RUN_OUT = "the access token has run out; the refresh is tried again"
    ENDED = "the session is over: sign in again"


class Why(enum.Enum):
    """Why the next refresh is when it is. The value is the sentence for a person."""

    NONE = "no refresh is planned"
    EARLY = "some time before the access token runs out"
    FAILURE = "the last attempt failed: each wait is longer, while the token lives"
    TOLD_TO_WAIT = "the provider said how long to wait"
    TOO_MANY = "too many refreshes in a short time"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh that failed.

    Attributes:
        kind: The error's class, ``TransportError`` for instance.
        message: What happened.
        reason: The provider's error code, if it was the provider's word.
        at: When, seconds since the epoch by this machine's clock.
    """

    kind: str
    message: str
    reason: str = ""
    at: float


class AuthState(msgspec.Struct, frozen=True, kw_only=True):
    """The session as it stands. Times are seconds since the epoch by this machine's clock, so they can be compared.

    Attributes:
        phase: How it stands.
        user_id: Who is signed in; empty if nobody is.
        email: Their address, if they have one.
        expires_at: Until when the access token is good, by the provider's word on how long it lives.
        last_refresh_at: When a refresh last succeeded, here or in another process that shares the store.
        last_failure: The last refresh that failed since then.
        next_attempt_at: When the next refresh is due.
        next_attempt_why: Why then.
        clock_offset_seconds: The provider's clock minus this machine's, to about a second; None until it was measured.
        ended_because: Once the session is over: the provider's error code, or ``signed_out_elsewhere``, ``other_user``,
            ``revoked``, ``refused``.
        store: Where the session is kept.
        unsaved: The store could not be written: the session goes on, and is written as soon as that works.
    """

    phase: AuthPhase = AuthPhase.SIGNED_OUT
    user_id: str = ""
    email: str = ""
    expires_at: float | None = None
    last_refresh_at: float | None = None
    last_failure: Failure | None = None
    next_attempt_at: float | None = None
    next_attempt_why: Why = Why.NONE
    clock_offset_seconds: float | None = None
    ended_because: str = ""
    store: str = ""
    unsaved: bool = False

    @property
    def clock_is_wrong(self) -> bool:
        """Whether one of the two clocks is so far off that it should be set (H5)."""
        return self.clock_offset_seconds is not None and abs(self.clock_offset_seconds) > SKEW_SECONDS

    def __repr__(self) -> str:
        return f"<AuthState {self.phase.name} user={self.user_id} next={self.next_attempt_why.name}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:  # msgspec gives structs one; rich would print the address
        return [("phase", self.phase.name), ("user_id", self.user_id)]


class StateBoard:
    """Holds the newest state and tells its readers.

    Args:
        state: What to begin with.
    """

    def __init__(self, state: AuthState) -> None:
        self._state = state
        self._readers: set[_Reader] = set()
        self._closed = False

    @property
    def state(self) -> AuthState:
        """The newest."""
        return self._state

    def show(self, state: AuthState) -> None:
        """Make it the newest. Never waits; readers run in tasks of their own (E5)."""
        if state == self._state:
            return
        self._state = state
        for reader in self._readers:
            reader.put(state)

    def close(self) -> None:
        """Let every reader come to its end."""
        self._closed = True
        for reader in self._readers:
            reader.wake.set()

    async def watch(self) -> AsyncIterator[AuthState]:
        """The state as it is, then each change, until the client is closed."""
        reader = _Reader(self._state)
        self._readers.add(reader)
        try:
            while True:
                while reader.waiting:
                    yield reader.waiting.popleft()
                if self._closed:
                    return
                reader.wake.clear()
                await reader.wake.wait()
        finally:
            self._readers.discard(reader)


class _Reader:
    def __init__(self, state: AuthState) -> None:
        self.waiting: deque[AuthState] = deque([state], maxlen=_QUEUE_SIZE)
        self.wake = asyncio.Event()

    def put(self, state: AuthState) -> None:
        self.waiting.append(state)
        self.wake.set()
