"""Every way in against the embedded provider, its inbox and its test provider; over the WebSocket as well."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.client.e2e.ways_in.acts import (
    NEW_PASSWORD,
    PASSWORD,
    arrive,
    client_of,
    follow,
    newest,
    works,
)
from tests.identity.browsing import walk

from cadenza.client import Client
from cadenza.client.auth.flows import Auth, OverWebSocket
from cadenza.errors import AuthError, ConfigurationError, IdentityError, ProtocolError, UsageError, ValidationError
from cadenza.stack.embedded import EmbeddedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
