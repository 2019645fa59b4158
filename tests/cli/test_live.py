"""The live view: drawn when it changed and not oftener than a person sees, the terminal given back on every way out."""

from __future__ import annotations

import asyncio
import io
import re

import pytest

from cadenza.cli.colours import Style
from cadenza.cli.connection_state import ConnectionState
from cadenza.cli.live import LiveView
from cadenza.cli.screen import Line, Room, Screen, joined
from cadenza.client import Connected, Connecting, Disconnected, Gap, GapCause, NextStep
from cadenza.client.timing import Timing
from cadenza.errors import SubscriptionError

_TAKEN, _GIVEN_BACK = "\x1b[?1049h\x1b[?25l", "\x1b[?1049l\x1b[?25h"
_FRAME = re.compile(r"\x1b\[\?2026h\x1b\[H(.*?)\x1b\[J\x1b\[\?2026l", re.DOTALL)


class _Terminal(io.TextIOWrapper):
    def __init__(self) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return self.written.getvalue().decode()

    @property
    def frames(self) -> list[str]:
        return _FRAME.findall(self.text)


class _Words:
    """A picture of what it was shown."""

    def __init__(self) -> None:
        self.shown: list[object] = []

    def show(self, item: object, _: str, /) -> None:
        self.shown.append(item)

    def lines(self, room: Room, /) -> list[Line]:
        if "impossible" in self.shown:
            raise ArithmeticError("impossible")
        return [[(f"{len(self.shown)} shown, {room.age_seconds:.0f} s", Style.PLAIN)]]


