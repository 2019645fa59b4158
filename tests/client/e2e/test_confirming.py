"""Where an address must be confirmed before it counts: sign-up, and what becomes of an anonymous user."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.client.e2e.ways_in.acts import Unlimited, client_of, newest, works

from cadenza.client import Client
from cadenza.client.auth.flows import Auth, OverWebSocket
from cadenza.errors import IdentityError, UsageError
from cadenza.identity.config import IdentityConfig
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEADLINE_SECONDS = 30
PASSWORD = "correct horse 1"


class Confirming(Unlimited):
    """Nothing counts before it is confirmed."""

    def identity_config(self) -> IdentityConfig:
        return dataclasses.replace(super().identity_config(), autoconfirm=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedStack]:
    folder = tmp_path_factory.mktemp("confirming")
    settings = StackSettings(data_dir=folder, identity_port=0, gateway_port=0, backend_port=0)
    async with Confirming(settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(stack: EmbeddedStack) -> AsyncIterator[Client]:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(stack) as client:
        yield client


@pytest.fixture(params=["provider", "websocket"])
def ways(request: pytest.FixtureRequest, api: Client) -> Auth | OverWebSocket:
    """Both doors."""
    return api.auth if request.param == "provider" else api.auth.over_websocket


@pytest.fixture
def email() -> str:
    return f"user-{secrets.token_hex(6)}@example.com"


async def test_a_sign_up_waits_for_the_code_of_its_mail(
    stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str
) -> None:
    made = await ways.sign_up(email, PASSWORD)
    assert made.needs_confirmation
    with pytest.raises(IdentityError) as refused:
        await ways.sign_in_with_password(email, PASSWORD)
    assert refused.value.error_code == "email_not_confirmed"
    assert api.auth.session is None
    first = (await newest(stack, email)).code
    await ways.resend(email)
    second = (await newest(stack, email)).code
    with pytest.raises(IdentityError) as old:
        await ways.verify_code(email, first if first != second else "000000", type="signup")
    assert old.value.error_code == "otp_expired"
    await ways.verify_code(email, second, type="signup")
    await works(api, email)


async def test_an_anonymous_user_lasts_from_the_confirmation_on(
    stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str
) -> None:
    before = await ways.sign_in_anonymously()
    waiting = await ways.upgrade(email, PASSWORD)
    assert waiting.is_anonymous
    session = await ways.confirm_email_change(email, (await newest(stack, email)).code)
    assert session is not None
    assert (session.is_anonymous, session.user_id) == (False, before.user_id)
    await works(api, email)
    assert (await ways.sign_in_with_password(email, PASSWORD)).user_id == before.user_id


async def test_only_a_confirmation_is_sent_again(ways: Auth | OverWebSocket, email: str) -> None:
    with pytest.raises(UsageError, match="sent again"):
        await ways.resend(email, type="recovery")
