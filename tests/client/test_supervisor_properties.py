"""Whatever happens to the reconnect loop, in whatever order: what always holds."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.client.supervising import Rig, Tokens

from cadenza.client.connection import Disconnected
from cadenza.client.ports import Cause, Plane
from cadenza.errors import (
    TransportError,
)

if TYPE_CHECKING:
    from tests.client.conftest import FakeConnection, ManualTime


CODES = [0, 1006, 1009, 3001, 3005, 3008, 3500, 3501, 3503, 3507, 4001, 4500, 4600, 9999]
OUTCOMES = st.one_of(
    st.tuples(st.just("refused"), st.sampled_from(CODES)),
    st.tuples(st.just("error"), st.sampled_from([100, 101, 109, 111, 400])),
    st.tuples(st.just("dropped"), st.sampled_from(CODES)),
    st.tuples(st.just("away"), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(outcomes=st.lists(OUTCOMES, max_size=25), pace=st.floats(0.05, 40))
def test_whatever_happens_there_is_one_attempt_at_a_time_with_a_wait_before_each_and_none_after_the_end(
    manual_time: type[ManualTime],
    fake_connection: type[FakeConnection],
    outcomes: list[tuple[str, int]],
    pace: float,
) -> None:
    asyncio.run(live_through(manual_time(), fake_connection, outcomes, pace))


async def live_through(
    time: ManualTime, make_connection: type[FakeConnection], outcomes: list[tuple[str, int]], pace: float
) -> None:
    tokens = Tokens()
    rig = Rig(time, make_connection, tokens)
    opened_at: list[float] = []
    under_way = 0

    async def gate() -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        assert rig.supervisor.final_error is None
        opened_at.append(time.now)
        await asyncio.sleep(0)
        under_way -= 1

    rig.connection.gate = gate
    waiting = asyncio.create_task(rig.supervisor.ready(10**9))
    await time.settle()
    for kind, code in outcomes:
        if kind == "refused":
            rig.connection.answers.append(Cause(code=code))
        elif kind == "error":
            rig.connection.answers.append(Cause(plane=Plane.CONNECT_ERROR, code=code, temporary=code in {100, 111}))
        elif kind == "away":
            tokens.failures.append(TransportError("Away."))
        elif rig.supervisor.opened is not None:
            rig.connection.drop(code)
        await time.advance(pace)
        states = [rig.supervisor.opened is not None, rig.supervisor.final_error is not None]
        assert sum(states) <= 1
    await time.advance(200)
    final = rig.supervisor.final_error
    assert (final is None) == (rig.supervisor.opened is not None)
    assert all(later - earlier >= 0.1 for earlier, later in itertools.pairwise(opened_at))
    ends = [event for event in rig.events if isinstance(event, Disconnected) and event.error is not None]
    assert len(ends) == (final is not None) == len(rig.stopped)
    await rig.supervisor.close()
    await asyncio.gather(waiting, return_exceptions=True)