class _Clock:
    """Time that goes when it is told to; a sleep ends when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asleep = asyncio.Event()
        self._wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self._wake.wait()
        self._wake.clear()
        self.now += seconds

    async def until_asleep(self) -> None:
        async with asyncio.timeout(5):
            await self.asleep.wait()
        self.asleep.clear()

    def wake(self) -> None:
        self._wake.set()

    @property
    def timing(self) -> Timing:
        return Timing(clock=lambda: 1_795_442_066.0 + self.now, monotonic=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def terminal(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    return _Terminal()


async def test_many_changes_between_two_redraws_are_one_redraw(terminal: _Terminal) -> None:
    clock = _Clock()
    view = LiveView(_Words(), Screen(terminal), clock.timing)
    async with view.running():
        await clock.until_asleep()
        assert len(terminal.frames) == 1
        for number in range(500):
            view.show(number)
        assert len(terminal.frames) == 1
        clock.wake()
        await clock.until_asleep()
        assert len(terminal.frames) == 2
        assert terminal.frames[-1].startswith("500 shown")


async def test_a_lost_connection_is_drawn_though_nothing_comes(terminal: _Terminal) -> None:
    clock = _Clock()
    view = LiveView(_Words(), Screen(terminal), clock.timing)
    async with view.running():
        await clock.until_asleep()
        view.teller.disconnected(_LOST)
        clock.wake()
        await clock.until_asleep()
        assert "connection lost: shutdown" in terminal.frames[-1]


async def test_the_last_picture_stays_when_the_terminal_is_given_back(terminal: _Terminal) -> None:
    clock = _Clock()
    view = LiveView(_Words(), Screen(terminal), clock.timing)
    async with view.running():
        await clock.until_asleep()
        view.show("one more, which was never drawn")
    assert terminal.text.startswith(_TAKEN)
    after = terminal.text.rpartition(_GIVEN_BACK)[2]
    assert after.splitlines() == ["1 shown, 0 s"]


async def test_a_terminal_of_one_line_has_the_foot(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Screen, "size", (20, 1))
    clock = _Clock()
    async with LiveView(_Words(), Screen(terminal), clock.timing).running():
        await clock.until_asleep()
    assert terminal.frames[0].startswith("● connected")


async def test_what_is_missing_stays_beside_the_last_picture(terminal: _Terminal) -> None:
    clock = _Clock()
    view = LiveView(_Words(), Screen(terminal), clock.timing)
    async with view.running():
        await clock.until_asleep()
        view.missed(Gap(channel="c", cause=GapCause.MISSING, lost=2))
        view.teller.disconnected(_LOST)
    after = terminal.text.rpartition(_GIVEN_BACK)[2]
    assert "connection lost: shutdown" in after
    assert "Ctrl-C" not in after
    view.teller.connected(Connected(client="5f"))
    assert joined(view.teller.last_line(has_blocks=True) or []).startswith("  2 publication(s) missing at ")


@pytest.mark.parametrize("error", [SubscriptionError("over", channel="c"), asyncio.CancelledError()])
async def test_an_error_gives_the_terminal_back_and_goes_on(terminal: _Terminal, error: BaseException) -> None:
    clock = _Clock()

    async def watches() -> None:
        async with LiveView(_Words(), Screen(terminal), clock.timing).running():
            await clock.until_asleep()
            raise error

    with pytest.raises(type(error)):
        await watches()
    assert terminal.text.count(_GIVEN_BACK) == 1


async def test_a_picture_that_cannot_be_drawn_ends_the_view(terminal: _Terminal) -> None:
    clock = _Clock()
    view = LiveView(_Words(), Screen(terminal), clock.timing)

    async def watches() -> None:
        async with asyncio.timeout(5), view.running():
            await clock.until_asleep()
            view.show("impossible")
            clock.wake()
            await asyncio.Event().wait()

    with pytest.raises(ArithmeticError):
        await watches()
    assert terminal.text.count(_GIVEN_BACK) == 1


async def test_nothing_a_peer_sends_steers_the_terminal(terminal: _Terminal) -> None:
    Screen(terminal).draw([[("\x1b[2J\x9bm a\nb\tc\x07", Style.PLAIN)]])
    (frame,) = terminal.frames
    assert frame.count("\x1b") == 1  # ours, which clears the rest of the line
    assert "a b c" in frame
    assert "\x9b" not in frame


def test_a_line_is_cut_where_the_terminal_ends(terminal: _Terminal) -> None:
    Screen(terminal).draw([[("x" * 79, Style.PLAIN), ("東京", Style.PLAIN)], *[[("y", Style.PLAIN)]] * 40])
    lines = terminal.frames[0].split("\r\n")
    assert lines[0] == "x" * 79 + "\x1b[K"  # half a character would not fit
    assert len(lines) == 24


_LOST = Disconnected(code=3001, reason="shutdown", next_step=NextStep.RECONNECT, retry_in_seconds=4.0)


def _line(state: ConnectionState) -> str:
    return joined(state.line(has_blocks=True))


def _state() -> tuple[ConnectionState, _Clock]:
    clock = _Clock()
    return ConnectionState(clock.timing), clock


async def test_the_foot_says_that_it_is_connected() -> None:
    state, _ = _state()
    assert _line(state) == "● connected  Ctrl-C ends"
    assert joined(state.line(has_blocks=False)) == "* connected  Ctrl-C ends"


async def test_the_foot_says_why_the_connection_is_lost_and_what_comes_next() -> None:
    state, clock = _state()
    state.disconnected(_LOST)
    assert _line(state) == "○ connection lost: shutdown; reconnecting, in 4 s"
    clock.now += 3.5
    assert _line(state) == "○ connection lost: shutdown; reconnecting"
    state.connecting(Connecting(code=3001, reason="shutdown", attempt=2))
    assert _line(state) == "○ connection lost: shutdown; reconnecting, attempt 2"


async def test_the_foot_says_that_nothing_was_missed_once_something_came() -> None:
    state, _ = _state()
    state.disconnected(_LOST)
    state.connected(Connected(client="5f"))
    assert re.fullmatch(r"● connected again at \d\d:\d\d:\d\d  Ctrl-C ends", _line(state))
    state.arrived()
    assert re.fullmatch(r"● connected again at \d\d:\d\d:\d\d, nothing missed  Ctrl-C ends", _line(state))


async def test_the_foot_says_what_is_missing_and_does_not_call_it_whole() -> None:
    state, _ = _state()
    state.disconnected(_LOST)
    state.connected(Connected(client="5f"))
    state.missed(Gap(channel="c", cause=GapCause.NOT_RECOVERED, lost=3))
    state.arrived()
    assert "3 publication(s) missing at " in _line(state)
    assert "nothing missed" not in _line(state)


async def test_a_gap_of_before_does_not_spoil_what_came_after() -> None:
    state, clock = _state()
    state.missed(Gap(channel="c", cause=GapCause.OVERFLOW, lost=None))
    clock.now += 60
    state.disconnected(_LOST)
    state.connected(Connected(client="5f"))
    state.arrived()
    assert "nothing missed" in _line(state)
    assert "some publications missing at " in _line(state)
