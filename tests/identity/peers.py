"""Unmodified supabase-auth (both kinds) and auth-js behind one face, for tests of what they all must live through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
import pytest
from supabase_auth import (
    AsyncGoTrueClient,
    AsyncMemoryStorage,
    AuthResponse,
    ClaimsResponse,
    SyncGoTrueClient,
    SyncMemoryStorage,
    UserResponse,
)
from supabase_auth.errors import AuthApiError, AuthInvalidJwtError, AuthRetryableError

JS = Path(__file__).resolve().parent.parent / "js"
PASSWORD: Final = "correct horse 1"


class PeerRefusedError(Exception):
    """The client says that it was refused."""


class PeerFoundNobodyError(Exception):
    """The client says that the provider is away."""


class Tokens:
    """A session's. Shown as nothing."""

    def __init__(self, access: str, refresh: str) -> None:
        assert access
        assert refresh
        self.access, self.refresh = access, refresh


class Peer(Protocol):
    """One client with one session.

    Attributes:
        asked: The paths that its last call asked for.
        unreachable: Set when a request has reached nobody.
    """

    asked: list[str]
    unreachable: asyncio.Event

    async def sign_up(self, email: str) -> Tokens:
        """Sign up, confirmed at once."""
        ...

    async def adopt(self, tokens: Tokens) -> None:
        """Take a session over."""
        ...

    async def refresh(self) -> Tokens:
        """Refresh its session."""
        ...

    async def claims(self, jwt: str) -> str:
        """Whose token it is, by its signature. Raises ``PeerRefusedError``."""
        ...

    async def user(self, jwt: str) -> str:
        """Whose token it is, by the provider. Raises ``PeerRefusedError``."""
        ...


class _Python:
    """What both kinds of supabase-auth have in common: a name and its arguments, and what comes of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.unreachable = asyncio.Event()

    async def _do(self, name: str, *arguments: object) -> Any:
        raise NotImplementedError

    async def _call(self, name: str, *arguments: object) -> Any:
        self.asked.clear()
        try:
            return await self._do(name, *arguments)
        except AuthRetryableError as error:
            raise PeerFoundNobodyError from error
        except (AuthApiError, AuthInvalidJwtError) as error:
            raise PeerRefusedError(type(error).__name__) from error

    async def sign_up(self, email: str) -> Tokens:
        return _tokens(await self._call("sign_up", {"email": email, "password": PASSWORD}))

    async def adopt(self, tokens: Tokens) -> None:
        await self._call("set_session", tokens.access, tokens.refresh)

    async def refresh(self) -> Tokens:
        return _tokens(await self._call("refresh_session"))

    async def claims(self, jwt: str) -> str:
        answer: ClaimsResponse = await self._call("get_claims", jwt)
        return answer["claims"].get("sub", "")

    async def user(self, jwt: str) -> str:
        answer: UserResponse = await self._call("get_user", jwt)
        return answer.user.id


def _tokens(answer: AuthResponse) -> Tokens:
    assert answer.session is not None
    return Tokens(answer.session.access_token, answer.session.refresh_token)


class _Asynchronous(_Python):
    def __init__(self, url: str) -> None:
        super().__init__()
        peer = self

        class Watched(httpx.AsyncHTTPTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                peer.asked.append(request.url.path)
                try:
                    return await super().handle_async_request(request)
                except httpx.ConnectError:
                    peer.unreachable.set()
                    raise

        self.client = AsyncGoTrueClient(
            url=url,
            auto_refresh_token=False,
            storage=AsyncMemoryStorage(),
            http_client=httpx.AsyncClient(transport=Watched()),
        )

    async def _do(self, name: str, *arguments: object) -> Any:
        return await getattr(self.client, name)(*arguments)


class _Synchronous(_Python):
    def __init__(self, url: str) -> None:
        super().__init__()
        peer, loop = self, asyncio.get_running_loop()

        class Watched(httpx.HTTPTransport):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                peer.asked.append(request.url.path)
                try:
                    return super().handle_request(request)
                except httpx.ConnectError:
                    loop.call_soon_threadsafe(peer.unreachable.set)
                    raise

        self.client = SyncGoTrueClient(
            url=url,
            auto_refresh_token=False,
            storage=SyncMemoryStorage(),
            http_client=httpx.Client(transport=Watched()),
        )

    async def _do(self, name: str, *arguments: object) -> Any:
        return await asyncio.to_thread(getattr(self.client, name), *arguments)


class _AuthJs:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.asked: list[str] = []
        self.unreachable = asyncio.Event()
        self._process = process

    async def sign_up(self, email: str) -> Tokens:
        return self._tokens(await self._ask("signUp", email))

    async def adopt(self, tokens: Tokens) -> None:
        await self._ask("adopt", tokens.access, tokens.refresh)

    async def refresh(self) -> Tokens:
        return self._tokens(await self._ask("refresh"))

    async def claims(self, jwt: str) -> str:
        return str((await self._ask("claims", jwt))["userId"])

    async def user(self, jwt: str) -> str:
        return str((await self._ask("user", jwt))["userId"])

    def _tokens(self, answer: dict[str, Any]) -> Tokens:
        return Tokens(answer["accessToken"], answer["refreshToken"])

    async def _ask(self, *words: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        while True:
            line = await self._process.stdout.readline()
            assert line, "node ended; its errors are above"
            answer: dict[str, Any] = json.loads(line)
            if "unreachable" not in answer:
                break
            self.unreachable.set()
        self.asked = answer["asked"]
        if answer["error"]:
            raise PeerRefusedError(answer["error"])
        return answer


@asynccontextmanager
async def _asynchronous(url: str) -> AsyncIterator[Peer]:
    peer = _Asynchronous(url)
    async with peer.client:
        yield peer


@asynccontextmanager
async def _synchronous(url: str) -> AsyncIterator[Peer]:
    peer = _Synchronous(url)
    with peer.client:
        yield peer


@asynccontextmanager
async def _auth_js(url: str) -> AsyncIterator[Peer]:
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is not on PATH: install Node.js 20 or later")
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS / "session.mjs"),
        url,
        cwd=JS,
        env={**os.environ, "PASSWORD": PASSWORD},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield _AuthJs(process)
    finally:
        # The locked ``node`` is a starter with the real one below it, which would live on with the pipes open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


MakePeer = Callable[[str], contextlib.AbstractAsyncContextManager[Peer]]
PEERS: Final[dict[str, MakePeer]] = {
    "supabase-auth": _asynchronous,
    "supabase-auth, synchronous": _synchronous,
    "auth-js": _auth_js,
}
#: For ``pytest.mark.parametrize``.
ALL_PEERS: Final = [
    pytest.param(make, id=name, marks=[pytest.mark.node] if name == "auth-js" else []) for name, make in PEERS.items()
]
