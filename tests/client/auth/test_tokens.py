"""The token manager: no lost session, no refresh race, no storm, no token in a text."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.stores import FileSessionStore
from cadenza.errors import (
    CadenzaError,
    IdentityError,
    SessionRevokedError,
    SessionStoreError,
    SignInRequiredError,
    TokenFormatError,
    TransportError,
)

if TYPE_CHECKING:
    from tests.client.auth.conftest import Rig
    from tests.client.conftest import ManualTime

MakeSession = Callable[..., Session]
MakeStored = Callable[..., StoredSession]


def refusal(error_code: str, status: int = 400) -> IdentityError:
    return IdentityError("The identity provider refused.", status=status, error_code=error_code)


async def test_a_fresh_token_is_served_without_asking_anyone(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    assert await rig.manager.access_token() == "access-1"
    assert rig.provider.asked == []
    assert await rig.store.load() == make_stored()


async def test_without_a_session_sign_in_is_required(rig: Rig) -> None:
    with pytest.raises(SignInRequiredError):
        await rig.manager.access_token()


async def test_the_session_is_refreshed_early_without_being_asked(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored(expires_in=3600))
    await rig.time.advance(3500)
    assert rig.provider.asked == []
    await rig.time.advance(20)  # 90 s before the end
    assert rig.provider.asked == ["refresh-1"]
    assert await rig.manager.access_token() == "access-2"
    stored = await rig.store.load()
    assert stored is not None
    assert stored.session.refresh_token == "refresh-2"
    assert rig.listener.refreshed == ["access-2"]


async def test_clients_that_got_their_tokens_at_one_moment_refresh_at_different_ones(
    rig: Rig, make_stored: MakeStored
) -> None:
    """E4: early by a margin that chance shortens; above it had its upper end, here its lower one."""
    rig.time.timing = dataclasses.replace(rig.time.timing, uniform=lambda low, _high: low)
    unlike = rig.another()
    await unlike.adopt(make_stored(expires_in=3600))
    await rig.time.advance(3600 - 68)
    assert rig.provider.asked == []
    await rig.time.advance(1)
    assert rig.provider.asked == ["refresh-1"]
    await unlike.close()


async def test_a_short_token_is_refreshed_when_a_fifth_of_its_life_is_left(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored(expires_in=10))
    await rig.time.advance(7.9)
    assert rig.provider.asked == []
    await rig.time.advance(0.2)
    assert rig.provider.asked == ["refresh-1"]


async def test_a_stored_session_that_ran_out_is_refreshed_before_use(rig: Rig, make_stored: MakeStored) -> None:
    stored = make_stored(now=-7200)  # ended an hour ago (E3)
    await rig.store.save(stored)
    rig.manager.resume(stored)
    assert await rig.manager.access_token() == "access-2"


async def test_a_stored_session_never_lives_longer_than_its_token_even_if_the_wall_clock_is_behind(
    rig: Rig, make_stored: MakeStored
) -> None:
    rig.time.jump_wall_clock(-100_000)
    await rig.store.save(make_stored())
    rig.manager.resume(make_stored())
    await rig.time.advance(3600)
    assert rig.provider.asked == ["refresh-1"]


async def test_a_hundred_callers_share_one_refresh(rig: Rig, make_stored: MakeStored) -> None:
    """E4: each of them near the end of the token, and none asks for itself."""
    await rig.store.save(make_stored(now=-7200))
    rig.manager.resume(make_stored(now=-7200))
    tokens = await asyncio.gather(*(rig.manager.access_token() for _ in range(100)))
    assert set(tokens) == {"access-2"}
    assert rig.provider.asked == ["refresh-1"]


async def test_one_caller_that_gives_up_does_not_end_the_others_refresh(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    gate = asyncio.Event()
    fresh = make_stored(2).session

    async def slow() -> Session:
        await gate.wait()
        return fresh

    rig.provider.answers = [slow]
    patient = asyncio.create_task(rig.manager.renewed("access-1"))
    hasty = asyncio.create_task(rig.manager.renewed("access-1"))
    await rig.time.settle()
    hasty.cancel()
    await rig.time.settle()
    gate.set()
    assert await patient == "access-2"
    assert hasty.cancelled()


async def test_two_managers_on_one_store_spend_a_refresh_token_once(
    rig: Rig, make_stored: MakeStored, tmp_path: Path, make_session: MakeSession, time: ManualTime
) -> None:
    """E1: the second waits for the lock, finds the sibling's newer token, and takes it."""
    rig = type(rig)(FileSessionStore(tmp_path / "session.json"), make_session, time)
    sibling = rig.another()
    await rig.manager.adopt(make_stored())
    sibling.resume(make_stored())
    async with asyncio.timeout(10):
        first, second = await asyncio.gather(rig.manager.renewed("access-1"), sibling.renewed("access-1"))
    assert (first, second) == ("access-2", "access-2")
    assert rig.provider.asked == ["refresh-1"]
    await rig.manager.close()
    await sibling.close()


