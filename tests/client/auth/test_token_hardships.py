"""The token manager when machines sleep, clocks are wrong, stores fail and providers are overrun (E1, E5, E6, H5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.stores import FileSessionStore, MemorySessionStore
from cadenza.errors import (
    AuthError,
    IdentityError,
    SessionRevokedError,
    SessionStoreError,
    SignInRequiredError,
    TransportError,
)

if TYPE_CHECKING:
    from tests.client.auth.conftest import Rig
    from tests.client.conftest import ManualTime

MakeSession = Callable[..., Session]
MakeStored = Callable[..., StoredSession]


class TestSleep:
    async def test_a_machine_that_wakes_up_has_a_fresh_token_at_the_first_call(
        self, rig: Rig, make_stored: MakeStored
    ) -> None:
        """Linux: the monotonic clock stands still in a suspend, so the token seems to live for an hour yet."""
        await rig.manager.adopt(make_stored())
        rig.time.jump_wall_clock(8 * 3600)
        assert await rig.manager.access_token() == "access-2"

    async def test_a_machine_that_wakes_up_refreshes_without_being_asked(
        self, rig: Rig, make_stored: MakeStored
    ) -> None:
        await rig.manager.adopt(make_stored())
        await rig.time.settle()
        rig.time.jump_wall_clock(8 * 3600)
        await rig.time.advance(5)
        assert rig.provider.asked == ["refresh-1"]

    async def test_a_monotonic_clock_that_runs_on_in_sleep_is_as_good(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored())
        await rig.time.settle()
        rig.time.now += 8 * 3600
        assert await rig.manager.access_token() == "access-2"

    async def test_a_short_nap_changes_nothing_but_many_count_together(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored())
        token = ""
        for _ in range(3600 // 4):
            rig.time.jump_wall_clock(4)
            token = await rig.manager.access_token()
        assert token == "access-2"
        assert rig.provider.asked == ["refresh-1"]

    async def test_a_wait_after_a_failure_ends_in_the_sleep(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored(expires_in=1000))
        rig.provider.answers = [
            IdentityError("Too many.", status=429, temporary=True, retry_after_seconds=3000),
        ]
        await rig.time.advance(911)
        rig.time.jump_wall_clock(3000)
        assert await rig.manager.access_token() == "access-2"

    async def test_a_clock_that_is_set_back_costs_no_refresh_and_shows_in_the_offset(
        self, rig: Rig, make_stored: MakeStored
    ) -> None:
        await rig.manager.adopt(make_stored())
        rig.time.jump_wall_clock(-7200)
        assert await rig.manager.access_token() == "access-1"
        assert rig.provider.asked == []
        assert rig.manager.clock_offset_seconds == 7205.0


class TestClocks:
    @pytest.mark.parametrize("ahead", [-100_000.0, 100_000.0])
    async def test_a_wrong_clock_costs_nothing_and_is_reported_once(
        self, rig: Rig, make_stored: MakeStored, ahead: float
    ) -> None:
        """H5: the life of a token is what the provider says, counted by a clock that nobody sets."""
        rig.provider_is_ahead_by = ahead
        await rig.manager.adopt(make_stored(now=ahead))
        await rig.time.advance(3500)
        assert await rig.manager.access_token() == "access-1"
        await rig.time.advance(20)
        assert rig.provider.asked == ["refresh-1"]
        assert rig.listener.skews == [ahead]
        assert rig.manager.state.clock_is_wrong
        assert rig.manager.state.clock_offset_seconds == ahead

    async def test_a_stored_session_that_a_wrong_clock_calls_dead_is_refreshed_not_dropped(
        self, rig: Rig, make_stored: MakeStored
    ) -> None:
        await rig.store.save(make_stored())
        rig.time.jump_wall_clock(100_000)
        rig.manager = rig.another()
        rig.manager.resume(make_stored())
        assert await rig.manager.access_token() == "access-2"

    async def test_a_small_difference_is_not_reported(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored())
        assert rig.listener.skews == []
        assert not rig.manager.state.clock_is_wrong


class TestStorms:
    async def test_too_many_without_a_time_waits_half_a_minute(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored(expires_in=1000))
        rig.provider.answers = [IdentityError("Too many.", status=429, temporary=True)] * 3
        await rig.time.advance(910)
        await rig.time.advance(89)
        assert [wait for _, wait in rig.listener.failed] == [30, 30, 30]

    async def test_tokens_that_are_refused_again_and_again_do_not_make_a_storm(
        self, rig: Rig, make_stored: MakeStored
    ) -> None:
        """E6: each token is new, and none is any good."""
        await rig.manager.adopt(make_stored())
        token, refused = "access-1", 0
        for _ in range(600):
            try:
                token = await rig.manager.renewed(token)
            except AuthError as error:
                refused += error.temporary
            await rig.time.advance(1)
        assert len(rig.provider.asked) < 25
        assert refused > 500
        assert await rig.manager.access_token() == token

    async def test_a_token_that_lasts_ends_the_caution(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored())
        token = "access-1"
        for _ in range(30):
            token = await rig.manager.renewed(token)
            await rig.time.advance(20)
        assert len(rig.provider.asked) == 30


class TestStores:
    async def test_a_session_that_cannot_be_saved_goes_on_and_stays_refreshable(
        self, make_session: MakeSession, make_stored: MakeStored, time: ManualTime, rig: Rig
    ) -> None:
        """The spent token is the active one's parent, which the provider takes at any time: it is kept until then."""
        store = FullStore(make_stored())
        rig = type(rig)(store, make_session, time)
        rig.manager.resume(make_stored())
        store.full = True
        assert await rig.manager.renewed("access-1") == "access-2"
        assert rig.manager.state == msgspec.structs.replace(rig.manager.state, unsaved=True)
        assert [type(error) for error, _ in rig.listener.failed] == [SessionStoreError]
        store.full = False
        rig.provider.answers = [answering(msgspec.structs.replace(make_stored(2).session, access_token="access-3"))]
        assert await rig.manager.renewed("access-2") == "access-3"
        assert rig.provider.asked == ["refresh-1", "refresh-1"]
        stored = await store.load()
        assert stored is not None
        assert stored.session.refresh_token == "refresh-2"
        assert rig.manager.state == msgspec.structs.replace(rig.manager.state, unsaved=False)
        await rig.manager.close()

    async def test_a_store_that_is_damaged_meanwhile_does_not_cost_the_session(
        self, rig: Rig, make_session: MakeSession, make_stored: MakeStored, time: ManualTime, tmp_path: Path
    ) -> None:
        store = FileSessionStore(tmp_path / "session.json")
        rig = type(rig)(store, make_session, time)
        await rig.manager.adopt(make_stored())
        store.path.write_bytes(b"\x00" * 100)
        assert await rig.manager.renewed("access-1") == "access-2"
        stored = await store.load()
        assert stored is not None
        assert stored.session.refresh_token == "refresh-2"
        await rig.manager.close()

    async def test_an_older_session_in_the_store_is_not_gone_back_to(self, rig: Rig, make_stored: MakeStored) -> None:
        """A process that hung may have written what it had in hand: its token is spent (E1)."""
        await rig.manager.adopt(make_stored(5))
        await rig.store.save(make_stored(3, now=-600))
        assert await rig.manager.renewed("access-5") == "access-6"
        assert rig.provider.asked == ["refresh-5"]

    @pytest.mark.parametrize("error_code", ["refresh_token_already_used", "validation_failed", ""])
    async def test_a_siblings_newer_session_is_found_before_any_refusal_is_believed(
        self, rig: Rig, make_stored: MakeStored, error_code: str
    ) -> None:
        """E1: a sibling that does not lock was faster."""
        await rig.manager.adopt(make_stored())

        async def refuse() -> Session:
            await rig.store.save(make_stored(7))
            raise IdentityError("No.", status=400, error_code=error_code)

        rig.provider.answers = [refuse]
        assert await rig.manager.renewed("access-1") == "access-7"

    async def test_closing_does_not_wait_for_a_lock_that_another_holds(self, rig: Rig, make_stored: MakeStored) -> None:
        await rig.manager.adopt(make_stored())
        async with rig.store.lock(1):
            caller = asyncio.create_task(rig.manager.renewed("access-1"))
            await rig.time.settle()
            async with asyncio.timeout(10):
                await rig.manager.close()
            with pytest.raises(asyncio.CancelledError):
                await caller
        assert rig.provider.asked == []


