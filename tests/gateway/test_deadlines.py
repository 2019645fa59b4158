"""Several deadlines on one timer: each comes due once, in order, and none when it was cleared or moved."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from cadenza.gateway.deadlines import Deadline, Deadlines


class Timer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self.timers, (when, next(self._order), timer))
        return timer

    def advance_to(self, when: float) -> None:
        while self.timers and self.timers[0][0] <= when:
            at, _, timer = heapq.heappop(self.timers)
            self.now = max(self.now, at)
            if timer.callback is not None:
                timer.callback()
        self.now = when

    @property
    def armed(self) -> int:
        return sum(timer.callback is not None for _, _, timer in self.timers)


def test_only_one_timer_is_armed_however_many_deadlines_there_are() -> None:
    time = Time()
    deadlines = Deadlines(time, lambda _: None)
    for deadline, after in zip(Deadline, (5, 3, 4, 1, 2), strict=True):
        deadlines.set(deadline, after)
    assert time.armed == 1
    deadlines.cancel()
    assert time.armed == 0


def test_deadline_that_another_one_moves_does_not_come_due_with_it() -> None:
    time, due = Time(), list[Deadline]()

    def note(deadline: Deadline) -> None:
        due.append(deadline)
        if deadline is Deadline.PING:
            deadlines.set(Deadline.PONG, 10)

    deadlines = Deadlines(time, note)
    deadlines.set(Deadline.PING, 1)
    deadlines.set(Deadline.PONG, 1.0005)
    time.advance_to(5)
    assert due == [Deadline.PING]
    time.advance_to(20)
    assert due == [Deadline.PING, Deadline.PONG]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.sampled_from(Deadline), st.integers(1, 50)),
            st.tuples(st.just("clear"), st.sampled_from(Deadline), st.just(0)),
            st.tuples(st.just("wait"), st.sampled_from(Deadline), st.integers(1, 20)),
        ),
        max_size=40,
    )
)
def test_deadlines_come_due_exactly_when_they_are_set_to(doings: list[tuple[str, Deadline, int]]) -> None:
    time, due, model, expected = Time(), list[tuple[float, Deadline]](), dict[Deadline, float](), list[float]()
    deadlines = Deadlines(time, lambda deadline: due.append((time.now, deadline)))
    now = 0.0
    for doing, deadline, number in [*doings, ("wait", Deadline.PING, 1000)]:
        if doing == "set":
            deadlines.set(deadline, number)
            model[deadline] = now + number
        elif doing == "clear":
            deadlines.clear(deadline)
            model.pop(deadline, None)
        else:
            now += number
            time.advance_to(now)
            gone = sorted((at, d) for d, at in model.items() if at <= now)
            expected += [at for at, _ in gone]
            model = {d: at for d, at in model.items() if at > now}
    assert [at for at, _ in due] == expected
    assert time.armed == 0
