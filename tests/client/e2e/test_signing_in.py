"""Signing in, up and out from the SDK's side, on the real embedded stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cadenza import Venue
from cadenza.client import (
    Client,
    Connected,
    Disconnected,
    Session,
)
from cadenza.errors import (
    ClosedError,
    IdentityError,
    SignInRequiredError,
    ValidationError,
)

if TYPE_CHECKING:
    from tests.client.e2e.conftest import Place, Recorder

pytestmark = pytest.mark.asyncio(loop_scope="module")
BTC = "PAPER:BTC/USDT"


class TestSignIn:
    async def test_with_a_password_at_the_provider(self, place: Place, api: Client) -> None:
        email, password = await place.new_user()
        session = await api.auth.sign_in_with_password(email, password)
        assert session.email == email
        assert api.auth.session == session
        assert (await api.auth.user()).id == session.user_id

    async def test_over_the_websocket_and_the_anonymous_connection_is_closed(
        self, place: Place, api: Client, recorder: Recorder
    ) -> None:
        """The mission's step 1."""
        email, password = await place.new_user()
        await api.auth.over_websocket.sign_in_with_password(email, password)
        anonymous = await recorder.wait(Connected)
        await recorder.wait(Disconnected)
        assert await api.market.venues.list() == [Venue.PAPER]
        own = await recorder.wait(Connected, 2)
        assert anonymous.client != own.client == api.client_id

    @pytest.mark.parametrize("over_websocket", [False, True])
    async def test_a_wrong_password_is_the_same_error_either_way(
        self, place: Place, api: Client, *, over_websocket: bool
    ) -> None:
        email, password = await place.new_user()
        sign_in = api.auth.over_websocket.sign_in_with_password if over_websocket else api.auth.sign_in_with_password
        with pytest.raises(IdentityError) as caught:
            await sign_in(email, password + "x")
        assert caught.value.error_code == "invalid_credentials"
        assert not caught.value.temporary
        assert password not in str(caught.value)
        assert api.auth.session is None

    @pytest.mark.parametrize("over_websocket", [False, True])
    async def test_sign_up_signs_in_at_once(self, api: Client, *, over_websocket: bool) -> None:
        sign_up = api.auth.over_websocket.sign_up if over_websocket else api.auth.sign_up
        email = f"new-{over_websocket}@example.com".lower()
        made = await sign_up(email, "a long password", metadata={"nick": "Ann"})
        assert not made.needs_confirmation
        assert ((await api.auth.user()).user_metadata or {})["nick"] == "Ann"
        with pytest.raises(IdentityError) as caught:
            await sign_up(email, "a long password")
        assert caught.value.error_code == "user_already_exists"

    async def test_a_short_password_never_leaves_over_the_websocket(self, api: Client) -> None:
        with pytest.raises(ValidationError) as caught:
            await api.auth.over_websocket.sign_up("x@example.com", "short")
        assert caught.value.field == "password"

    async def test_nobody_signed_in_is_said_before_anything_is_sent(
        self, place: Place, api: Client, recorder: Recorder
    ) -> None:
        before = place.stack.gateway.stats.accepted_sockets
        with pytest.raises(SignInRequiredError):
            await api.market.tickers.list()
        with pytest.raises(SignInRequiredError):
            async with api.market.trades.watch(BTC):
                pytest.fail("entered")
        with pytest.raises(SignInRequiredError):
            await api.auth.user()
        assert place.stack.gateway.stats.accepted_sockets == before
        assert recorder.events == []

    async def test_what_anyone_may_ask_needs_no_sign_in(self, api: Client) -> None:
        assert (await api.system.info()).name == "Cadenza"
        assert (await api.system.check()).status == "healthy"

    async def test_signing_out_ends_the_session_everywhere(self, place: Place, api: Client, user: Session) -> None:
        await api.market.venues.list()
        async with api.market.tickers.watch(BTC) as tickers:
            await api.auth.sign_out()
            with pytest.raises(SignInRequiredError):
                async for _ in tickers:
                    pass
        assert api.auth.session is None
        assert api.client_id is None
        async with place.connect() as other:
            await other.auth.use_session(user)
            with pytest.raises(SignInRequiredError):
                await other.auth.refresh()

    async def test_signing_out_the_others_leaves_this_session_alone(self, place: Place, api: Client) -> None:
        email, password = await place.new_user()
        await api.auth.sign_in_with_password(email, password)
        async with place.connect() as other:
            await other.auth.sign_in_with_password(email, password)
            await api.auth.sign_out("others")
            with pytest.raises(SignInRequiredError):
                await other.auth.refresh()
        await api.auth.refresh()

    async def test_one_client_can_change_its_user(self, place: Place, api: Client, user: Session) -> None:
        async with api.market.tickers.watch(BTC) as tickers:
            other = await api.auth.sign_in_with_password(*await place.new_user())
            assert other.user_id != user.user_id
            with pytest.raises(ClosedError):
                async for _ in tickers:
                    pass
        assert (await api.auth.user()).id == other.user_id
        assert await api.market.venues.list() == [Venue.PAPER]
