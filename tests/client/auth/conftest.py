"""A token manager and what stands around it; a keyring in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from cadenza.client.auth.session import Session
from cadenza.client.auth.stores import MemorySessionStore, SessionStore
from cadenza.client.auth.tokens import TokenManager
from cadenza.errors import CadenzaError, ClockSkewError, SignInRequiredError, TokenFormatError
from cadenza.tokens.claims import Claims, Header, UnverifiedToken

if TYPE_CHECKING:
    from tests.client.conftest import ManualTime

MakeSession = Callable[..., Session]


class FakeKeyring:
    """Stands for the system's keyring: entries in a dictionary, and faults that a test lines up."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.fault: Exception | None = None
        self.forgets = False

    def get_password(self, service_name: str, username: str) -> str | None:
        self._fail()
        return self.entries.get((service_name, username))

    def set_password(self, service_name: str, username: str, password: str) -> None:
        self._fail()
        if not self.forgets:
            self.entries[service_name, username] = password

    def delete_password(self, service_name: str, username: str) -> None:
        self._fail()
        del self.entries[service_name, username]

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()


class Provider:
    """Stands for the identity provider's token endpoint: answers what a test lines up, else the next session."""

    def __init__(self, make_session: MakeSession) -> None:
        self._make_session = make_session
        self.asked: list[str] = []
        self.answers: list[Exception | Callable[[], Awaitable[Session]]] = []
        self.expires_in = 3600.0

    async def __call__(self, refresh_token: str) -> Session:
        self.asked.append(refresh_token)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return await answer()
        return self._make_session(int(refresh_token.split("-")[1]) + 1, expires_in=self.expires_in)


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.refreshed: list[str] = []
        self.failed: list[tuple[CadenzaError, float]] = []
        self.over: list[SignInRequiredError] = []
        self.skews: list[float] = []

    def session_refreshed(self, session: Session) -> None:
        self.refreshed.append(session.access_token)

    def refresh_failed(self, error: CadenzaError, retry_in_seconds: float) -> None:
        self.failed.append((error, retry_in_seconds))

    def session_over(self, error: SignInRequiredError) -> None:
        self.over.append(error)

    def clock_is_wrong(self, error: ClockSkewError) -> None:
        self.skews.append(error.offset_seconds)


def check(token: str, issued_at: float = 1_800_000_005.0) -> UnverifiedToken:
    if token.startswith("malformed"):
        raise TokenFormatError("The token has no kid.")
    return UnverifiedToken(
        header=Header(alg="ES256", kid="k"),
        claims=Claims(sub="user-1", iat=issued_at),
        header_json=b"",
        claims_json=b"",
    )


class Rig:
    """One manager and what stands around it."""

    def __init__(self, store: SessionStore, make_session: MakeSession, time: ManualTime) -> None:
        self.time = time
        self.store = store
        self.provider = Provider(make_session)
        self.listener = Listener()
        self.provider_is_ahead_by = 5.0
        self.manager = self.another()

    def another(self) -> TokenManager:
        """A sibling on the same store, as another process would have."""
        return TokenManager(
            store=self.store,
            refresher=self.provider,
            check=self._check,
            listener=self.listener,
            timing=self.time.timing,
        )

    def _check(self, token: str) -> UnverifiedToken:
        """Each token is looked at on receipt, so it was issued just now, by the provider's clock."""
        return check(token, self.time.timing.clock() + self.provider_is_ahead_by)


@pytest.fixture
async def rig(make_session: MakeSession, time: ManualTime) -> AsyncIterator[Rig]:
    rig = Rig(MemorySessionStore(), make_session, time)
    yield rig
    await rig.manager.close()