async def test_a_siblings_newer_token_is_taken_before_a_refusal_is_believed(
    rig: Rig, make_stored: MakeStored, make_session: MakeSession
) -> None:
    await rig.manager.adopt(make_stored())

    async def sibling_was_faster() -> Session:
        await rig.store.save(make_stored(7))  # by a program that knows no lock
        raise refusal("refresh_token_already_used")

    rig.provider.answers = [sibling_was_faster]
    assert await rig.manager.renewed("access-1") == "access-7"
    assert rig.listener.over == []


async def test_a_stale_sibling_session_is_refreshed_with_the_siblings_refresh_token(
    rig: Rig, make_stored: MakeStored
) -> None:
    await rig.manager.adopt(make_stored(1, now=-9000))
    await rig.store.save(make_stored(5, now=-7200))
    assert await rig.manager.renewed("access-1") == "access-6"
    assert rig.provider.asked == ["refresh-5"]


@pytest.mark.parametrize(
    "error_code",
    ["refresh_token_not_found", "refresh_token_already_used", "session_expired", "user_banned", "session_not_found"],
)
async def test_a_dead_session_ends_once_for_good_and_leaves_the_store(
    rig: Rig, make_stored: MakeStored, error_code: str
) -> None:
    await rig.manager.adopt(make_stored())
    rig.provider.answers = [refusal(error_code)]
    with pytest.raises(SignInRequiredError) as caught:
        await rig.manager.renewed("access-1")
    assert isinstance(caught.value.__cause__, IdentityError)
    with pytest.raises(SignInRequiredError):
        await rig.manager.access_token()
    assert rig.provider.asked == ["refresh-1"]
    assert len(rig.listener.over) == 1
    assert await rig.store.load() is None


async def test_an_unknown_refusal_ends_the_session_here_but_leaves_it_in_the_store(
    rig: Rig, make_stored: MakeStored
) -> None:
    """A wrong address answers 404 to everything: that must not cost the session."""
    await rig.manager.adopt(make_stored())
    rig.provider.answers = [refusal("", 404)]
    with pytest.raises(SignInRequiredError):
        await rig.manager.renewed("access-1")
    assert await rig.store.load() == make_stored()


@pytest.mark.parametrize(
    "fault",
    [
        TransportError("The identity provider cannot be reached."),
        IdentityError("Down.", status=503, temporary=True),
        SessionStoreError("Held.", location="x"),
    ],
)
async def test_while_the_provider_is_away_the_living_token_is_served(
    rig: Rig, make_stored: MakeStored, fault: CadenzaError
) -> None:
    await rig.manager.adopt(make_stored(expires_in=100))
    rig.provider.answers = [fault] * 100
    await rig.time.advance(90)
    assert rig.listener.failed
    assert await rig.manager.access_token() == "access-1"
    await rig.time.advance(11)
    with pytest.raises(type(fault)):
        await rig.manager.access_token()
    rig.provider.answers = []
    await rig.time.advance(60)
    assert await rig.manager.access_token() == "access-2"
    assert rig.listener.over == []


async def test_attempts_back_off_and_callers_do_not_add_any(rig: Rig, make_stored: MakeStored) -> None:
    """E6: a refresh that fails is not repeated by each reader."""
    await rig.manager.adopt(make_stored(expires_in=100))
    rig.provider.answers = [TransportError("Away.")] * 1000
    for _ in range(600):
        await rig.time.advance(1)
        for _ in range(5):
            with contextlib.suppress(TransportError):
                await rig.manager.access_token()
    waits = [wait for _, wait in rig.listener.failed]
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert len(rig.provider.asked) == len(waits) < 16


async def test_too_many_requests_waits_as_long_as_the_provider_says(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored(expires_in=1000))
    rig.provider.answers = [
        IdentityError("Too many.", status=429, temporary=True, retry_after_seconds=120),
    ]
    await rig.time.advance(911)
    assert rig.listener.failed[0][1] == 120
    await rig.time.advance(115)
    assert len(rig.provider.asked) == 1
    await rig.time.advance(10)
    assert len(rig.provider.asked) == 2