class TestMeanwhile:
    """What happens while a refresh is on its way must not be undone by its answer."""

    @pytest.fixture
    def slow(self, rig: Rig, make_stored: MakeStored) -> asyncio.Event:
        gate = asyncio.Event()

        async def answer() -> Session:
            await gate.wait()
            return make_stored(2).session

        rig.provider.answers = [answer]
        return gate

    async def test_a_revoked_session_does_not_come_back(
        self, rig: Rig, make_stored: MakeStored, slow: asyncio.Event
    ) -> None:
        await rig.manager.adopt(make_stored())
        caller = asyncio.create_task(rig.manager.renewed("access-1"))
        await rig.time.settle()
        rig.manager.end(SessionRevokedError("Ended elsewhere.", code=4500))
        slow.set()
        with pytest.raises(SessionRevokedError):
            await caller
        assert rig.manager.session is None

    async def test_a_new_sign_in_is_not_overwritten(
        self, rig: Rig, make_stored: MakeStored, slow: asyncio.Event
    ) -> None:
        await rig.manager.adopt(make_stored())
        caller = asyncio.create_task(rig.manager.renewed("access-1"))
        await rig.time.settle()
        signing_in = asyncio.create_task(rig.manager.adopt(make_stored(9, user_id="user-2")))
        await rig.time.settle()
        slow.set()
        await signing_in
        assert await caller == "access-9"
        assert await rig.store.load() == make_stored(9, user_id="user-2")

    async def test_a_refused_refresh_does_not_end_the_new_session(self, rig: Rig, make_stored: MakeStored) -> None:
        gate = asyncio.Event()

        async def refuse() -> Session:
            await gate.wait()
            raise IdentityError("Used.", status=400, error_code="refresh_token_already_used")

        rig.provider.answers = [refuse]
        await rig.manager.adopt(make_stored())
        caller = asyncio.create_task(rig.manager.renewed("access-1"))
        await rig.time.settle()
        signing_in = asyncio.create_task(rig.manager.adopt(make_stored(9)))
        await rig.time.settle()
        gate.set()
        await signing_in
        with pytest.raises(SignInRequiredError):
            await caller
        assert await rig.manager.access_token() == "access-9"
        assert await rig.store.load() == make_stored(9)


def answering(session: Session) -> Callable[[], Awaitable[Session]]:
    async def answer() -> Session:
        return session

    return answer


class FullStore(MemorySessionStore):
    """A store on a disk that can be full."""

    full = False

    async def save(self, stored: StoredSession) -> None:
        if self.full:
            raise SessionStoreError("No space left on device.", location=self.location)
        await super().save(stored)


async def test_an_outage_ends_and_nothing_was_lost(rig: Rig, make_stored: MakeStored) -> None:
    await rig.manager.adopt(make_stored())
    rig.provider.answers = [TransportError("Away.")] * 1000
    await rig.time.advance(10 * 3600)
    with pytest.raises(TransportError):
        await rig.manager.access_token()
    rig.provider.answers = []
    await rig.time.advance(60)
    assert await rig.manager.access_token() == "access-2"
    assert rig.listener.over == []
