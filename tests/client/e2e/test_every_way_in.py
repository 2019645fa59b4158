"""Every way in against the embedded provider, its inbox and its test provider; over the WebSocket as well."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from tests.identity.browsing import walk
from tests.support.loopback import use_free_ports
from tests.support.totp import STEP_SECONDS, totp

import cadenza
from cadenza.client import Client, MemorySessionStore
from cadenza.client.auth.flows import Auth, OverWebSocket
from cadenza.errors import AuthError, ConfigurationError, IdentityError, ProtocolError, UsageError, ValidationError
from cadenza.identity.config import IdentityConfig, RateLimits
from cadenza.schema.scalars import Venue
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEADLINE_SECONDS = 30
PASSWORD = "correct horse 1"
NEW_PASSWORD = "correct horse 2"


class Unlimited(EmbeddedStack):
    """No limits, so that one address can sign up many; with the test provider."""

    def identity_config(self) -> IdentityConfig:
        config = super().identity_config()
        return dataclasses.replace(
            config,
            limits=RateLimits.off(),
            test_provider=True,
            mail=dataclasses.replace(config.mail, interval_seconds=0),
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedStack]:
    folder: Path = tmp_path_factory.mktemp("every-way")
    settings = StackSettings(data_dir=folder, identity_port=0, gateway_port=0, backend_port=0)
    async with Unlimited(settings) as running:
        yield running


def client_of(stack: EmbeddedStack, **options: object) -> Client:
    return cadenza.connect(
        stack.ws_url,
        supabase_url=stack.supabase_url,
        **{"session_store": MemorySessionStore(), "environ": {}, **options},  # type: ignore[arg-type]
    )


@pytest_asyncio.fixture(loop_scope="module")
async def api(stack: EmbeddedStack) -> AsyncIterator[Client]:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(stack) as client:
        yield client


@pytest.fixture(params=["provider", "websocket"])
def ways(request: pytest.FixtureRequest, api: Client) -> Auth | OverWebSocket:
    """Both doors."""
    return api.auth if request.param == "provider" else api.auth.over_websocket


@pytest.fixture(autouse=True)
def redirects(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Where a browser comes back to in this test."""
    return use_free_ports(monkeypatch)


@pytest.fixture
def email() -> str:
    return f"user-{secrets.token_hex(6)}@example.com"


class Mail:
    """The newest mail to an address."""

    def __init__(self, code: str, link: str) -> None:
        self.code = code
        self.link = link


async def newest(stack: EmbeddedStack, to: str) -> Mail:
    async with httpx.AsyncClient() as http:
        answer = await http.get(
            f"{stack.supabase_url}/inbox", params={"to": to, "wait": "10"}, headers={"Accept": "application/json"}
        )
    mail = answer.json()["mails"][0]
    return Mail(mail["code"], mail["link"])


async def follow(link: str) -> str:
    """Where a mail's link leads, as a browser is told."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(link)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def arrive(url: str) -> str:
    """Arrive at a loopback address as a browser does."""
    async with httpx.AsyncClient() as http:
        return (await http.get(url)).text


async def works(api: Client, email: str) -> None:
    """The session is in use: the gateway takes it, and it is this user's."""
    assert Venue.PAPER in await api.market.venues.list()
    assert (await api.auth.user()).email == email


async def test_what_is_offered_is_told_to_whoever_asks(api: Client) -> None:
    offered = await api.auth.ways_in()
    assert offered.providers == ("test",)
    assert (offered.email, offered.anonymous, offered.sign_up, offered.confirms_email) == (True, True, True, False)


