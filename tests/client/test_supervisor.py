"""The one reconnect loop: what is tried, when, with which token, and what is told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.client.connection import Connected, Connecting, Disconnected, ErrorOccurred, LifecycleEvent, NextStep
from cadenza.client.ports import Cause, ConnectionListener, Plane, TokenRenewal
from cadenza.client.supervisor import Supervisor
from cadenza.errors import (
    AccessDeniedError,
    CadenzaError,
    ClockSkewError,
    ClosedError,
    DeadlineExceededError,
    DisconnectedError,
    IdentityError,
    MessageTooBigError,
    SessionRevokedError,
    SignInRequiredError,
    TokenFormatError,
    TransportError,
)

if TYPE_CHECKING:
    from tests.client.conftest import FakeConnection, ManualTime


class Tokens:
    """A token source that counts up, and fails as a test lines up."""

    def __init__(self) -> None:
        self.number = 1
        self.renewals: list[str] = []
        self.failures: list[CadenzaError] = []
        self.ended: SignInRequiredError | None = None
        self.clock_offset_seconds: float | None = 130.0

    async def access_token(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return f"token-{self.number}"

    async def renewed(self, refused: str) -> str:
        self.renewals.append(refused)
        if self.failures:
            raise self.failures.pop(0)
        if refused == f"token-{self.number}":
            self.number += 1
        return f"token-{self.number}"

    def end(self, error: SignInRequiredError) -> None:
        self.ended = error


class Rig:
    def __init__(self, time: ManualTime, make_connection: type[FakeConnection], tokens: Tokens | None) -> None:
        self.time = time
        self.tokens = tokens
        self.events: list[LifecycleEvent] = []
        self.stopped: list[CadenzaError] = []
        self.connection: FakeConnection

        def make(listener: ConnectionListener, renewal: TokenRenewal | None) -> FakeConnection:
            self.connection = make_connection(listener, renewal)
            return self.connection

        self.supervisor = Supervisor(
            make=make, tokens=tokens, report=self.events.append, stopped=self.stopped.append, timing=time.timing
        )

    def of(self, kind: type[LifecycleEvent]) -> list[LifecycleEvent]:
        return [event for event in self.events if type(event) is kind]

    async def connect(self) -> None:
        async with asyncio.timeout(5):
            await self.supervisor.ready(5)

    async def run(self, seconds: float = 0) -> None:
        await self.time.advance(seconds)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def rig(time: ManualTime, tokens: Tokens, fake_connection: type[FakeConnection]) -> AsyncIterator[Rig]:
    rig = Rig(time, fake_connection, tokens)
    yield rig
    await rig.supervisor.close()


@pytest.fixture
async def anonymous(time: ManualTime, fake_connection: type[FakeConnection]) -> AsyncIterator[Rig]:
    rig = Rig(time, fake_connection, None)
    yield rig
    await rig.supervisor.close()


async def test_nothing_is_sent_before_there_is_need(rig: Rig) -> None:
    await rig.run(100)
    assert rig.connection.tokens == []


async def test_the_first_need_connects_once_for_all_who_wait(rig: Rig) -> None:
    opened = await asyncio.gather(*(rig.supervisor.ready(5) for _ in range(10)))
    assert {one.client for one in opened} == {"client-1"}
    assert rig.connection.tokens == ["token-1"]
    assert rig.events == [
        Connecting(code=0, reason="connect called", attempt=1),
        Connected(client="client-1", version="fake"),
    ]


async def test_a_dropped_connection_comes_back_with_the_cause_and_the_time_told(rig: Rig) -> None:
    await rig.connect()
    rig.connection.drop(3001, "shutdown")
    await rig.run()
    assert rig.events[-1] == Disconnected(
        code=3001, reason="shutdown", cause="shutdown", next_step=NextStep.RECONNECT, retry_in_seconds=0.2
    )
    await rig.run(0.19)
    assert len(rig.connection.tokens) == 1
    await rig.run(0.02)
    assert rig.events[-2:] == [
        Connecting(code=3001, reason="shutdown", attempt=1),
        Connected(client="client-2", version="fake"),
    ]
    assert rig.supervisor.opened is not None


async def test_the_token_is_asked_for_at_each_connect_never_kept(rig: Rig, tokens: Tokens) -> None:
    """D1, B6."""
    await rig.connect()
    tokens.number = 7
    rig.connection.drop(3001)
    await rig.run(1)
    assert rig.connection.tokens == ["token-1", "token-7"]


async def test_failed_attempts_wait_longer_and_longer(rig: Rig) -> None:
    rig.connection.answers = [Cause(code=1006, reason="refused")] * 10
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(100)
    await waiting
    waits = [event.retry_in_seconds for event in rig.events if isinstance(event, ErrorOccurred)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20, 20]
    assert [event.attempt for event in rig.events if isinstance(event, Connecting)] == list(range(1, 12))
    assert all(isinstance(e.error, TransportError) for e in rig.events if isinstance(e, ErrorOccurred))


async def test_a_connection_that_breaks_at_once_does_not_reset_the_wait(rig: Rig) -> None:
    """B5: 51 disconnects in 8 s."""
    await rig.connect()
    for _ in range(5):
        rig.connection.drop(3008, "slow")
        await rig.run(20)
        await rig.run(0)
    waits = [event.retry_in_seconds for event in rig.events if isinstance(event, Disconnected)]
    assert waits == [0.2] * 5  # each lasted long enough to count
    for _ in range(3):
        rig.connection.drop(3008, "slow")
        await rig.run(1)
    waits = [event.retry_in_seconds for event in rig.events if isinstance(event, Disconnected)][5:]
    assert waits == [0.2, 0.4, 0.8]


async def test_3500_refreshes_and_reconnects_with_the_newer_token(rig: Rig, tokens: Tokens) -> None:
    """A1."""
    rig.connection.answers = [Cause(code=3500, reason="invalid token")]
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run()
    assert rig.events[-1] == Disconnected(
        code=3500,
        reason="invalid token",
        cause="token refused",
        next_step=NextStep.REFRESH,
        retry_in_seconds=1.0,
    )
    await rig.run(1)
    await waiting
    assert tokens.renewals == ["token-1"]
    assert rig.connection.tokens == ["token-1", "token-2"]


async def test_a_second_3500_for_the_newer_token_requires_sign_in(rig: Rig, tokens: Tokens) -> None:
    rig.connection.answers = [Cause(code=3500, reason="invalid token")] * 2
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(10)
    with pytest.raises(SignInRequiredError) as caught:
        await waiting
    assert caught.value.code == 3500
    assert rig.connection.tokens == ["token-1", "token-2"]
    assert tokens.ended is caught.value
    assert rig.stopped == [caught.value]
    last = rig.events[-1]
    assert isinstance(last, Disconnected)
    assert (last.next_step, last.retry_in_seconds, last.error) == (NextStep.SIGN_IN, None, caught.value)


async def test_lost_attempts_between_do_not_make_the_second_3500_a_first(rig: Rig) -> None:
    rig.connection.answers = [Cause(code=3500), Cause(code=1006), Cause(code=1006), Cause(code=3500)]
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(60)
    with pytest.raises(SignInRequiredError):
        await waiting
    assert rig.connection.tokens == ["token-1", "token-2", "token-2", "token-2"]


async def test_3500_an_hour_after_a_good_connection_is_a_first_again(rig: Rig) -> None:
    rig.connection.answers = [Cause(code=3500)]
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(3600)
    await waiting
    rig.connection.drop(3500, "invalid token")
    await rig.run(5)
    assert rig.connection.tokens == ["token-1", "token-2", "token-3"]
    assert rig.supervisor.opened is not None


async def test_109_refreshes_and_retries(rig: Rig) -> None:
    rig.connection.answers = [Cause(plane=Plane.CONNECT_ERROR, code=109, reason="token expired")]
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(1)
    await waiting
    assert rig.connection.tokens == ["token-1", "token-2"]
    [error] = [event for event in rig.events if isinstance(event, ErrorOccurred)]
    assert (error.code, error.next_step) == (109, NextStep.REFRESH)


async def test_109_after_a_connection_that_ran_out_is_a_first(rig: Rig) -> None:
    await rig.connect()
    rig.connection.answers = [Cause(plane=Plane.CONNECT_ERROR, code=109, reason="token expired")]
    rig.connection.drop(3005, "connection expired")
    await rig.run(1)
    assert rig.stopped == []
    await rig.connect()
    assert rig.connection.tokens == ["token-1", "token-2", "token-3"]


async def test_a_fresh_token_that_is_expired_reports_the_clocks_difference(rig: Rig) -> None:
    """A9, H5."""
    rig.connection.answers = [Cause(plane=Plane.CONNECT_ERROR, code=109, reason="token expired")] * 2
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(10)
    with pytest.raises(SignInRequiredError) as caught:
        await waiting
    skew = caught.value.__cause__
    assert isinstance(skew, ClockSkewError)
    assert skew.offset_seconds == 130.0
    assert skew in [event.error for event in rig.events if isinstance(event, ErrorOccurred)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(3503, DisconnectedError), (3507, AccessDeniedError), (4501, DisconnectedError), (4500, SessionRevokedError)],
)
async def test_a_final_code_stops_at_once_with_its_typed_error(rig: Rig, code: int, kind: type[CadenzaError]) -> None:
    await rig.connect()
    rig.connection.drop(code, "the reason")
    await rig.run(100)
    with pytest.raises(kind) as caught:
        await rig.supervisor.ready(1)
    assert caught.value.code == code
    assert len(rig.connection.tokens) == 1
    assert rig.stopped == [caught.value]


async def test_1009_does_not_make_a_storm(rig: Rig) -> None:
    """B5."""
    await rig.connect()
    for _ in range(3):
        rig.connection.drop(1009)
        await rig.run(1)
    with pytest.raises(MessageTooBigError) as caught:
        await rig.supervisor.ready(1)
    assert caught.value.limit_bytes == 65_536
    assert len(rig.connection.tokens) == 3


async def test_1009_now_and_then_does_not_stop(rig: Rig) -> None:
    await rig.connect()
    for _ in range(6):
        rig.connection.drop(1009)
        await rig.run(61)
    assert rig.supervisor.opened is not None


async def test_no_anonymous_connections_means_sign_in(anonymous: Rig) -> None:
    anonymous.connection.answers = [Cause(code=3501, reason="bad request")]
    with pytest.raises(SignInRequiredError):
        await anonymous.supervisor.ready(1)
    assert anonymous.connection.tokens == [""]


async def test_without_a_session_nothing_is_sent(rig: Rig, tokens: Tokens) -> None:
    tokens.failures = [SignInRequiredError("Nobody is signed in.")]
    with pytest.raises(SignInRequiredError):
        await rig.supervisor.ready(1)
    assert rig.connection.tokens == []


async def test_a_malformed_token_never_goes_on_the_wire(rig: Rig, tokens: Tokens) -> None:
    tokens.failures = [TokenFormatError("The token has no kid.")]
    with pytest.raises(TokenFormatError):
        await rig.supervisor.ready(1)
    assert rig.connection.tokens == []


async def test_while_the_provider_is_away_the_loop_goes_on(rig: Rig, tokens: Tokens) -> None:
    tokens.failures = [
        TransportError("The identity provider cannot be reached."),
        IdentityError("Down.", status=503, temporary=True),
    ]
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(5)
    await waiting
    assert rig.connection.tokens == ["token-1"]
    assert [event.next_step for event in rig.events if isinstance(event, ErrorOccurred)] == [NextStep.RETRY] * 2


async def test_a_refused_token_stays_refused_while_the_provider_is_away(rig: Rig, tokens: Tokens) -> None:
    await rig.connect()
    tokens.failures = [TransportError("Away.")] * 3
    rig.connection.drop(3005, "connection expired")
    await rig.run(60)
    assert tokens.renewals == ["token-1"] * 4
    assert rig.connection.tokens == ["token-1", "token-2"]


async def test_a_session_that_cannot_be_refreshed_names_the_code_that_asked_for_it(rig: Rig, tokens: Tokens) -> None:
    await rig.connect()
    tokens.failures = [SignInRequiredError("The session cannot be refreshed any more.")]
    rig.connection.drop(3500, "invalid token")
    await rig.run(60)
    with pytest.raises(SignInRequiredError) as caught:
        await rig.supervisor.ready(1)
    assert isinstance(caught.value.__cause__, DisconnectedError)
    assert caught.value.__cause__.code == 3500


async def test_the_deadline_names_what_stood_in_the_way(rig: Rig) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    rig.connection.gate = never
    with pytest.raises(DeadlineExceededError, match="connect called"):
        await rig.supervisor.ready(0.01)


async def test_closing_ends_everything_and_says_so(rig: Rig) -> None:
    before = asyncio.all_tasks()
    await rig.connect()
    await rig.supervisor.close()
    await rig.supervisor.close()
    assert rig.connection.closed
    assert rig.events[-1] == Disconnected(code=0, reason="disconnect called", cause="it was asked for")
    assert asyncio.all_tasks() == before
    with pytest.raises(ClosedError):
        await rig.supervisor.ready(1)


async def test_closing_while_waiting_frees_who_waits(rig: Rig) -> None:
    rig.connection.answers = [Cause(code=1006)] * 100
    waiting = asyncio.create_task(rig.supervisor.ready(3600))
    await rig.run(1)
    await rig.supervisor.close()
    with pytest.raises(ClosedError):
        await waiting


async def test_a_fault_in_the_loop_is_heard_not_hung_on(rig: Rig) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    rig.connection.gate = broken
    with pytest.raises(TransportError, match="RuntimeError") as caught:
        await rig.supervisor.ready(1)
    assert isinstance(caught.value.__cause__, RuntimeError)


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
