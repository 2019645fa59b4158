"""How the connection stands, for the foot of a live view: connected, lost and why, and whether anything was missed.

Above: ``cli.live``. Below: the SDK's events, ``cli.screen``. It is told, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from cadenza.cli.colours import Style
from cadenza.cli.moments import clock_time
from cadenza.cli.screen import Line, Span
from cadenza.client import Connected, Connecting, Disconnected, Gap
from cadenza.client.timing import Timing

__all__ = ["ConnectionState"]


class ConnectionState:
    """The state, of a connection that was made once.

    Args:
        timing: Clocks.
        changed: Called when there is something new to say.
    """

    def __init__(self, timing: Timing, *, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._timing = timing
        self._lost = ""
        self._attempt = 0
        self._retry_at = 0.0
        self._again_at: int | None = None
        self._whole_since = True
        self._gap: tuple[int, Gap] | None = None

    def connecting(self, event: Connecting) -> None:
        """An attempt begins."""
        self._attempt = event.attempt
        self._retry_at = 0.0
        self._changed()

    def connected(self, event: Connected) -> None:  # noqa: ARG002  # an event's handler
        """The gateway has let us in again."""
        self._lost, self._attempt = "", 0
        self._again_at = self._now()
        self._whole_since = False
        self._changed()

    def disconnected(self, event: Disconnected) -> None:
        """The connection is lost, or was not made."""
        self._lost = event.reason or event.cause or f"code {event.code}"
        self._retry_at = self._timing.monotonic() + (event.retry_in_seconds or 0.0)
        self._changed()

    def arrived(self) -> None:
        """Something came: what was missed meanwhile, if anything, was told before."""
        self._whole_since = True

    def missed(self, gap: Gap) -> None:
        """Something is missing, for good."""
        self._gap = (self._now(), gap)
        self._changed()

    def line(self, *, has_blocks: bool) -> Line:
        """Say it on one line."""
        full, empty = ("● ", "○ ") if has_blocks else ("* ", "o ")
        if self._lost:
            return [(f"{empty}connection lost: {self._lost}; {self._next()}", Style.WARNING)]
        state: list[Span] = [(f"{full}connected", Style.GOOD)]
        if self._again_at is not None:
            state.append((f" again at {_clock(self._again_at)}{self._outcome()}", Style.PLAIN))
        if self._gap is not None:
            at, gap = self._gap
            lost = "some publications" if gap.lost is None else f"{gap.lost} publication(s)"
            state.append((f"  {lost} missing at {_clock(at)}: {gap.cause.value}", Style.WARNING))
        return [*state, ("  Ctrl-C ends", Style.MUTED)]

    def last_line(self, *, has_blocks: bool) -> Line | None:
        """What of it is still worth knowing when the view has ended: nothing, where all went well."""
        if not self._lost and self._gap is None:
            return None
        return [span for span in self.line(has_blocks=has_blocks) if span[1] is Style.WARNING]

    def _next(self) -> str:
        left = self._retry_at - self._timing.monotonic()
        attempt = f"attempt {self._attempt}" if self._attempt > 1 else ""
        return ", ".join(part for part in ("reconnecting", attempt, f"in {left:.0f} s" if left >= 1 else "") if part)

    def _outcome(self) -> str:
        """What the connection that was lost has cost, once that can be known."""
        gap_since = self._gap is not None and self._again_at is not None and self._gap[0] >= self._again_at
        return ", nothing missed" if self._whole_since and not gap_since else ""

    def _now(self) -> int:
        return round(self._timing.clock() * 1000)


def _clock(milliseconds: int) -> str:
    return clock_time(milliseconds).partition(".")[0]
