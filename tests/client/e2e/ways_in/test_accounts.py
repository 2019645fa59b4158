"""What somebody who is in does with the account: keeps an anonymous one, links, changes, a second factor."""

from __future__ import annotations

import time

import pytest
from tests.client.e2e.ways_in.acts import (
    NEW_PASSWORD,
    PASSWORD,
    newest,
    works,
)
from tests.identity.browsing import walk
from tests.support.totp import STEP_SECONDS, totp

from cadenza.client import Client
from cadenza.client.auth.flows import Auth, OverWebSocket
from cadenza.errors import IdentityError, UsageError
from cadenza.schema.scalars import Venue
from cadenza.stack.embedded import EmbeddedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestAnonymous:
    async def test_an_anonymous_user_becomes_a_lasting_one(
        self, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        session = await ways.sign_in_anonymously()
        assert session.is_anonymous
        assert Venue.PAPER in await api.market.venues.list()
        upgraded = await ways.upgrade(email, PASSWORD)
        assert not upgraded.is_anonymous
        assert upgraded.user_id == session.user_id
        await works(api, email)
        with pytest.raises(UsageError, match="not anonymous"):
            await ways.upgrade(email)
        assert (await ways.sign_in_with_password(email, PASSWORD)).user_id == session.user_id

    async def test_or_by_an_account_elsewhere(self, api: Client, email: str) -> None:
        session = await api.auth.sign_in_anonymously()
        pending = await api.auth.start_link_identity("test", listen=False)
        linked = await pending.complete(await walk(pending.url, email=email, until=pending.redirect_to))
        assert linked.user_id == session.user_id
        assert not linked.is_anonymous
        await works(api, email)


class TestIdentities:
    async def test_ways_in_are_added_and_removed_but_never_the_last(self, api: Client, email: str) -> None:
        await api.auth.sign_up(email, PASSWORD)
        pending = await api.auth.start_link_identity("test", listen=False)
        await pending.complete(await walk(pending.url, email=f"other-{email}", until=pending.redirect_to))
        identities = await api.auth.identities()
        assert sorted(identity.provider for identity in identities) == ["email", "test"]
        linked = next(identity for identity in identities if identity.provider == "test")
        await api.auth.unlink_identity(linked)
        (last,) = await api.auth.identities()
        with pytest.raises(IdentityError) as refused:
            await api.auth.unlink_identity(last.identity_id)
        assert refused.value.error_code == "single_identity_not_deletable"


class TestAccount:
    async def test_an_address_is_changed_by_the_codes_of_both_mails(
        self, stack: EmbeddedStack, api: Client, email: str
    ) -> None:
        new = f"new-{email}"
        await api.auth.sign_up(email, PASSWORD)
        await api.auth.update_user(email=new, metadata={"nickname": "Ann"})
        session = await api.auth.confirm_email_change(email, (await newest(stack, email)).code)
        if session is None:
            session = await api.auth.confirm_email_change(new, (await newest(stack, new)).code)
        assert session is not None
        assert session.email == new
        assert ((await api.auth.user()).user_metadata or {})["nickname"] == "Ann"

    async def test_a_code_is_mailed_for_a_new_password(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        await ways.sign_up(email, PASSWORD)
        await ways.reauthenticate()
        nonce = (await newest(stack, email)).code
        await ways.update_user(password=NEW_PASSWORD, nonce=nonce)
        await works(api, email)


class TestSecondFactor:
    async def test_it_raises_the_session_and_the_open_connection(
        self, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        await ways.sign_up(email, PASSWORD)
        enrolled = await ways.mfa.enroll("phone", issuer="Cadenza")
        assert enrolled.uri.startswith("otpauth://totp/")
        assert not await ways.mfa.required()
        session = await ways.mfa.verify(totp(enrolled.secret, time.time()), factor_id=enrolled.factor_id)
        assert session.level == "aal2"

        again = await ways.sign_in_with_password(email, PASSWORD)
        assert (again.level, again.needs_second_factor) == ("aal1", True)
        assert await ways.mfa.required()
        await api.market.venues.list()
        connection = api.client_id
        with pytest.raises(IdentityError) as wrong:
            await ways.mfa.verify("000000")
        assert wrong.value.next_step
        raised = await ways.mfa.verify(totp(enrolled.secret, time.time() + STEP_SECONDS))
        assert (raised.level, raised.needs_second_factor) == ("aal2", False)
        assert not await ways.mfa.required()
        await works(api, email)
        assert api.client_id == connection
        level = await api.auth.step_up()
        assert level is not None
        assert level.aal == "aal2"

        (factor,) = await ways.mfa.factors()
        assert (factor.name, factor.verified) == ("phone", True)
        await ways.mfa.unenroll(factor.id)
        assert await ways.mfa.factors() == ()