class TestCodes:
    async def test_a_typed_code_signs_in_and_is_good_once(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        await ways.send_code(email)
        code = (await newest(stack, email)).code
        session = await ways.verify_code(f" {email} ", f"{code[:3]} {code[3:]}")
        assert (session.email, session.level, session.needs_second_factor) == (email, "aal1", False)
        await works(api, email)
        with pytest.raises(IdentityError) as used:
            await ways.verify_code(email, code)
        assert used.value.error_code == "otp_expired"

    async def test_an_unknown_address_is_refused_if_nobody_shall_sign_up(
        self, ways: Auth | OverWebSocket, email: str
    ) -> None:
        with pytest.raises(AuthError) as refused:
            await ways.send_code(email, create_user=False)
        assert refused.value.next_step

    async def test_a_type_that_there_is_not_is_a_mistake_of_the_caller(
        self, ways: Auth | OverWebSocket, email: str
    ) -> None:
        with pytest.raises(UsageError, match="recovery"):
            await ways.verify_code(email, "123456", type="nonsense")

    async def test_whoever_forgot_the_password_gets_in_and_sets_a_new_one(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        await ways.sign_up(email, PASSWORD)
        await api.auth.sign_out()
        await ways.recover(email)
        await ways.verify_code(email, (await newest(stack, email)).code, type="recovery")
        await ways.update_user(password=NEW_PASSWORD)
        await api.auth.sign_out()
        assert (await ways.sign_in_with_password(email, NEW_PASSWORD)).email == email


class TestMagicLinks:
    async def test_the_link_lands_on_this_machine(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str, redirects: tuple[str, ...]
    ) -> None:
        signing_in = asyncio.create_task(ways.sign_in_with_magic_link(email))
        landed = await follow((await newest(stack, email)).link)
        assert any(landed.startswith(f"{redirect}?") for redirect in redirects)
        page = await arrive(landed)
        session = await signing_in
        assert "You can close this page" in page
        assert session.access_token not in page
        await works(api, email)

    @pytest.mark.parametrize("pasted", ["where it led", "the link", "the code", "the code it led with"])
    async def test_it_can_be_pasted_instead(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str, pasted: str
    ) -> None:
        pending = await ways.start_magic_link(email, listen=False)
        mail = await newest(stack, email)
        if pasted == "the link":
            text = mail.link
        elif pasted == "the code":
            text = mail.code
        else:
            text = await follow(mail.link)
            if pasted == "the code it led with":
                text = parse_qs(urlsplit(text).query)["code"][0]
        await pending.complete(text)
        await works(api, email)
        with pytest.raises(UsageError, match="completed"):
            await pending.complete(text)

    async def test_it_survives_the_program(self, stack: EmbeddedStack, tmp_path: Path, email: str) -> None:
        environ = {"CADENZA_DATA_DIR": str(tmp_path)}
        async with client_of(stack, session_store=None, environ=environ) as before:
            await before.auth.start_magic_link(email, listen=False)
        landed = await follow((await newest(stack, email)).link)
        async with client_of(stack, session_store=None, environ=environ) as after:
            assert (await after.auth.complete_sign_in(landed)).email == email
            await works(after, email)
            with pytest.raises(UsageError, match="No sign-in waits"):
                await after.auth.complete_sign_in(landed)

    async def test_a_link_that_was_followed_too_late_says_so(
        self, stack: EmbeddedStack, ways: Auth | OverWebSocket, email: str
    ) -> None:
        async with await ways.start_magic_link(email) as pending:
            mail = await newest(stack, email)
            first = await follow(mail.link)
            second = await follow(mail.link)
            with pytest.raises(IdentityError) as refused:
                await pending.complete(second)
            assert refused.value.error_code == "otp_expired"
            assert (await pending.complete(first)).email == email

    async def test_somebody_elses_link_signs_nobody_in(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        """Session fixation: the attacker has a link of their own sent to the victim, who pastes it."""
        async with client_of(stack) as attacker:
            await attacker.auth.start_magic_link("mallory@example.com", listen=False)
            theirs = await newest(stack, "mallory@example.com")
            pending = await ways.start_magic_link(email, listen=False)
            with pytest.raises(ValidationError, match="another sign-in"):
                await pending.complete(theirs.link)
            with pytest.raises(ProtocolError, match="somebody else"):
                await pending.complete(re.sub(r"redirect_to=[^&]*", "", theirs.link))
            assert api.auth.session is None


class TestProviders:
    async def test_a_browser_comes_back_to_this_machine(
        self, api: Client, ways: Auth | OverWebSocket, email: str, redirects: tuple[str, ...]
    ) -> None:
        pages = list[str]()
        opened = list[asyncio.Task[None]]()

        async def browse(url: str) -> None:
            pages.append(await arrive(await walk(url, email=email, until=redirects)))

        async def opener(url: str) -> bool:
            opened.append(asyncio.create_task(browse(url)))
            return True

        session = await ways.sign_in_with_provider("test", opener=opener)
        await asyncio.gather(*opened)
        assert session.email == email
        assert "You can close this page" in pages[0]
        await works(api, email)

    async def test_without_a_browser_the_address_is_pasted(
        self, api: Client, ways: Auth | OverWebSocket, email: str
    ) -> None:
        """Over SSH the user's own browser ends at an address where nothing listens (row G2)."""
        with pytest.raises(ConfigurationError, match="no display") as refused:
            await ways.sign_in_with_provider("test")
        assert "start_provider_sign_in" in refused.value.next_step
        pending = await ways.start_provider_sign_in("test", listen=False)
        ended = await walk(pending.url, email=email, until=pending.redirect_to)
        assert (await pending.complete(ended)).email == email
        await works(api, email)

    async def test_whoever_says_no_is_not_signed_in(self, api: Client, ways: Auth | OverWebSocket) -> None:
        async with await ways.start_provider_sign_in("test") as pending:
            waiting = asyncio.create_task(pending.wait())
            ended = await walk(pending.url, decision="deny", until=pending.redirect_to)
            assert "refused" in await arrive(ended)
            with pytest.raises(IdentityError) as refused:
                await waiting
        assert refused.value.error_code
        assert api.auth.session is None

    async def test_two_at_once_keep_their_own_verifiers(
        self, stack: EmbeddedStack, api: Client, ways: Auth | OverWebSocket
    ) -> None:
        """Row E9: both finish, in the other order than they began."""
        del stack
        async with await ways.start_provider_sign_in("test") as one, await ways.start_provider_sign_in("test") as two:
            assert one.redirect_to != two.redirect_to
            ends = [await walk(each.url, email=f"{n}-two@example.com", until=each.redirect_to)
                    for n, each in enumerate((one, two))]  # fmt: skip
            with pytest.raises(ValidationError, match="another sign-in"):
                await one.complete(ends[1])
            assert (await two.complete(ends[1])).email == "1-two@example.com"
            assert (await one.complete(ends[0])).email == "0-two@example.com"
        await works(api, "0-two@example.com")

    async def test_a_code_of_another_flow_is_worth_nothing(self, ways: Auth | OverWebSocket, api: Client) -> None:
        """Code injection (RFC 9700 section 4.5): PKCE ties the code to the verifier it was asked for with."""
        mine = await ways.start_provider_sign_in("test", listen=False)
        theirs = await ways.start_provider_sign_in("test", listen=False)
        ended = await walk(theirs.url, email="mallory@example.com", until=theirs.redirect_to)
        code = parse_qs(urlsplit(ended).query)["code"][0]
        with pytest.raises(IdentityError):
            await mine.complete(code)
        assert api.auth.session is None
        await mine.cancel()
        await theirs.cancel()

    async def test_giving_up_frees_the_port_and_forgets_the_flow(
        self, ways: Auth | OverWebSocket, redirects: tuple[str, ...]
    ) -> None:
        opened = asyncio.Event()

        async def opener(_: str) -> bool:
            opened.set()
            return True

        started = asyncio.create_task(ways.sign_in_with_provider("test", opener=opener))
        await opened.wait()
        async with await ways.start_provider_sign_in("test") as second:
            assert second.redirect_to == redirects[1]
        started.cancel()
        with pytest.raises(asyncio.CancelledError):
            await started
        async with await ways.start_provider_sign_in("test") as third:
            assert third.redirect_to == redirects[0]
            await third.cancel()
        with pytest.raises(UsageError, match="completed"):
            await third.complete("12345678")


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
