"""What becomes of a token that is wrong, malformed, stored, refreshed or run out, on the real embedded stack."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import cadenza
from cadenza import Venue
from cadenza.client import (
    Client,
    Connecting,
    Disconnected,
    ErrorOccurred,
    FileSessionStore,
    MemorySessionStore,
    NextStep,
    Session,
)
from cadenza.errors import (
    ClockSkewError,
    SignInRequiredError,
    TokenFormatError,
)

if TYPE_CHECKING:
    from tests.client.e2e.conftest import Place, Recorder

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestTokens:
    async def test_a_wrong_signature_is_3500_then_refreshed_and_let_in(
        self, api: Client, user: Session, recorder: Recorder
    ) -> None:
        forged = msgspec.structs.replace(user, access_token=with_wrong_signature(user.access_token))
        await api.auth.use_session(forged)
        assert await api.market.venues.list() == [Venue.PAPER]
        refused = await recorder.wait(Disconnected)
        assert (refused.code, refused.next_step) == (3500, NextStep.REFRESH)
        assert api.auth.session is not None
        assert api.auth.session.access_token not in {user.access_token, forged.access_token}

    async def test_a_wrong_signature_without_a_refresh_token_requires_sign_in(
        self, place: Place, user: Session
    ) -> None:
        async with cadenza.connect(
            place.stack.ws_url, access_token=with_wrong_signature(user.access_token), environ={}
        ) as api:
            with pytest.raises(SignInRequiredError) as caught:
                await api.market.venues.list()
        assert isinstance(caught.value.__cause__, cadenza.errors.DisconnectedError)
        assert caught.value.__cause__.code == 3500

    async def test_a_token_had_elsewhere_is_enough_to_connect(self, place: Place, user: Session) -> None:
        """The mission's step 2."""
        async with cadenza.connect(place.stack.ws_url, access_token=user.access_token, environ={}) as api:
            assert await api.market.venues.list() == [Venue.PAPER]

    async def test_a_malformed_token_never_reaches_the_gateway(self, place: Place, api: Client, user: Session) -> None:
        before = place.stack.gateway.stats.accepted_sockets
        for malformed in ("nonsense", "a.b.c", user.access_token.rpartition(".")[0]):
            with pytest.raises(TokenFormatError):
                await api.auth.use_session(msgspec.structs.replace(user, access_token=malformed))
            with pytest.raises(TokenFormatError):
                async with cadenza.connect(place.stack.ws_url, access_token=malformed, environ={}):
                    pytest.fail("entered")
        assert place.stack.gateway.stats.accepted_sockets == before

    async def test_a_malformed_token_in_the_store_never_reaches_the_gateway(self, place: Place, user: Session) -> None:
        store = MemorySessionStore()
        async with place.connect(store=store) as api:
            await api.auth.use_session(user)
        stored = await store.load()
        assert stored is not None
        broken = msgspec.structs.replace(stored.session, access_token="nonsense")
        await store.save(msgspec.structs.replace(stored, session=broken))
        before = place.stack.gateway.stats.accepted_sockets
        async with place.connect(store=store) as api:
            with pytest.raises(TokenFormatError):
                await api.market.venues.list()
        assert place.stack.gateway.stats.accepted_sockets == before

    async def test_the_stored_session_and_its_addresses_are_found_by_the_next_connect(
        self, place: Place, user: Session, tmp_path: Path
    ) -> None:
        environ = {"CADENZA_DATA_DIR": str(tmp_path)}
        async with cadenza.connect(place.stack.ws_url, supabase_url=place.stack.supabase_url, environ=environ) as api:
            await api.auth.use_session(user)
        assert (await FileSessionStore(tmp_path / "session.json").load()) is not None
        async with cadenza.connect(environ=environ) as api:
            assert api.addresses.ws_url == place.stack.ws_url
            assert await api.market.venues.list() == [Venue.PAPER]
            await api.auth.sign_out()
        assert not (tmp_path / "session.json").exists()

    async def test_a_session_of_another_place_is_not_sent_here(self, place: Place, user: Session) -> None:
        store = MemorySessionStore()
        async with place.connect(store=store) as api:
            await api.auth.use_session(user)
        async with cadenza.connect(
            "ws://127.0.0.1:1/connection/websocket", session_store=store, environ={}, deadline_seconds=1
        ) as api:
            assert api.auth.session is None

    async def test_refreshing_changes_the_token_and_not_the_connection(self, api: Client, user: Session) -> None:
        await api.market.venues.list()
        before = api.client_id
        fresh = await api.auth.refresh()
        assert fresh.access_token != user.access_token
        assert fresh.user_id == user.user_id
        assert await api.market.venues.list() == [Venue.PAPER]
        assert api.client_id == before

    async def test_no_text_of_the_client_shows_a_token(self, api: Client, user: Session) -> None:
        for shown in (repr(api), repr(api.auth), repr(api.auth.session), repr(api.addresses)):
            assert user.access_token not in shown
            assert user.refresh_token not in shown


def with_wrong_signature(token: str) -> str:
    """The same token with another signature of the same length."""
    head, _, signature = token.rpartition(".")
    other = "B" if signature[10] == "A" else "A"
    return f"{head}.{signature[:10]}{other}{signature[11:]}"


class TestLifetime:
    async def test_a_token_that_expired_between_two_runs_is_109_then_refreshed(
        self, place: Place, recorder: Recorder
    ) -> None:
        """The client's clock says it is good; the server's word counts (H5)."""
        store = MemorySessionStore()
        async with asyncio.timeout(30):
            async with place.connect(store=store) as api:
                await api.auth.sign_in_with_password(*await place.new_user())
                await api.market.venues.list()
            place.advance_clock(2 * 3600)
            async with place.connect(store=store, recorder=recorder) as api:
                assert await api.market.venues.list() == [Venue.PAPER]
        error, skew = recorder.of(ErrorOccurred)
        assert (error.code, error.next_step) == (109, NextStep.REFRESH)
        assert isinstance(skew.error, ClockSkewError)
        assert skew.next_step is NextStep.NOTHING
        assert skew.error.offset_seconds == pytest.approx(7200, abs=60)
        assert [event.attempt for event in recorder.of(Connecting)] == [1, 2]
