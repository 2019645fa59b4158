"""What a user can see of the session: one immutable state, and each change of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cadenza.client.auth.session import StoredSession
from cadenza.client.auth.state import AuthPhase, AuthState, StateBoard, Why
from cadenza.client.auth.stores import FileSessionStore
from cadenza.errors import (
    CadenzaError,
    IdentityError,
    RateLimitedError,
    SessionRevokedError,
    SignInRequiredError,
    TransportError,
)

if TYPE_CHECKING:
    from tests.client.auth.conftest import Rig

MakeStored = Callable[..., StoredSession]
EPOCH = 1_800_000_000.0


async def test_who_is_signed_in_until_when_and_when_the_next_refresh_is(rig: Rig, make_stored: MakeStored) -> None:
    assert rig.manager.state == AuthState(store="memory")
    await rig.manager.adopt(make_stored())
    state = rig.manager.state
    assert (state.phase, state.user_id, state.email) == (AuthPhase.SIGNED_IN, "user-1", "ann@example.com")
    assert (state.expires_at, state.next_attempt_at) == (EPOCH + 3600, EPOCH + 3510)
    assert (state.next_attempt_why, state.last_refresh_at, state.last_failure) == (Why.EARLY, None, None)
    assert (state.clock_offset_seconds, state.clock_is_wrong, state.store) == (5.0, False, "memory")


async def test_a_refresh_shows_when_it_was(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    await rig.time.advance(3510)
    state = rig.manager.state
    assert state.last_refresh_at == EPOCH + 3510
    assert state.expires_at == EPOCH + 3510 + 3600


async def test_an_outage_shows_its_failure_the_next_attempt_and_the_end_of_the_token(
    rig: Rig, make_stored: MakeStored
) -> None:
    await rig.manager.adopt(make_stored(expires_in=100))
    rig.provider.answers = [TransportError("The provider cannot be reached.")] * 20
    await rig.time.advance(80)
    state = rig.manager.state
    assert state.phase is AuthPhase.RETRYING
    assert state.last_failure is not None
    assert (state.last_failure.kind, state.last_failure.at) == ("TransportError", EPOCH + 80)
    assert (state.next_attempt_at, state.next_attempt_why) == (EPOCH + 81, Why.FAILURE)
    await rig.time.advance(26)
    assert rig.manager.state.phase is AuthPhase.RUN_OUT
    rig.provider.answers = []
    await rig.time.advance(60)
    assert (rig.manager.state.phase, rig.manager.state.last_failure) == (AuthPhase.SIGNED_IN, None)


@pytest.mark.parametrize(
    "refused",
    [
        IdentityError("Too many.", status=429, temporary=True, retry_after_seconds=120),
        RateLimitedError("Too many.", code=22020, retry_after_seconds=120),
    ],
    ids=["by the provider", "by the backend, over the WebSocket"],
)
async def test_who_is_told_how_long_to_wait_waits_as_long_and_shows_the_reason(
    rig: Rig, make_stored: MakeStored, refused: CadenzaError
) -> None:
    await rig.manager.adopt(make_stored(expires_in=1000))
    rig.provider.answers = [refused]
    await rig.time.advance(910)
    state = rig.manager.state
    assert (state.next_attempt_why, state.next_attempt_at) == (Why.TOLD_TO_WAIT, EPOCH + 910 + 120)


@pytest.mark.parametrize(
    ("error_code", "status", "reason"),
    [
        ("refresh_token_already_used", 400, "refresh_token_already_used"),
        ("user_banned", 400, "user_banned"),
        ("", 404, "refused"),
    ],
)
async def test_an_ended_session_says_why_in_a_word(
    rig: Rig, make_stored: MakeStored, error_code: str, status: int, reason: str
) -> None:
    await rig.manager.adopt(make_stored())
    rig.provider.answers = [IdentityError("No.", status=status, error_code=error_code)]
    for _ in range(2):
        with pytest.raises(SignInRequiredError) as caught:
            await rig.manager.renewed("access-1")
        assert caught.value.reason == reason
    state = rig.manager.state
    assert (state.phase, state.ended_because, state.user_id) == (AuthPhase.ENDED, reason, "")


async def test_a_session_ended_from_outside_says_why_too(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    rig.manager.end(SessionRevokedError("Ended elsewhere.", code=4500))
    assert rig.manager.state.ended_because == "revoked"
    await rig.manager.adopt(make_stored(2))
    await rig.store.clear()
    with pytest.raises(SignInRequiredError):
        await rig.manager.renewed("access-2")
    assert rig.manager.state.ended_because == "signed_out_elsewhere"


async def test_signing_out_leaves_nobody(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    await rig.manager.forget()
    assert rig.manager.state == AuthState(store="memory", clock_offset_seconds=5.0)


async def test_a_watcher_sees_the_state_as_it_is_and_each_change_until_the_end(
    rig: Rig, make_stored: MakeStored
) -> None:
    seen: list[AuthPhase] = []

    async def watch() -> None:
        seen.extend([state.phase async for state in rig.manager.watch()])

    watching = asyncio.create_task(watch())
    await rig.time.settle()
    await rig.manager.adopt(make_stored())
    await rig.manager.forget()
    await rig.manager.close()
    await watching
    assert seen == [AuthPhase.SIGNED_OUT, AuthPhase.SIGNED_IN, AuthPhase.SIGNED_OUT]


async def test_a_watcher_that_refreshes_blocks_nobody(rig: Rig, make_stored: MakeStored) -> None:
    """E5: no user's code under a lock, so that it may call anything."""
    tokens: list[str] = []

    async def watch() -> None:
        async for state in rig.manager.watch():
            if state.phase is AuthPhase.SIGNED_IN and len(tokens) < 2:
                session = rig.manager.session
                assert session is not None
                tokens.append(await rig.manager.renewed(session.access_token))

    watching = asyncio.create_task(watch())
    await rig.time.settle()
    await rig.manager.adopt(make_stored())
    await rig.time.settle()
    assert tokens == ["access-2", "access-3"]
    await rig.manager.close()
    await watching


async def test_a_slow_watcher_loses_the_oldest_changes_not_the_newest() -> None:
    board = StateBoard(AuthState())
    watching = board.watch()
    await anext(watching)
    for second in range(1000):
        board.show(AuthState(last_refresh_at=float(second)))
    board.close()
    seen = [state.last_refresh_at async for state in watching]
    assert seen == [float(second) for second in range(1000 - 64, 1000)]


async def test_a_watcher_that_gives_up_leaves_nothing_behind() -> None:
    board = StateBoard(AuthState())
    watching = board.watch()
    await anext(watching)
    assert len(board._readers) == 1
    await watching.aclose()  # type: ignore[attr-defined]  # an async generator
    assert board._readers == set()


async def test_no_text_of_a_state_shows_a_token_or_an_address(
    rig: Rig, make_stored: MakeStored, tmp_path: Path
) -> None:
    await rig.manager.adopt(make_stored())
    rig.provider.answers = [IdentityError("Down.", status=503, temporary=True)]
    with pytest.raises(IdentityError):
        await rig.manager.renewed("access-1")
    state = rig.manager.state
    for shown in (repr(state), str(state), repr(state.last_failure), f"{state.__rich_repr__()}"):
        assert not any(secret in shown for secret in ("access-1", "refresh-1", "ann@example.com"))
    assert FileSessionStore(tmp_path / "x").location not in repr(state)
