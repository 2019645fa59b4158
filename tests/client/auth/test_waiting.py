"""A started sign-in: what it costs to be wrong, to be offline, to be somebody else (rows E9, G2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from tests.support.loopback import use_free_ports

from cadenza.client.auth.browser import Surroundings
from cadenza.client.auth.flows import Auth
from cadenza.client.auth.pending import BROWSER_SECONDS, MOST_ATTEMPTS, MemoryPendingFlows
from cadenza.client.auth.ports import Landing
from cadenza.client.auth.session import Session
from cadenza.client.settings import Addresses
from cadenza.errors import (
    ConfigurationError,
    IdentityError,
    ProtocolError,
    SessionStoreError,
    TransportError,
    UsageError,
    ValidationError,
)
from cadenza.protocol.auth import endpoints, pkce

if TYPE_CHECKING:
    from tests.client.conftest import ManualTime

CODE = "5c9ec4d2-aaaa-4bbb"


class FakeProvider:
    """Answers as a test says, and keeps what it was asked."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.errors: list[Exception] = []
        self.exchanged: list[tuple[str, str]] = []
        self.challenges: list[str] = []
        self.redirects: list[str] = []

    async def provider_url(self, provider: str, landing: Landing, *_: Any) -> str:
        self.challenges.append(landing.code_challenge)
        self.redirects.append(landing.redirect_to)
        return f"https://auth.example/authorize?provider={provider}"

    async def link_url(self, *asked: Any) -> str:
        return await self.provider_url(*asked[1:])

    async def send_code(self, *_: Any, landing: Landing, **__: Any) -> None:
        self._raise()
        self.redirects.append(landing.redirect_to)

    async def verify_code(self, *_: Any) -> Session:
        self._raise()
        return self.session

    async def exchange(self, code: str, verifier: str) -> Session:
        self.exchanged.append((code, verifier))
        self._raise()
        return self.session

    def _raise(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


class FakeHost:
    """A client without a network."""

    def __init__(self, provider: FakeProvider, time: ManualTime) -> None:
        self.asked = provider
        self.timing = time.timing
        self.pending_flows = MemoryPendingFlows(time.timing.clock)
        self.addresses = Addresses(ws_url="ws://127.0.0.1:8000/connection/websocket", supabase_url=None)
        self.surroundings = Surroundings()
        self.session: Session | None = None
        self.store_error: SessionStoreError | None = None

    def sign_in(self, *, over_websocket: bool | None = None) -> FakeProvider:
        del over_websocket
        return self.asked

    def provider(self) -> FakeProvider:
        return self.asked

    async def prepare_sign_in(self) -> None:
        if self.store_error is not None:
            raise self.store_error

    async def begin_session(self, session: Session) -> None:
        self.session = session

    async def access_token(self, *, refused: str | None = None) -> str:
        del refused
        return "access-0"


@pytest.fixture(autouse=True)
def redirects(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Where a browser comes back to in this test."""
    return use_free_ports(monkeypatch)


@pytest.fixture
def session() -> Session:
    return Session(access_token="access-1", expires_in=3600, expires_at=0, user_id="user-1", email="ann@example.com")


@pytest.fixture
def asked(session: Session) -> FakeProvider:
    return FakeProvider(session)


@pytest.fixture
def host(asked: FakeProvider, time: ManualTime) -> FakeHost:
    return FakeHost(asked, time)


@pytest.fixture
def auth(host: FakeHost) -> Auth:
    return Auth(cast("Any", host))


def refused(error_code: str = "flow_state_not_found") -> IdentityError:
    return IdentityError("No.", status=404, error_code=error_code)


async def test_the_verifier_that_is_sent_fits_the_challenge_that_was_shown(auth: Auth, asked: FakeProvider) -> None:
    pending = await auth.start_provider_sign_in("google", listen=False)
    await pending.complete(CODE)
    ((code, verifier),) = asked.exchanged
    assert code == CODE
    assert pkce.challenge_of(verifier) == asked.challenges[0]
    assert verifier not in repr(pending) + str(vars(pending)["_flow"])


async def test_every_flow_has_its_own_verifier_and_state(auth: Auth, asked: FakeProvider) -> None:
    for _ in range(2):
        await auth.start_provider_sign_in("google", listen=False)
    assert len(set(asked.challenges)) == 2
    assert len(set(asked.redirects)) == 2


async def test_it_is_completed_once(auth: Auth, asked: FakeProvider, host: FakeHost) -> None:
    pending = await auth.start_provider_sign_in("google", listen=False)
    assert await pending.complete(CODE) is host.session
    with pytest.raises(UsageError, match="completed"):
        await pending.complete(CODE)
    assert len(asked.exchanged) == 1


async def test_a_mistyped_code_can_be_tried_again_but_not_for_ever(auth: Auth, asked: FakeProvider) -> None:
    pending = await auth.start_provider_sign_in("google", listen=False)
    for _ in range(MOST_ATTEMPTS):
        asked.errors.append(refused())
        with pytest.raises(IdentityError):
            await pending.complete(CODE)
    with pytest.raises(UsageError, match="completed"):
        await pending.complete(CODE)
    assert len(asked.exchanged) == MOST_ATTEMPTS


async def test_a_network_that_was_away_costs_nothing(auth: Auth, asked: FakeProvider, host: FakeHost) -> None:
    pending = await auth.start_provider_sign_in("google", listen=False)
    asked.errors.append(TransportError("away"))
    with pytest.raises(TransportError):
        await pending.complete(CODE)
    await pending.complete(CODE)
    assert host.session is not None


async def test_it_ends_at_its_time(auth: Auth, asked: FakeProvider, time: ManualTime) -> None:
    pending = await auth.start_provider_sign_in("google", listen=False)
    await time.advance(BROWSER_SECONDS)
    with pytest.raises(UsageError, match="time is over"):
        await pending.complete(CODE)
    assert not asked.exchanged


async def test_the_store_is_tried_before_anything_is_sent(auth: Auth, host: FakeHost, asked: FakeProvider) -> None:
    """Row G4."""
    host.store_error = SessionStoreError("No room.", location="nowhere")
    with pytest.raises(SessionStoreError):
        await auth.start_provider_sign_in("google")
    with pytest.raises(SessionStoreError):
        await auth.start_magic_link("ann@example.com")
    assert not asked.redirects


async def test_a_mail_that_could_not_be_sent_leaves_nothing_behind(
    auth: Auth, asked: FakeProvider, host: FakeHost
) -> None:
    for _ in range(4):  # more than there are ports
        asked.errors.append(refused("over_email_send_rate_limit"))
        with pytest.raises(IdentityError):
            await auth.start_magic_link("ann@example.com")
    assert await host.pending_flows.waiting() == ()


async def test_a_way_in_is_added_to_no_other_account(auth: Auth, host: FakeHost, session: Session) -> None:
    host.session = msgspec.structs.replace(session, user_id="user-0")
    pending = await auth.start_link_identity("google", listen=False)
    with pytest.raises(ProtocolError, match="somebody else"):
        await pending.complete(CODE)
    assert host.session.user_id == "user-0"


async def test_a_mailed_code_signs_in_whom_it_was_sent_to(auth: Auth, host: FakeHost) -> None:
    pending = await auth.start_magic_link("ben@example.com", listen=False)
    with pytest.raises(ProtocolError, match="somebody else"):
        await pending.complete("123456")
    assert host.session is None
    pending = await auth.start_magic_link("ANN@example.com", listen=False)
    await pending.complete("123 456")
    assert host.session is not None


async def test_a_bare_code_needs_one_sign_in_that_waits(auth: Auth, asked: FakeProvider, host: FakeHost) -> None:
    with pytest.raises(UsageError, match="No sign-in waits"):
        await auth.complete_sign_in(CODE)
    await auth.start_provider_sign_in("google", listen=False)
    second = await auth.start_provider_sign_in("google", listen=False)
    with pytest.raises(UsageError, match="Several"):
        await auth.complete_sign_in(CODE)
    with pytest.raises(ValidationError, match="no sign-in that waits"):
        await auth.complete_sign_in(f"http://127.0.0.1:53682/callback?code={CODE}&state={'x' * 32}")
    await auth.complete_sign_in(f"{asked.redirects[1]}&code={CODE}")
    assert host.session is not None
    with pytest.raises(UsageError):
        await second.complete(CODE)


async def test_a_sign_in_at_another_provider_is_not_completed_here(auth: Auth, host: FakeHost) -> None:
    await auth.start_provider_sign_in("google", listen=False)
    host.addresses = Addresses(ws_url="wss://elsewhere.example/connection/websocket", supabase_url=None)
    with pytest.raises(UsageError, match="No sign-in waits"):
        await auth.complete_sign_in(CODE)


def test_the_ports_are_fixed_because_a_providers_list_may_have_to_name_them() -> None:
    """Row G1. Read from the source: the fixture above replaces them."""
    text = Path(endpoints.__file__).read_text()
    assert "for port in (53682, 53683, 53684))" in text


async def test_without_a_browser_the_other_ways_are_named(auth: Auth) -> None:
    with pytest.raises(ConfigurationError) as no_browser:
        await auth.sign_in_with_provider("google")
    assert no_browser.value.setting == "BROWSER"
    assert "start_provider_sign_in" in no_browser.value.next_step
    assert "send_code" in no_browser.value.next_step


async def test_a_browser_that_does_not_start_frees_the_port_and_forgets(auth: Auth, host: FakeHost) -> None:
    async def opener(_: str) -> bool:
        return False

    for _ in range(4):
        with pytest.raises(ConfigurationError, match="none could be started"):
            await auth.sign_in_with_provider("google", opener=opener)
    assert await host.pending_flows.waiting() == ()


async def test_what_does_not_listen_says_so(auth: Auth) -> None:
    pending = await auth.start_provider_sign_in("google", listen=False)
    assert not pending.is_listening
    with pytest.raises(UsageError, match="does not listen"):
        await pending.wait()
