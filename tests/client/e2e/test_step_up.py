"""A call that wants a second factor has the SDK ask for it, raises the open connection, and is repeated over it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from tests.support.totp import STEP_SECONDS, totp

import cadenza
from cadenza.client import Client, FactorCode, MemorySessionStore, SecondFactorCallback, SecondFactorRequest
from cadenza.errors import ClosedError, IdentityError, RpcError, SecondFactorRequiredError
from cadenza.schema.access import Guarded
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEADLINE_SECONDS = 20
PASSWORD = "correct horse 1"
METHOD = "command.credential.revoke"
PARAMS = {"credentialId": "1b4e28ba-2fa1-41d2-883f-0016d3cca427"}
#: What the method answers to whoever may call it, as long as it is not served.
NOT_SERVED = 18016


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedStack]:
    """A stack that demands a second factor."""
    settings = StackSettings(
        data_dir=tmp_path_factory.mktemp("stack") / "data",
        identity_port=0,
        gateway_port=0,
        backend_port=0,
        book_updates_per_second=0,
        second_factor_for=frozenset(Guarded),
    )
    async with EmbeddedStack(settings) as running:
        yield running


class App:
    """An authenticator app, and its user, who is asked for a code."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.asked: list[SecondFactorRequest] = []
        self.answer: Callable[[], Awaitable[str | FactorCode | None]] = self.right

    @property
    def code(self) -> str:
        """The next one: that of now was spent to enrol."""
        return totp(self._secret, time.time() + STEP_SECONDS)

    async def right(self) -> str:
        return self.code

    async def __call__(self, request: SecondFactorRequest) -> str | FactorCode | None:
        self.asked.append(request)
        return await self.answer()


@contextlib.asynccontextmanager
async def signed_in(
    stack: EmbeddedStack, *, enrolled: bool = True, ask: SecondFactorCallback | None = None
) -> AsyncIterator[tuple[Client, App]]:
    """A client of a new user with a second factor, who has signed in with the password alone."""
    email = f"user-{secrets.token_hex(6)}@example.com"
    await stack.identity.ensure_user(email, PASSWORD)
    app = App("")

    async def asked(request: SecondFactorRequest) -> str | FactorCode | None:
        return await app(request)

    client = cadenza.connect(
        stack.ws_url,
        supabase_url=stack.supabase_url,
        session_store=MemorySessionStore(),
        second_factor=ask or asked,
        environ={},
    )
    async with asyncio.timeout(DEADLINE_SECONDS), client as api:
        await api.auth.sign_in_with_password(email, PASSWORD)
        if enrolled:
            factor = await api.auth.mfa.enroll("phone")
            app = App(factor.secret)
            await api.auth.mfa.verify(totp(factor.secret, time.time()), factor_id=factor.factor_id)
            await api.auth.sign_in_with_password(email, PASSWORD)
        await api.market.venues.list()
        yield api, app


async def outcome(api: Client) -> int:
    """The code the guarded call ends with."""
    with pytest.raises(RpcError) as ended:
        await api.call(METHOD, PARAMS)
    assert ended.value.code is not None
    return ended.value.code


async def test_the_call_goes_on_over_the_same_connection_once_the_code_was_given(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):
        connection = api.client_id
        assert await outcome(api) == NOT_SERVED
        assert api.client_id == connection
        assert api.auth.session is not None
        assert api.auth.session.level == "aal2"
        (request,) = app.asked
        assert request.method == METHOD
        assert [factor.name for factor in request.factors] == ["phone"]
        assert await outcome(api) == NOT_SERVED  # and is not asked for again
        assert len(app.asked) == 1


async def test_calls_at_the_same_time_share_one_question(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):
        assert await asyncio.gather(*(outcome(api) for _ in range(10))) == [NOT_SERVED] * 10
        assert len(app.asked) == 1


