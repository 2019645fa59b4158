"""A picture on the whole terminal that is drawn anew when it has changed, and left standing in the end.

Above: ``cli.views``. Below: ``cli.screen``; what is drawn is a picture's business. Ten times a second at most, however
fast the channel is; once a second at least, for the ages shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, Protocol

from cadenza.cli.connection_state import ConnectionState
from cadenza.cli.screen import Line, Room, Screen
from cadenza.client import Gap
from cadenza.client.timing import Timing

__all__ = ["LiveView", "Picture"]

_SHORTEST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 1.0
#: What a redraw cannot be put off for: the terminal has another size.
_RESIZED: Final = signal.SIGWINCH


class Picture(Protocol):
    """What is drawn: it takes items, and makes lines of the newest state."""

    def show(self, item: object, sequence: str, /) -> None:
        """Take one more; ``sequence`` is of a book, and empty otherwise."""

    def lines(self, room: Room, /) -> list[Line]:
        """Draw it in so much room."""
        ...


class LiveView:
    """A view on the whole terminal.

    Args:
        picture: What to draw.
        screen: Where.
        timing: Clocks and sleep.

    Attributes:
        wants_history: It does: a picture shows the newest beside what was before.
        teller: Told how the connection fares, for the foot.
    """

    wants_history = True

    def __init__(self, picture: Picture, screen: Screen, timing: Timing) -> None:
        self._picture = picture
        self._screen = screen
        self._timing = timing
        self._arrived_at = timing.monotonic()
        self._changed = asyncio.Event()
        self.teller = ConnectionState(timing, changed=self._changed.set)

    def show(self, item: object, *, sequence: str = "") -> None:
        """Take one more item; it is drawn soon."""
        self._arrived_at = self._timing.monotonic()
        self._picture.show(item, sequence)
        self.teller.arrived()
        self._changed.set()

    def missed(self, gap: Gap) -> None:
        """Something is missing."""
        self.teller.missed(gap)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have the terminal until the end of the block; the last picture stays."""
        with self._leave_last_picture(), self._have_terminal():
            drawing = asyncio.create_task(self._draw_on(), name="cadenza-live-view")
            drawing.add_done_callback(_ending(asyncio.current_task()))
            try:
                yield
            finally:
                drawing.cancel()
                await asyncio.wait({drawing})
                if not drawing.cancelled():
                    drawing.result()

    @contextlib.contextmanager
    def _leave_last_picture(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._screen.leave(self._last_lines())

    async def _draw_on(self) -> None:
        while True:
            self._changed.clear()
            self._screen.draw(self._lines())
            await self._timing.sleep(_SHORTEST_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SECONDS - _SHORTEST_SECONDS):
                    await self._changed.wait()

    def _lines(self) -> list[Line]:
        """The picture, and how the connection stands."""
        return [*self._drawn(), self.teller.line(has_blocks=self._screen.has_blocks)]

    def _last_lines(self) -> list[Line]:
        last = self.teller.last_line(has_blocks=self._screen.has_blocks)
        if last is not None:
            return [*self._drawn(), last]
        drawn = self._drawn()
        return drawn[:-1] if drawn and not drawn[-1] else drawn

    def _drawn(self) -> list[Line]:
        width, height = self._screen.size
        room = Room(
            width=width,
            height=height - 1,
            has_blocks=self._screen.has_blocks,
            age_seconds=self._timing.monotonic() - self._arrived_at,
        )
        return self._picture.lines(room)[: room.height]

    @contextlib.contextmanager
    def _have_terminal(self) -> Iterator[None]:
        """Take the terminal, and give it back on every way out; also while the program stands still (Ctrl-Z)."""
        loop = asyncio.get_running_loop()
        handlers = {_RESIZED: self._changed.set, signal.SIGTSTP: self._stand_still, signal.SIGTERM: self._die}
        self._screen.take()
        try:
            for number, handler in handlers.items():
                loop.add_signal_handler(number, handler)
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)
            self._screen.give_back()

    def _stand_still(self) -> None:
        self._screen.give_back()
        os.kill(os.getpid(), signal.SIGSTOP)  # returns when the shell lets it go on
        self._screen.take()
        self._changed.set()

    def _die(self) -> None:
        self._screen.give_back()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _ending(watching: asyncio.Task[object] | None) -> Callable[[asyncio.Task[None]], None]:
    """A drawing that fails ends what it draws for, which then raises why."""

    def drawn(drawing: asyncio.Task[None]) -> None:
        if watching is not None and not drawing.cancelled():
            watching.cancel()

    return drawn
