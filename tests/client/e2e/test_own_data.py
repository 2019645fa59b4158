"""The SDK takes the user's data along and ends the account, at the embedded provider."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from cadenza.client import MemorySessionStore
from cadenza.errors import IdentityError, SignInRequiredError
from cadenza.identity.own_data import RECENT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEADLINE_SECONDS = 30


async def test_the_copy_is_typed_and_whole(place: Any) -> None:
    email, password = await place.new_user()
    async with asyncio.timeout(DEADLINE_SECONDS), place.connect() as api:
        session = await api.auth.sign_in_with_password(email, password)
        copy = await api.auth.export_account()

        assert (copy.record.user.email, copy.has_password) == (email, True)
        assert [one.provider for one in copy.record.identities] == ["email"]
        (sign_in,) = copy.sessions
        assert (sign_in.level, sign_in.methods) == ("aal1", ("password",))
        whole = json.loads(copy.document)
        assert whole["user"]["id"] == session.user_id
        assert [entry["payload"]["action"] for entry in whole["audit_log"]][-1] == "user_exported"
        assert email not in repr(copy)


async def test_a_deleted_account_is_forgotten_here_and_gone_there(place: Any) -> None:
    email, password = await place.new_user()
    store = MemorySessionStore()
    async with asyncio.timeout(DEADLINE_SECONDS), place.connect(store=store) as api:
        session = await api.auth.sign_in_with_password(email, password)
        gone = await api.auth.delete_account()

        assert gone.user_id == session.user_id
        assert api.auth.session is None
        assert await store.load() is None
        with pytest.raises(SignInRequiredError):
            await api.auth.export_account()
        with pytest.raises(IdentityError) as refused:
            await api.auth.sign_in_with_password(email, password)
        assert refused.value.error_code == "invalid_credentials"


async def test_an_old_sign_in_is_not_enough_and_the_session_stays(place: Any) -> None:
    email, password = await place.new_user()
    async with asyncio.timeout(DEADLINE_SECONDS), place.connect() as api:
        await api.auth.sign_in_with_password(email, password)
        place.advance_clock(RECENT_SECONDS + 1)
        with pytest.raises(IdentityError) as needed:
            await api.auth.delete_account()
        assert needed.value.error_code == "reauthentication_needed"
        assert api.auth.session is not None
        with pytest.raises(IdentityError) as wrong:
            await api.auth.delete_account(nonce="000 000")
        assert wrong.value.error_code == "reauthentication_not_valid"

        await api.auth.sign_in_with_password(email, password)
        assert (await api.auth.delete_account()).deleted_at
