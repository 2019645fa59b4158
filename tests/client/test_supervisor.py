"""The one reconnect loop: what is tried, when, with which token, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from tests.client.supervising import Rig, Tokens

from cadenza.client.connection import Connected, Connecting, Disconnected, ErrorOccurred, NextStep
from cadenza.client.ports import Cause, Plane
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
