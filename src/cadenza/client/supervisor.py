"""The one reconnect loop: token, attempt, wait for the drop, look the code up, wait, again (H6).

Above: ``link``. Below: ``connection`` (the table), ``ports``, a token source. The transport never reconnects by itself,
so each wait has a known length, and every report says what comes next and when (D2).

::

            start            open() ok              drop
    idle ─────────▶ opening ───────────▶ open ───────────────▶ decide
                       ▲  └───────────────────────────────────▶  │ │
                       │        refused, or no network           │ │
                       └────────────── waiting ◀─────────────────┘ └─▶ stopped
                          reconnect, or refresh first             sign in again, or a typed error
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from cadenza.client.connection import (
    Circumstances,
    Connected,
    Connecting,
    Disconnected,
    ErrorOccurred,
    LifecycleEvent,
    NextStep,
    Rule,
    When,
    decide,
    error_for,
)
from cadenza.client.ports import (
    LOST,
    Cause,
    ConnectFailedError,
    Connection,
    ConnectionListener,
    Opened,
    Plane,
    TokenRenewal,
)
from cadenza.client.timing import Backoff, Timing
from cadenza.errors import (
    CadenzaError,
    ClockSkewError,
    ClosedError,
    ConfigurationError,
    DeadlineExceededError,
    SignInRequiredError,
    TokenFormatError,
    TransportError,
)

#: A connection that lasted so long was a good one: the next failure is the first again (B5).
STABLE_SECONDS: Final = 10.0
#: For how long a code is remembered, to see that it comes again and again.
MEMORY_SECONDS: Final = 60.0
BACKOFF: Final = Backoff(first_seconds=0.2, longest_seconds=20.0)
_ASKED: Final = Cause(code=0, reason="connect called")


class TokenSource(Protocol):
    """Where the access token comes from."""

    @property
    def clock_offset_seconds(self) -> float | None:
        """The provider's clock minus this machine's, if known."""
        ...

    async def access_token(self) -> str:
        """The token to connect with."""
        ...

    async def renewed(self, refused: str) -> str:
        """Another one than ``refused``."""
        ...

    def end(self, error: SignInRequiredError) -> None:
        """The session is over."""
        ...


#: Makes a connection that tells its listener, and asks for a newer token when its own runs out.
ConnectionMaker = Callable[[ConnectionListener, TokenRenewal | None], Connection]


class Supervisor:
    """Keeps one connection open, from the first need to ``close``.

    Args:
        make: Makes the connection; nothing is sent yet.
        tokens: Where tokens come from; None for an anonymous connection.
        report: Takes each lifecycle event. Must not wait and must not raise.
        stopped: Told once when only the caller can go on. Must not wait and must not raise.
        timing: Clocks, sleep, chance.
    """

    def __init__(
        self,
        *,
        make: ConnectionMaker,
        tokens: TokenSource | None,
        report: Callable[[LifecycleEvent], None],
        stopped: Callable[[CadenzaError], None],
        timing: Timing,
    ) -> None:
        self._tokens = tokens
        self._report = report
        self._stopped = stopped
        self._timing = timing
        self._drops: asyncio.Queue[Cause] = asyncio.Queue()
        self._settled = asyncio.Event()
        self._opened: Opened | None = None
        self._final: CadenzaError | None = None
        self._task: asyncio.Task[None] | None = None
        self._last = _ASKED
        self._history: deque[tuple[float, int]] = deque(maxlen=16)
        self.connection: Final = make(self, None if tokens is None else tokens.renewed)

    @property
    def opened(self) -> Opened | None:
        """What the gateway said on letting us in; None while there is no connection."""
        return self._opened

    @property
    def final_error(self) -> CadenzaError | None:
        """Why it has stopped, if it has."""
        return self._final

    async def ready(self, deadline_seconds: float) -> Opened:
        """Wait until there is a connection; the first call makes one.

        Raises:
            CadenzaError: It has stopped; the error says why.
            DeadlineExceededError: No connection in time.
        """
        if self._opened is not None:
            return self._opened
        if self._final is None and self._task is None:
            self._task = asyncio.create_task(self._run(), name="cadenza-connection")
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self._outcome()
        except TimeoutError:
            raise DeadlineExceededError(f"No connection within {deadline_seconds:g} s; last: {self._last}.") from None

    async def _outcome(self) -> Opened:
        while True:
            if self._final is not None:
                raise self._final.with_traceback(None)
            if self._opened is not None:
                return self._opened
            await self._settled.wait()

    async def close(self) -> None:
        """Disconnect and stop for good."""
        was_open = self._opened is not None
        if self._final is None:
            self._final = ClosedError("The connection was closed.")
        self._set_opened(None)
        self._settled.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.connection.close()
        if was_open:
            self._report(Disconnected(code=0, reason="disconnect called", cause="it was asked for"))

    # ConnectionListener

    def dropped(self, cause: Cause) -> None:
        """An open connection ended."""
        self._set_opened(None)
        self._drops.put_nowait(cause)

    def failed(self, error: CadenzaError, retry_in_seconds: float | None) -> None:
        """Something failed that leaves the connection open."""
        step = NextStep.NOTHING if retry_in_seconds is None else NextStep.RETRY
        self._report(
            ErrorOccurred(code=error.code or 0, error=error, next_step=step, retry_in_seconds=retry_in_seconds)
        )

    # The loop

    async def _run(self) -> None:
        try:
            await self._loop()
        except Exception as error:  # noqa: BLE001 - whoever waits for a connection must hear of a fault in here
            fault = TransportError(f"The connection's supervisor failed: {type(error).__name__}.", temporary=False)
            fault.__cause__ = error
            self._stop(fault, self._last)

    async def _loop(self) -> None:
        attempt, failures, doubted, renewed = 0, 0, False, False
        refused: str | None = None
        while True:
            attempt += 1
            token = ""
            try:
                token = await self._token(refused)
            except CadenzaError as error:
                failures += 1
                if not await self._go_on_without_token(error, failures):
                    return
                continue
            renewed = renewed or doubted
            refused, doubted = None, False
            opened_at = self._timing.monotonic()
            cause, was_open = await self._connection_with(token, attempt)
            if was_open:
                attempt, renewed = 0, False
                if self._timing.monotonic() - opened_at >= STABLE_SECONDS:
                    failures = 0
            failures += 1
            rule = decide(
                cause, Circumstances(token_sent=bool(token), renewed=renewed, repeats=self._count(cause.code))
            )
            if rule.next_step.is_final:
                self._stop(self._final_error(rule, cause), cause, rule)
                return
            if rule.next_step is NextStep.REFRESH:
                # A connection that ran out (3005) says nothing against its token: the next refusal is the first.
                refused, doubted = token, rule.when is not When.ALWAYS
            wait = max(BACKOFF.delay(failures, self._timing), rule.at_least_seconds)
            self._report_failure(rule, cause, wait, was_open=was_open)
            await self._timing.sleep(wait)

    async def _token(self, refused: str | None) -> str:
        if self._tokens is None:
            return ""
        return await (self._tokens.access_token() if refused is None else self._tokens.renewed(refused))

    async def _go_on_without_token(self, error: CadenzaError, failures: int) -> bool:
        """There is no token to connect with. Wait if that can change by itself."""
        if isinstance(error, SignInRequiredError | TokenFormatError | ConfigurationError):
            if error.__cause__ is None and self._last is not _ASKED:
                error.__cause__ = error_for(decide(self._last, Circumstances()), self._last)
            self._stop(error, self._last)
            return False
        wait = BACKOFF.delay(failures, self._timing)
        self._report(ErrorOccurred(code=error.code or 0, error=error, next_step=NextStep.RETRY, retry_in_seconds=wait))
        await self._timing.sleep(wait)
        return True

    async def _connection_with(self, token: str, attempt: int) -> tuple[Cause, bool]:
        """Make one attempt; if it succeeds, stay until the connection ends. Returns why, and whether it was open."""
        self._report(Connecting(code=self._last.code, reason=self._last.reason, attempt=attempt))
        self._drops = asyncio.Queue()
        try:
            opened = await self.connection.open(token)
        except ConnectFailedError as failed:
            self._last = failed.cause
            return failed.cause, False
        if self._drops.empty():
            self._set_opened(opened)
            self._report(Connected(client=opened.client, version=opened.version, data=opened.data))
        self._last = await self._drops.get()
        return self._last, True

    def _count(self, code: int) -> int:
        now = self._timing.monotonic()
        self._history.append((now, code))
        return sum(1 for at, seen in self._history if seen == code and now - at <= MEMORY_SECONDS)

    def _report_failure(self, rule: Rule, cause: Cause, wait: float, *, was_open: bool) -> None:
        if was_open or (cause.plane is Plane.DISCONNECT and cause.code > LOST):
            self._report(
                Disconnected(
                    code=cause.code,
                    reason=cause.reason,
                    cause=rule.meaning,
                    next_step=rule.next_step,
                    retry_in_seconds=wait,
                )
            )
        else:
            self._report(
                ErrorOccurred(
                    code=cause.code, error=error_for(rule, cause), next_step=rule.next_step, retry_in_seconds=wait
                )
            )

    def _final_error(self, rule: Rule, cause: Cause) -> CadenzaError:
        error = error_for(rule, cause)
        if rule.plane is Plane.CONNECT_ERROR and isinstance(error, SignInRequiredError):
            # A9, H5: the token was fresh, so a clock is wrong.
            offset = None if self._tokens is None else self._tokens.clock_offset_seconds
            skew = ClockSkewError(
                "A fresh token is refused as expired: a clock is wrong. The provider's clock is "
                f"{0.0 if offset is None else offset:+.0f} s from this machine's.",
                offset_seconds=0.0 if offset is None else offset,
                code=cause.code,
            )
            error.__cause__ = skew
            self._report(ErrorOccurred(code=cause.code, error=skew, next_step=rule.next_step))
        return error

    def _stop(self, error: CadenzaError, cause: Cause, rule: Rule | None = None) -> None:
        if isinstance(error, SignInRequiredError) and self._tokens is not None:
            self._tokens.end(error)
        self._final = error
        self._set_opened(None)
        self._settled.set()
        step = NextStep.SIGN_IN if isinstance(error, SignInRequiredError) else NextStep.STOP
        meaning = error.message if rule is None else rule.meaning
        self._report(Disconnected(code=cause.code, reason=cause.reason, cause=meaning, next_step=step, error=error))
        self._stopped(error)

    def _set_opened(self, opened: Opened | None) -> None:
        self._opened = opened
        if opened is None and self._final is None:
            self._settled.clear()
        else:
            self._settled.set()
