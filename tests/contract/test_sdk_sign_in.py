"""The SDK's ways in, over every stack: its own suite against the real Supabase Auth."""

from __future__ import annotations

import asyncio
import secrets
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.contract.conftest import Account
from tests.contract.stacks import System
from tests.contract.test_sdk import client_of
from tests.contract.wire import DEADLINE_SECONDS
from tests.identity.browsing import walk
from tests.support.loopback import use_free_ports
from tests.support.totp import STEP_SECONDS, totp

from cadenza.client import Client
from cadenza.client.auth.flows import Auth, OverWebSocket
from cadenza.errors import IdentityError
from cadenza.schema.scalars import Venue

requirement = pytest.mark.requirement
PASSWORD = "correct horse 1"
NEW_PASSWORD = "correct horse 2"


def new_address() -> str:
    return f"sdk-{secrets.token_hex(6)}@example.com"


@pytest.fixture(autouse=True)
def redirects(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Where a browser comes back to in this test."""
    return use_free_ports(monkeypatch)


@pytest.fixture(params=["provider", "websocket"])
def door(request: pytest.FixtureRequest) -> str:
    """Whom the SDK asks: the provider, or the backend through the gateway."""
    return str(request.param)


def ways_of(sdk: Client, door: str) -> Auth | OverWebSocket:
    return sdk.auth if door == "provider" else sdk.auth.over_websocket


async def visit(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=10) as http:
        return await http.get(url)


async def works(sdk: Client, email: str) -> None:
    assert Venue.PAPER in await sdk.market.venues.list()
    assert (await sdk.auth.user()).email == email


@requirement("SDK-CODE")
async def test_a_typed_code_signs_in_once(system: System, door: str) -> None:
    email = new_address()
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        await ways.send_code(email)
        code = (await system.mail_to(email)).code
        assert (await ways.verify_code(email, code)).email == email
        await works(sdk, email)
        with pytest.raises(IdentityError) as used:
            await ways.verify_code(email, code)
        assert used.value.error_code == "otp_expired"


@requirement("SDK-MAGIC-LINK")
async def test_a_link_lands_on_the_listener(system: System, door: str) -> None:
    email = new_address()
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        # Answered before the mail is read: the real provider mails from within its transaction.
        async with await ways.start_magic_link(email) as pending:
            signing_in = asyncio.create_task(pending.wait())
            followed = await visit((await system.mail_to(email)).link)
            page = await visit(followed.headers["location"])
            assert "You can close this page" in page.text
            assert (await signing_in).email == email
        await works(sdk, email)


@requirement("SDK-MAGIC-LINK-PASTED")
async def test_a_link_is_pasted_unfollowed(system: System, door: str) -> None:
    email = new_address()
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        pending = await ways.start_magic_link(email, listen=False)
        assert (await pending.complete((await system.mail_to(email)).link)).email == email
        await works(sdk, email)


@requirement("SDK-OAUTH")
async def test_an_oauth_provider_signs_in(system: System, door: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        pending = await ways.start_provider_sign_in(system.oauth_provider)
        async with pending:
            waiting = asyncio.create_task(pending.wait())
            ended = await walk(pending.url, email=new_address(), until=pending.redirect_to)
            assert set(parse_qs(urlsplit(ended).query)) == {"code", "state"}
            assert "You can close this page" in (await visit(ended)).text
            session = await waiting
        await works(sdk, session.email)


@requirement("SDK-OAUTH-INJECTION")
async def test_a_code_of_another_flow_is_refused(system: System, door: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        flows = [await ways.start_provider_sign_in(system.oauth_provider, listen=False) for _ in range(2)]
        ends = [await walk(flow.url, email=new_address(), until=flow.redirect_to) for flow in flows]
        with pytest.raises(IdentityError) as refused:
            await flows[0].complete(parse_qs(urlsplit(ends[1]).query)["code"][0])
        assert refused.value.error_code == "bad_code_verifier"
        second = await flows[1].complete(ends[1])
        first = await flows[0].complete(ends[0])
        assert first.user_id != second.user_id


@requirement("SDK-RECOVERY")
async def test_a_forgotten_password_is_replaced(system: System, account: Account, door: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        pending = await ways.recover(account.email)
        await pending.complete((await system.mail_to(account.email)).code)
        await ways.update_user(password=NEW_PASSWORD)
        await sdk.auth.sign_out()
        assert (await ways.sign_in_with_password(account.email, NEW_PASSWORD)).user_id == account.id


@requirement("SDK-ANONYMOUS")
async def test_an_anonymous_user_is_upgraded(system: System, door: str) -> None:
    email = new_address()
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        session = await ways.sign_in_anonymously()
        assert session.is_anonymous
        upgraded = await ways.upgrade(email, PASSWORD)
        assert (upgraded.is_anonymous, upgraded.user_id) == (False, session.user_id)
        assert (await ways.sign_in_with_password(email, PASSWORD)).user_id == session.user_id


@requirement("SDK-IDENTITIES")
async def test_a_way_in_is_linked_and_unlinked(system: System, account: Account) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        pending = await sdk.auth.start_link_identity(
            system.oauth_provider, extra={"login_hint": new_address()}, listen=False
        )
        linked = await pending.complete(await walk(pending.url, email=new_address(), until=pending.redirect_to))
        assert linked.user_id == account.id
        found = {identity.provider: identity for identity in await sdk.auth.identities()}
        assert set(found) == {"email", system.oauth_provider}
        await sdk.auth.unlink_identity(found[system.oauth_provider])
        with pytest.raises(IdentityError) as refused:
            await sdk.auth.unlink_identity(found["email"])
        assert refused.value.error_code == "single_identity_not_deletable"


@requirement("SDK-ADDRESS")
async def test_an_address_is_changed_by_two_codes(system: System, account: Account) -> None:
    new = new_address()
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        await sdk.auth.sign_in_with_password(account.email, account.password)
        await sdk.auth.update_user(email=new, metadata={"nickname": "Ann"})
        session = None
        for address in (account.email, new):
            if session is None:
                session = await sdk.auth.confirm_email_change(address, (await system.mail_to(address)).code)
        assert session is not None
        assert session.email == new


@requirement("SDK-SECOND-FACTOR")
async def test_a_second_factor_raises_the_session(system: System, account: Account, door: str) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(system) as sdk:
        ways = ways_of(sdk, door)
        await ways.sign_in_with_password(account.email, account.password)
        enrolled = await ways.mfa.enroll("phone")
        first = await ways.mfa.verify(totp(enrolled.secret, time.time()), factor_id=enrolled.factor_id)
        assert first.level == "aal2"
        again = await ways.sign_in_with_password(account.email, account.password)
        assert (again.level, again.needs_second_factor) == ("aal1", True)
        assert await ways.mfa.required()
        raised = await ways.mfa.verify(totp(enrolled.secret, time.time() + STEP_SECONDS))
        assert (raised.level, raised.needs_second_factor) == ("aal2", False)
        (factor,) = await ways.mfa.factors()
        await ways.mfa.unenroll(factor.id)
        assert not await ways.mfa.factors()