async def test_a_session_that_is_raised_already_is_not_asked_for_another_code(
    stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signed_in(stack) as (api, app):
        with monkeypatch.context() as patch:
            patch.setattr(stack.backend.levels, "raise_to", lambda *_, **__: None)  # the connection is not raised
            await api.auth.mfa.verify(app.code)
        assert await outcome(api) == NOT_SERVED
        assert app.asked == []


async def test_a_wrong_code_is_the_providers_refusal_and_the_next_call_asks_again(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):

        async def wrong() -> str:
            return f"{(int(app.code) + 500_000) % 1_000_000:06}"

        app.answer = wrong
        with pytest.raises(IdentityError) as refused:
            await api.call(METHOD, PARAMS)
        assert refused.value.error_code == "mfa_verification_failed"
        app.answer = app.right
        assert await outcome(api) == NOT_SERVED
        assert len(app.asked) == 2


async def test_whoever_gives_no_code_is_refused(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):

        async def nothing() -> None:
            return None

        app.answer = nothing
        with pytest.raises(SecondFactorRequiredError) as refused:
            await api.call(METHOD, PARAMS)
        assert refused.value.code == 26006
        assert "api.auth.mfa.verify" in refused.value.next_step


async def test_without_a_second_factor_nobody_is_asked_and_the_next_step_is_to_enrol(stack: EmbeddedStack) -> None:
    async with signed_in(stack, enrolled=False) as (api, app):
        with pytest.raises(SecondFactorRequiredError) as refused:
            await api.call(METHOD, PARAMS)
        assert "enroll" in refused.value.next_step
        assert app.asked == []


async def test_without_a_callback_it_is_a_typed_refusal(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, _):
        session = api.auth.session
        assert session is not None
        async with cadenza.connect(
            stack.ws_url, supabase_url=stack.supabase_url, session_store=MemorySessionStore(), environ={}
        ) as plain:
            await plain.auth.use_session(session)
            with pytest.raises(SecondFactorRequiredError):
                await plain.call(METHOD, PARAMS)


async def test_a_call_is_repeated_once_and_not_for_ever(stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    async with signed_in(stack) as (api, app):
        monkeypatch.setattr(stack.backend.levels, "raise_to", lambda *_, **__: None)  # a backend that forgets at once
        with pytest.raises(SecondFactorRequiredError):
            await api.call(METHOD, PARAMS)
        assert len(app.asked) == 1


async def test_a_plain_function_may_wait_for_somebody_who_types(stack: EmbeddedStack) -> None:
    """``second_factor=lambda request: input(...)``: the connection lives on while it waits."""
    typed, threads = threading.Event(), []

    def ask(_request: SecondFactorRequest) -> str:
        threads.append(threading.current_thread())
        assert typed.wait(DEADLINE_SECONDS)
        return code

    async with signed_in(stack, ask=ask) as (api, app):
        code = app.code
        calling = asyncio.create_task(outcome(api))
        while not threads:
            await api.market.venues.list()
        typed.set()
        assert await calling == NOT_SERVED
        assert threads[0] is not threading.main_thread()


async def test_a_callback_may_raise_the_session_itself(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):

        async def by_itself() -> None:
            (factor,) = app.asked[-1].factors
            await api.auth.mfa.verify(app.code, factor_id=factor.id)

        app.answer = by_itself
        assert await outcome(api) == NOT_SERVED


async def test_the_code_of_one_of_several_factors_may_be_given(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):

        async def named() -> FactorCode:
            (factor,) = app.asked[-1].factors
            given = FactorCode(code=app.code, factor_id=factor.id)
            assert given.code not in repr(given)
            return given

        app.answer = named
        assert await outcome(api) == NOT_SERVED


async def test_a_callback_that_calls_what_it_was_asked_for_is_refused_and_does_not_wait_for_itself(
    stack: EmbeddedStack,
) -> None:
    async with signed_in(stack) as (api, app):

        async def in_a_circle() -> str:
            with pytest.raises(SecondFactorRequiredError):
                await api.call(METHOD, PARAMS)
            return app.code

        app.answer = in_a_circle
        assert await outcome(api) == NOT_SERVED
        assert len(app.asked) == 1


async def test_the_question_goes_when_nobody_waits_for_its_answer_any_more(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):
        begun, gone = asyncio.Event(), asyncio.Event()

        async def never() -> str:
            begun.set()
            try:
                await asyncio.Event().wait()
                raise AssertionError("nobody sets it")
            finally:
                gone.set()

        app.answer = never
        first, second = (asyncio.create_task(api.call(METHOD, PARAMS)) for _ in range(2))
        await begun.wait()
        first.cancel()
        await asyncio.wait({first})
        assert not gone.is_set()
        second.cancel()
        await asyncio.wait({second})
        await gone.wait()
        app.answer = app.right
        assert await outcome(api) == NOT_SERVED


async def test_closing_the_client_takes_the_question_away(stack: EmbeddedStack) -> None:
    async with signed_in(stack) as (api, app):
        begun = asyncio.Event()

        async def never() -> str:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

        app.answer = never
        calling = asyncio.create_task(api.call(METHOD, PARAMS))
        await begun.wait()
        await api.close()
        with pytest.raises(ClosedError):
            await calling
