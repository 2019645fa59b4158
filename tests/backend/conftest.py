"""What the backend's tests share: stand-ins for everything outside this room, and a backend on them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest

from cadenza.backend import Backend, BackendConfig, PaperConfig
from cadenza.errors import RpcError, TransportError
from cadenza.protocol.proxy import Peer, RpcRequest, SubscribeRequest, SubscribeResponse
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    EnrollMfaParams,
    IdTokenParams,
    LogoutScope,
    MfaChallenge,
    MfaEnrollment,
    MfaFactor,
    OtpType,
    RecoverParams,
    SendOtpParams,
    SignupParams,
    UpdateUserParams,
    VerifyMfaParams,
)
from cadenza.schema.codes import Code

Until = Callable[[Callable[[], bool]], Awaitable[None]]

#: A Monday, 12:47:17 UTC.
START = 1_795_438_037.125


@pytest.fixture
def until() -> Until:
    """Let the loop run until something is so; fail after five seconds."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event, and the loop only turns
                await asyncio.sleep(0)

    return wait


class Time:
    """A clock that stands until it is moved; serves as wall clock and as monotonic clock."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


class Published(NamedTuple):
    channel: str
    data: bytes
    tags: Mapping[str, str] | None

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class MemoryPublisher:
    """Keeps what is published; fails as often as it is told to."""

    def __init__(self) -> None:
        self.published: list[Published] = []
        self.failures = 0

    async def publish(self, channel: str, data: bytes, *, tags: Mapping[str, str] | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the gateway is away")
        self.published.append(Published(channel, data, tags))

    def on(self, prefix: str) -> list[Published]:
        return [publication for publication in self.published if publication.channel.startswith(prefix)]


@pytest.fixture
def publisher() -> MemoryPublisher:
    return MemoryPublisher()


class MemorySockets:
    """Connections by channel, and which were closed, with which code and words."""

    def __init__(self) -> None:
        self.channels: dict[str, dict[str, str]] = {}
        self.closed: list[tuple[str, int, str]] = []
        self.users_closed: list[tuple[str, int, str, tuple[str, ...]]] = []
        self.broken = False

    async def present(self, channels: Sequence[str]) -> Mapping[str, str]:
        if self.broken:
            raise TransportError("the gateway is away")
        return {client: user for channel in channels for client, user in self.channels.get(channel, {}).items()}

    async def close(self, clients: Mapping[str, str], code: int, reason: str) -> None:
        for client in clients:
            self.closed.append((client, code, reason))
            for members in self.channels.values():
                members.pop(client, None)

    async def close_user(self, user: str, code: int, reason: str, *, spare: Sequence[str]) -> None:
        self.users_closed.append((user, code, reason, tuple(spare)))


@pytest.fixture
def sockets() -> MemorySockets:
    return MemorySockets()


class MemoryProvider:
    """An identity provider with one user, ann, that remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.broken: Exception | None = None

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.broken is not None:
            raise self.broken

    async def signup(self, params: SignupParams, *, address: str = "") -> AuthSession:
        self._note("signup", params.email, params.password, params.metadata, address)
        return AuthSession(user=AuthUser(id="new", email=params.email))

    async def anonymous(self, *, address: str = "") -> AuthSession:
        self._note("anonymous", address)
        return AuthSession(access_token="at", refresh_token="rt")

    async def id_token(self, params: IdTokenParams, *, address: str = "") -> AuthSession:
        self._note("id_token", params.provider, params.id_token, params.nonce, address)
        return AuthSession(access_token="at", refresh_token="rt")

    def oauth_url(self, provider: str, redirect_to: str, code_challenge: str) -> str:
        self._note("oauth_url", provider, redirect_to, code_challenge)
        return f"http://idp.example/authorize?provider={provider}"

    async def exchange(self, code: str, code_verifier: str, *, address: str = "") -> AuthSession:
        self._note("exchange", code, code_verifier, address)
        return AuthSession(access_token="at", refresh_token="rt")

    async def send_code(self, params: SendOtpParams, *, address: str = "") -> None:
        self._note("send_code", params.email, params.type, address)

    async def recover(self, params: RecoverParams, *, address: str = "") -> None:
        self._note("recover", params.email, params.redirect_to, address)

    async def verify_code(self, kind: OtpType, email: str, token: str, *, address: str = "") -> AuthSession:
        self._note("verify_code", kind, email, token, address)
        if token != "123456":
            raise RpcError("It has expired.", code=Code.ONE_TIME_CODE_REFUSED, field="token")
        return AuthSession(access_token="at", refresh_token="rt")

    async def verify_link(self, kind: OtpType, token_hash: str, *, address: str = "") -> AuthSession:
        self._note("verify_link", kind, token_hash, address)
        return AuthSession(access_token="at", refresh_token="rt")

    async def reauthenticate(self, access_token: str, *, address: str = "") -> None:
        self._note("reauthenticate", access_token, address)

    async def update_user(self, params: UpdateUserParams, *, address: str = "") -> AuthUser:
        self._note("update_user", params.access_token, params.metadata, address)
        return AuthUser(id="ann", user_metadata=params.metadata)

    async def factors(self, access_token: str) -> tuple[MfaFactor, ...]:
        self._note("factors", access_token)
        factor = MfaFactor(id="f1", type="totp", status="verified", created_at="t", updated_at="t")
        return (factor,)

    async def enroll(self, params: EnrollMfaParams, *, address: str = "") -> MfaEnrollment:
        self._note("enroll", params.access_token, params.friendly_name, address)
        return MfaEnrollment(factor_id="f1", type="totp", secret="S3", uri="otpauth://totp/x")

    async def unenroll(self, access_token: str, factor_id: str, *, address: str = "") -> None:
        self._note("unenroll", access_token, factor_id, address)

    async def challenge(self, access_token: str, factor_id: str, *, address: str = "") -> MfaChallenge:
        self._note("challenge", access_token, factor_id, address)
        return MfaChallenge(challenge_id="c1", expires_at=int(START) + 300)

    async def verify_factor(self, params: VerifyMfaParams, *, address: str = "") -> AuthSession:
        self._note("verify_factor", params.factor_id, params.challenge_id, params.code, address)
        if params.code != "123456":
            raise RpcError("It is wrong.", code=Code.ONE_TIME_CODE_REFUSED, field="code")
        return AuthSession(access_token="at2", refresh_token="rt2")

    async def login(self, email: str, password: str, *, address: str = "") -> AuthSession:
        self._note("login", email, password, address)
        if password != "right-password":
            raise RpcError("Invalid login credentials.", code=Code.CREDENTIALS_REFUSED)
        return AuthSession(access_token="at", refresh_token="rt", user=AuthUser(id="ann", email=email))

    async def refresh(self, refresh_token: str, *, address: str = "") -> AuthSession:
        self._note("refresh", refresh_token, address)
        return AuthSession(access_token="at2", refresh_token="rt2")

    async def logout(self, access_token: str, scope: LogoutScope) -> None:
        self._note("logout", access_token, scope)

    async def user(self, access_token: str) -> AuthUser:
        self._note("user", access_token)
        return AuthUser(id="ann", email="ann@example.com")


