"""Identity provider, gateway and backend in one process: what ``cadenza up`` runs.

Above: ``cli.up``, ``stack.demo``, tests. Below: every server room. The parts speak the same wire as the real ones:
backend and gateway fetch the provider's keys and reach it over HTTP; only gateway and backend call each other directly.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

import httpx

from cadenza._version import __version__
from cadenza.backend.config import AccessConfig, BackendConfig, PaperConfig
from cadenza.backend.provider import HttpIdentityProvider
from cadenza.backend.service import Backend
from cadenza.errors import ConfigurationError, KeysUnavailableError, UsageError
from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.server import GatewayServer
from cadenza.identity.config import IdentityConfig
from cadenza.identity.http_server import HttpServer
from cadenza.identity.server import IdentityServer
from cadenza.stack.channels import CLIENT_CONCURRENCY, NAMESPACES
from cadenza.stack.direct import CurrentSessions, DirectPublisher, DirectSockets
from cadenza.stack.folder import DataFolder
from cadenza.stack.serving import bind, require_free
from cadenza.stack.settings import StackSettings, option_of
from cadenza.tokens.fetch import http_fetch
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.verifier import Verifier

READY_EMAIL: Final = "trader@example.com"
_PASSWORD_FILE: Final = "ready-password"  # noqa: S105  # a file's name
_API_KEY_FILE: Final = "api-key"
_KEY_CHECK_SECONDS: Final = 1.0


class EmbeddedStack:
    """The whole stack. Use it as an async context manager.

    Args:
        settings: Ports, folder, pace.
        clock: Seconds since the epoch.
        monotonic: Seconds that only grow.

    Raises:
        ConfigurationError: On entering: a port is taken, the folder is unusable; nothing is left running.
    """

    def __init__(
        self,
        settings: StackSettings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._exit: AsyncExitStack | None = None

    async def __aenter__(self) -> Self:
        if self._exit is not None:
            raise UsageError("This stack runs already.")
        async with AsyncExitStack() as building:
            await self._build(building)
            self._exit = building.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._exit is not None:
            await self._exit.aclose()
            self._exit = None

    # What it is made of: for tests, the demo, and whoever embeds it.

    identity: IdentityServer
    gateway: GatewayServer
    backend: Backend
    verifier: Verifier

    @property
    def data_dir(self) -> Path:
        """Where everything is kept."""
        return self._settings.data_dir

    @property
    def identity_url(self) -> str:
        """The provider, ``/auth/v1`` included."""
        return self.identity.url

    @property
    def supabase_url(self) -> str:
        """What ``SUPABASE_URL`` is set to: the provider without ``/auth/v1``."""
        return self.identity.url.removesuffix("/auth/v1")

    @property
    def ws_url(self) -> str:
        """Where clients connect."""
        return f"ws://{self._authority(self.gateway.port)}/connection/websocket"

    @property
    def api_url(self) -> str:
        """The gateway's server API."""
        return f"http://{self._authority(self.gateway.port)}/api"

    @property
    def backend_url(self) -> str:
        """The backend's health and readiness."""
        return f"http://{self._authority(self._backend_port)}"

    @property
    def api_key(self) -> str:
        """The key of the server API; also in a 0600 file of the data folder."""
        return self._api_key

    @property
    def ready_user(self) -> tuple[str, str]:
        """E-mail address and password of a user who can sign in at once."""
        return READY_EMAIL, self._ready_password

    @property
    def ready_password_file(self) -> Path:
        """The 0600 file that holds the ready user's password."""
        return self.data_dir / _PASSWORD_FILE

    def _authority(self, port: int) -> str:
        host = self._settings.host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def _build(self, exit_stack: AsyncExitStack) -> None:
        """Start the parts in the order they need each other; what fails stops what had begun."""
        settings = self._settings
        folder = DataFolder(settings.data_dir)
        exit_stack.callback(folder.close)
        # Every port is tried before anything is made: a refusal leaves no half of a stack behind.
        require_free(settings.host, settings.gateway_port, what="gateway", option="--gateway-port")
        require_free(settings.host, settings.identity_port, what="identity provider", option="--identity-port")
        backend_listener = bind(settings.host, settings.backend_port, what="backend", option="--backend-port")
        exit_stack.callback(backend_listener.close)
        self._api_key = folder.secret(_API_KEY_FILE)
        self._ready_password = folder.secret(_PASSWORD_FILE, lambda: secrets.token_urlsafe(15))

        self.identity = await self._start_identity(exit_stack)
        # The provider is on this machine: passwords and keys go through no proxy that the environment names.
        http = await exit_stack.enter_async_context(httpx.AsyncClient(timeout=5.0, trust_env=False))
        self.verifier = await self._make_verifier(exit_stack, http)
        self.backend = self._make_backend(http)
        self.gateway = await self._start_gateway(exit_stack)
        await exit_stack.enter_async_context(self.backend)
        server = HttpServer(self.backend.app, backend_listener, name="cadenza-backend-http")
        await server.start()
        exit_stack.push_async_callback(server.stop)
        self._backend_port = server.port

    def identity_config(self) -> IdentityConfig:
        """What the provider is told; a subclass may tell it more."""
        return IdentityConfig(
            data_dir=self._settings.data_dir / "identity",
            host=self._settings.host,
            port=self._settings.identity_port,
            access_token_lifetime_seconds=self._settings.access_token_lifetime_seconds,
            # None is "pages served from this machine"; whoever names origins means those.
            allowed_origins=self._settings.allowed_origins or None,
            # So that signing in through a browser can be tried without an account anywhere.
            test_provider=True,
        )

    async def _start_identity(self, exit_stack: AsyncExitStack) -> IdentityServer:
        identity = IdentityServer(
            self.identity_config(),
            clock=self._clock,
            monotonic=self._monotonic,
            on_sessions_ended=self._end_sessions,
        )
        try:
            await exit_stack.enter_async_context(identity)
            await identity.ensure_user(READY_EMAIL, self._ready_password)
        except ConfigurationError as refused:
            # The room names its own setting; whoever started the stack knows the option.
            option = "--identity-port" if refused.setting == "port" else option_of(refused.setting)
            raise ConfigurationError(refused.message, setting=option, next_step=refused.next_step) from refused
        return identity

    def _end_sessions(self, session_ids: Sequence[str]) -> None:
        # The backend is made after the provider; nobody has a socket to close before.
        self.backend.revocations.end(session_ids)

    async def _make_verifier(self, exit_stack: AsyncExitStack, http: httpx.AsyncClient) -> Verifier:
        keys = RemoteKeySet(http_fetch(self.identity.jwks_url, http), clock=self._clock)
        exit_stack.push_async_callback(keys.aclose)
        await keys.refresh()
        following = asyncio.create_task(self._follow_keys(keys), name="cadenza-stack-keys")
        exit_stack.push_async_callback(_ended, following)
        return Verifier(keys, issuer=self.identity.issuer, audience=self.identity.audience, clock=self._clock)

    async def _follow_keys(self, keys: RemoteKeySet) -> None:
        """Fetch the published set when it changes: a revoked key shall not outlive its revocation by ``max-age``."""
        known = self.identity.public_keys
        while True:
            await asyncio.sleep(_KEY_CHECK_SECONDS)
            published = self.identity.public_keys
            if published is not known:
                # What cannot be fetched now is fetched by the key set's own rules, as from any other provider.
                with contextlib.suppress(KeysUnavailableError):
                    await keys.refresh()
                    known = published

    def _make_backend(self, http: httpx.AsyncClient) -> Backend:
        settings = self._settings
        return Backend(
            BackendConfig(
                token_lifetime_seconds=settings.access_token_lifetime_seconds,
                access=AccessConfig(second_factor_for=settings.second_factor_for, oauth_clients=settings.oauth_clients),
                limits=settings.limits,
                paper=PaperConfig(seed=settings.venue_seed, book_updates_per_second=settings.book_updates_per_second),
            ),
            publisher=DirectPublisher(lambda: self.gateway.node),
            sockets=DirectSockets(lambda: self.gateway.node),
            identity=HttpIdentityProvider(self.identity.url, http),
            verifier=self.verifier,
            clock=self._clock,
            monotonic=self._monotonic,
        )

    def gateway_config(self) -> GatewayConfig:
        """What the gateway is told; a subclass may tell it more."""
        return GatewayConfig(
            host=self._settings.host,
            port=self._settings.gateway_port,
            allowed_origins=self._origins(),
            api_key=self._api_key,
            namespaces=NAMESPACES,
            client_concurrency=CLIENT_CONCURRENCY,
            allow_anonymous_connect_without_token=True,
            disallow_anonymous_connection_tokens=True,
            version=f"cadenza {__version__}",
        )

    async def _start_gateway(self, exit_stack: AsyncExitStack) -> GatewayServer:
        gateway = GatewayServer(
            self.gateway_config(),
            verifier=CurrentSessions(self.verifier, self.backend.revocations.has_ended),
            proxy=self.backend.handlers,
            clock=self._clock,
        )
        try:
            await gateway.start()
        except ConfigurationError as refused:
            raise ConfigurationError(
                refused.message, setting="--gateway-port", next_step="Choose another port with --gateway-port."
            ) from refused
        exit_stack.push_async_callback(gateway.stop)
        return gateway

    def _origins(self) -> tuple[str, ...]:
        """The stack's own addresses, and those the operator names."""
        port = self._settings.backend_port
        own = (f"http://127.0.0.1:{port}", f"http://localhost:{port}") if port else ()
        return (*own, *self._settings.allowed_origins)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