async def test_tokens_dead_on_arrival_do_not_make_a_storm(rig: Rig, make_stored: MakeStored) -> None:
    rig.provider.expires_in = 0
    await rig.manager.adopt(make_stored(expires_in=0))
    await rig.time.advance(10)
    assert len(rig.provider.asked) <= 11


async def test_a_session_signed_out_by_another_program_is_over_here_too(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    await rig.store.clear()
    with pytest.raises(SignInRequiredError, match="another program"):
        await rig.manager.renewed("access-1")
    assert rig.provider.asked == []


async def test_another_users_session_in_the_store_is_never_used_or_spent(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    await rig.store.save(make_stored(9, user_id="user-2"))
    with pytest.raises(SignInRequiredError, match="Another user"):
        await rig.manager.renewed("access-1")
    await rig.manager.forget()
    assert await rig.store.load() == make_stored(9, user_id="user-2")
    assert rig.provider.asked == []


async def test_a_malformed_token_is_never_stored_nor_served(rig: Rig, make_stored: MakeStored) -> None:
    stored = make_stored()
    bad = msgspec.structs.replace(stored, session=msgspec.structs.replace(stored.session, access_token="malformed"))
    with pytest.raises(TokenFormatError):
        await rig.manager.adopt(bad)
    assert await rig.store.load() is None
    await rig.store.save(bad)
    rig.manager.resume(bad)
    with pytest.raises(TokenFormatError):
        await rig.manager.access_token()


async def test_a_rotated_session_with_a_malformed_access_token_is_kept_all_the_same(
    rig: Rig, make_stored: MakeStored
) -> None:
    """The refresh token was spent: losing its successor would lose the session."""
    await rig.manager.adopt(make_stored())
    bad = msgspec.structs.replace(make_stored(2).session, access_token="malformed")

    async def answer() -> Session:
        return bad

    rig.provider.answers = [answer]
    with pytest.raises(TokenFormatError):
        await rig.manager.renewed("access-1")
    stored = await rig.store.load()
    assert stored is not None
    assert stored.session.refresh_token == "refresh-2"


async def test_a_bare_access_token_is_served_until_it_is_refused(rig: Rig, make_stored: MakeStored) -> None:
    """E2: a server is handed its users' access tokens, and never refreshes what is theirs to refresh."""
    bare = msgspec.structs.replace(make_stored(), session=Session.from_access_token("access-9"))
    rig.manager.resume(bare)
    await rig.time.advance(100_000)
    assert await rig.manager.access_token() == "access-9"
    with pytest.raises(SignInRequiredError, match="no refresh token"):
        await rig.manager.renewed("access-9")
    assert rig.provider.asked == []
    assert rig.listener.over == []


async def test_signing_out_empties_store_and_memory(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    await rig.manager.forget()
    assert rig.manager.session is None
    assert await rig.store.load() is None
    with pytest.raises(SignInRequiredError):
        await rig.manager.access_token()


async def test_a_revoked_session_says_so_to_whoever_asks(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    rig.manager.end(SessionRevokedError("Ended elsewhere.", code=4500))
    with pytest.raises(SessionRevokedError) as caught:
        await rig.manager.access_token()
    assert caught.value.code == 4500


async def test_a_new_sign_in_follows_an_ended_session(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    rig.manager.end(SessionRevokedError("Ended elsewhere."))
    await rig.manager.adopt(make_stored(4))
    assert await rig.manager.access_token() == "access-4"


async def test_closing_waits_for_a_refresh_so_that_its_session_reaches_the_store(
    rig: Rig, make_stored: MakeStored
) -> None:
    await rig.manager.adopt(make_stored())
    gate = asyncio.Event()
    fresh = make_stored(2).session

    async def slow() -> Session:
        await gate.wait()
        return fresh

    rig.provider.answers = [slow]
    caller = asyncio.create_task(rig.manager.renewed("access-1"))
    await rig.time.settle()
    caller.cancel()
    closing = asyncio.create_task(rig.manager.close())
    await rig.time.settle()
    assert not closing.done()
    gate.set()
    await closing
    stored = await rig.store.load()
    assert stored is not None
    assert stored.session.refresh_token == "refresh-2"


async def test_closing_leaves_no_task_behind(rig: Rig, make_stored: MakeStored) -> None:
    before = asyncio.all_tasks()
    await rig.manager.adopt(make_stored())
    await rig.time.settle()
    await rig.manager.close()
    assert asyncio.all_tasks() == before


async def test_the_clocks_difference_is_measured_when_a_token_arrives(rig: Rig, make_stored: MakeStored) -> None:
    assert rig.manager.clock_offset_seconds is None
    await rig.manager.adopt(make_stored())
    assert rig.manager.clock_offset_seconds == 5.0