@pytest.fixture
def provider() -> MemoryProvider:
    return MemoryProvider()


class VerifiedClaims(NamedTuple):
    session_id: str | None
    aal: str | None
    client_id: str | None = None


class Verified(NamedTuple):
    sub: str
    exp: float | None = START + 600
    claims: VerifiedClaims = VerifiedClaims("s1", "aal1")


class MemoryVerifier:
    """Believes ``token-of-<user>``, and tokens it was told of; raises what it was told to for others."""

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}
        self.known: dict[str, Verified] = {}

    def knows(
        self,
        token: str,
        sub: str,
        *,
        exp: float | None = START + 600,
        session_id: str | None = "s1",
        aal: str | None = "aal1",
        client_id: str | None = None,
    ) -> None:
        """Believe a token."""
        self.known[token] = Verified(sub, exp, VerifiedClaims(session_id, aal, client_id))

    async def verify(self, token: str) -> Verified:
        if token in self.errors:
            raise self.errors[token]
        return self.known.get(token) or Verified(token.removeprefix("token-of-"))


@pytest.fixture
def verifier() -> MemoryVerifier:
    return MemoryVerifier()


@pytest.fixture
def config() -> BackendConfig:
    """Nothing happens on the venue unless it is stepped."""
    return BackendConfig(proxy_secret="0123456789abcdef", paper=PaperConfig(seed=1, book_updates_per_second=0))


@pytest.fixture
def outside(
    publisher: MemoryPublisher, sockets: MemorySockets, provider: MemoryProvider, verifier: MemoryVerifier
) -> dict[str, Any]:
    """Everything outside this room, as a backend is given it."""
    return {"publisher": publisher, "sockets": sockets, "identity": provider, "verifier": verifier}


@pytest.fixture
def backend(config: BackendConfig, outside: dict[str, Any], time: Time) -> Backend:
    ids = iter(range(1_000_000))
    return Backend(
        config,
        **outside,
        clock=time,
        monotonic=time,
        new_token=lambda: f"id{next(ids)}",
    )


Rpc = Callable[..., Awaitable[Any]]

#: What the access-token hook puts into the token of a user without a role.
META = {"session_id": "s1", "aal": "aal1", "role": "authenticated"}


@pytest.fixture
def rpc(backend: Backend) -> Rpc:
    """Call a method as the gateway would; returns the envelope."""

    async def call(
        method: str,
        params: object = None,
        *,
        user: str = "ann",
        address: str = "",
        meta: Any = META,
        client: str = "client",
    ) -> Any:
        request = RpcRequest(
            client=client,
            user=user,
            method=method,
            data=msgspec.Raw(params if isinstance(params, bytes) else json.dumps(params).encode()),
            meta=msgspec.Raw(b"" if meta is None else json.dumps(meta).encode()),
        )
        response = await backend.handlers.rpc(request, Peer(address=address))
        assert response.error is None
        assert response.disconnect is None
        assert response.result is not None
        return json.loads(bytes(response.result.data))

    return call


@pytest.fixture
def subscribe(backend: Backend) -> Callable[..., Awaitable[SubscribeResponse]]:
    """Join a channel as the gateway would ask."""

    async def call(channel: str, *, user: str = "ann", meta: Any = META) -> SubscribeResponse:
        raw = msgspec.Raw(json.dumps(meta).encode())
        request = SubscribeRequest(client="client", user=user, channel=channel, meta=raw)
        return await backend.handlers.subscribe(request, Peer())

    return call
