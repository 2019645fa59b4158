"""The backend alone, behind a real Centrifugo and a real Supabase Auth, each on its own wire.

Centrifugo proxies rpc and subscribe to it over HTTP with a shared secret and has the provider's keys from it; it
publishes over Centrifugo's server API, and it speaks to any Supabase URL. Above: ``cli.backend``, tests. Below:
``backend``, ``tokens``, ``stack.draining``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final, Self

from cadenza.backend.api_keys import ApiKeys
from cadenza.backend.app import Health
from cadenza.backend.config import AccessConfig, BackendConfig, PaperConfig, RateLimits
from cadenza.backend.provider import HttpIdentityProvider
from cadenza.backend.publisher import ApiPublisher
from cadenza.backend.service import Backend
from cadenza.backend.sockets import ApiSockets
from cadenza.client.settings import read_environment
from cadenza.errors import ConfigurationError
from cadenza.identity.http_server import HttpServer
from cadenza.schema.access import Guarded
from cadenza.stack.centrifugo import PREVIOUS_SECRETS
from cadenza.stack.draining import StopTimes, drain
from cadenza.stack.limits import limits_from_environment
from cadenza.stack.outgoing import http_client, server_api_url
from cadenza.stack.provider import (
    DEFAULT_AUDIENCE,
    http_url,
    port_from_environment,
    provider_from_environment,
    required,
)
from cadenza.stack.serving import bind
from cadenza.stack.settings import BACKEND_PORT, access_settings, is_loopback_address, words
from cadenza.tokens.fetch import http_fetch
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.verifier import Verifier

#: Networks that are believed unless others are named: a gateway on this machine.
_TRUSTED: Final = ("127.0.0.1",)
#: By these names the machine itself asks.
_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
#: A name or an address as ``Host`` has it, without port; ``*`` is any.
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]|\*")
#: What an operator knows each of the room's settings by.
_VARIABLES: Final = {
    "proxy_secret": "CADENZA_PROXY_SECRET",
    "previous_proxy_secret": "CADENZA_PROXY_SECRET_PREVIOUS",
    "trusted_proxies": "CADENZA_TRUSTED_PROXIES",
}
#: What the backend cannot do without; the server API stands beside the WebSocket, unless it is named itself.
_REQUIRED: Final = (
    ("SUPABASE_URL",),
    ("CADENZA_WS_URL", "CADENZA_API_URL"),
    ("CADENZA_API_KEY",),
    ("CADENZA_PROXY_SECRET",),
)


@dataclass(frozen=True, kw_only=True)
class ExternalSettings:
    """Where the others are, and what is shared with them.

    Attributes:
        auth_url: The provider's address, ``/auth/v1`` included where Supabase's gateway stands in front.
        issuer: The exact ``iss`` of its tokens.
        audience: Their ``aud``.
        jwks_url: Its key set.
        anon_key: The project's publishable key, sent as ``apikey``; empty where none is asked for.
        api_url: Centrifugo's server API.
        api_key: The key of it.
        proxy_secret: What Centrifugo sends with each proxied call.
        previous_api_key: Used where the other is refused, while nodes are given another one.
        previous_proxy_secret: Taken too, meanwhile.
        host: Address to listen on; beyond loopback only with ``allowed_hosts``.
        port: TCP port to listen on; 0 picks a free one.
        allowed_hosts: ``Host`` headers that are answered, besides those of loopback.
        trusted_proxies: Networks whose ``X-Forwarded-For`` is believed: Centrifugo's.
        address_header: The header the provider reads a client's address from (``GOTRUE_RATE_LIMIT_HEADER``); without
            it, everybody who signs in over the WebSocket has one share of the provider's limits (row E7).
        second_factor_for: Commands that demand a second factor.
        oauth_clients: Third parties' OAuth clients whose tokens are taken.
        limits: How much one caller may ask in a time.
        book_updates_per_second: Pace of the simulated venue, per instrument.
        venue_seed: Seed of the simulated venue.
    """

    auth_url: str
    issuer: str
    jwks_url: str
    api_url: str
    api_key: str = field(repr=False)
    proxy_secret: str = field(repr=False)
    previous_api_key: str | None = field(default=None, repr=False)
    previous_proxy_secret: str | None = field(default=None, repr=False)
    audience: str = DEFAULT_AUDIENCE
    anon_key: str = ""
    host: str = "127.0.0.1"
    port: int = BACKEND_PORT
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = _TRUSTED
    address_header: str | None = None
    second_factor_for: frozenset[Guarded] = frozenset()
    oauth_clients: frozenset[str] = frozenset()
    limits: RateLimits = field(default_factory=RateLimits)
    book_updates_per_second: float = 10.0
    venue_seed: int = 724

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            if _HOST_NAME.fullmatch(host) is None:
                raise ConfigurationError(
                    f"{host[:80]!r} is not the name of a host.",
                    setting="--allowed-host or CADENZA_ALLOWED_HOSTS",
                    next_step="Name it as it stands in the backend's address, without port: backend.internal.",
                )
        if not is_loopback_address(self.host) and not self.allowed_hosts:
            raise ConfigurationError(
                f"The backend would listen on {self.host}, where others reach it, and knows no name of its own there.",
                setting="--host",
                next_step="Name each host it is asked by with --allowed-host, or listen on 127.0.0.1.",
            )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not wrong and should not stay."""
        return tuple(_warnings(self))


def _warnings(settings: ExternalSettings) -> Iterator[str]:
    if not is_loopback_address(settings.host) and settings.trusted_proxies == _TRUSTED:
        yield (
            "CADENZA_TRUSTED_PROXIES does not name the gateway's address: everybody who signs in through it has one "
            "share of the limits."
        )
    previous = (settings.previous_api_key, settings.previous_proxy_secret)
    for name, secret in zip(PREVIOUS_SECRETS, previous, strict=True):
        if secret is not None:
            yield f"What {name} holds is still taken: unset it once every gateway has the new one."


def external_settings_from_environment(environ: Mapping[str, str] | None = None, **options: object) -> ExternalSettings:
    """Read the backend's variables: ``docs/how-to/run-behind-centrifugo.md`` lists them.

    The server API stands beside the WebSocket, and issuer and key set below the provider, unless said otherwise.

    Raises:
        ConfigurationError: A variable is missing, unknown or wrong; ``setting`` names it.
    """
    environ = os.environ if environ is None else environ
    known = read_environment(environ)
    _require_all(environ)
    provider = provider_from_environment(environ)
    values: dict[str, object] = {
        "auth_url": provider.auth_url,
        "issuer": provider.issuer,
        "audience": provider.audience,
        "jwks_url": provider.jwks_url,
        "anon_key": _header_text(known.anon_key or "", "SUPABASE_PUBLISHABLE_KEY or SUPABASE_ANON_KEY"),
        "api_url": _api_url(environ, known.ws_url),
        "api_key": _header_text(required(environ, "CADENZA_API_KEY"), "CADENZA_API_KEY"),
        "proxy_secret": required(environ, "CADENZA_PROXY_SECRET"),
        "previous_api_key": _header_text(environ.get("CADENZA_API_KEY_PREVIOUS") or "", "CADENZA_API_KEY_PREVIOUS")
        or None,
        "previous_proxy_secret": environ.get("CADENZA_PROXY_SECRET_PREVIOUS") or None,
        "allowed_hosts": tuple(words(environ, "CADENZA_ALLOWED_HOSTS")),
        "trusted_proxies": tuple(words(environ, "CADENZA_TRUSTED_PROXIES")) or _TRUSTED,
        "address_header": _header_name(environ.get("CADENZA_ADDRESS_HEADER")),
        "port": port_from_environment(environ),
        "limits": limits_from_environment(environ),
        **access_settings(environ),
    }
    values.update({name: value for name, value in options.items() if value is not None})
    return ExternalSettings(**values)  # type: ignore[arg-type]  # names are checked by the dataclass


def _require_all(environ: Mapping[str, str]) -> None:
    """Raise for all that is missing at once, so that it need not be found out one by one."""
    missing = [names[0] for names in _REQUIRED if not any(environ.get(name) for name in names)]
    if len(missing) == 1:
        required(environ, missing[0])
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} are not set, and the backend cannot do without them.",
            setting=missing[0],
            next_step="Set them: docs/how-to/run-behind-centrifugo.md says to what.",
        )


def _api_url(environ: Mapping[str, str], ws_url: str | None) -> str:
    given = environ.get("CADENZA_API_URL")
    if given:
        return http_url(given, "CADENZA_API_URL").rstrip("/")
    return server_api_url(ws_url or required(environ, "CADENZA_WS_URL"))


def _header_text(secret: str, setting: str) -> str:
    """What is sent as a header must fit into one; found at the start and not at each publication."""
    if not (secret.isascii() and secret.isprintable()):
        raise ConfigurationError(
            f"{setting} holds characters that no HTTP header can carry.",
            setting=setting,
            next_step=f"Set {setting} again, without line ends: printable ASCII only.",
        )
    return secret


def _header_name(text: str | None) -> str | None:
    if not text:
        return None
    if _HEADER_NAME.fullmatch(text) is None:
        raise ConfigurationError(
            f"CADENZA_ADDRESS_HEADER is {text[:40]!r}, which is not a header's name.",
            setting="CADENZA_ADDRESS_HEADER",
            next_step="Set it to what the provider has as GOTRUE_RATE_LIMIT_HEADER, for example X-Forwarded-For.",
        )
    return text


class ExternalBackend:
    """The backend as a server of its own. Use it as an async context manager.

    Raises:
        ConfigurationError: On entering: the port is taken, or a setting cannot work.
    """

    backend: Backend
    publisher: ApiPublisher
    port: int
    _server: HttpServer

    def __init__(
        self,
        settings: ExternalSettings,
        *,
        stop_times: StopTimes = StopTimes(),  # noqa: B008  # frozen
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._stop_times = stop_times
        self._clock = clock
        self._monotonic = monotonic
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as building:
            await self._build(building)
            self._exit = building.pop_all()
        return self

    async def __aexit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        if exc_type is not None:
            self._server.hurry()  # somebody wants to be gone
        await self._exit.aclose()

    @property
    def url(self) -> str:
        """Where it answers: the host as the gateway may name it."""
        settings = self._settings
        if is_loopback_address(settings.host):
            name = f"[{settings.host}]" if ":" in settings.host else settings.host
        else:
            name = next((host for host in settings.allowed_hosts if host != "*"), "127.0.0.1")
        return f"http://{name}:{self.port}"

    async def condition(self) -> tuple[Health, ...]:
        """What ``/ready`` says of the parts."""
        return await self.backend.app.condition()

    async def drain(self) -> None:
        """Take no more calls, answer those under way, send what is queued; then it can be left.

        Each step for a bounded time. Cancelling it and leaving ends everything at once.
        """
        await drain(self.backend, self.publisher, self._server, self._stop_times)

    def _config(self) -> BackendConfig:
        """What the backend is told. The room names its own setting; whoever started it knows the variable."""
        settings = self._settings
        try:
            return BackendConfig(
                proxy_secret=settings.proxy_secret,
                previous_proxy_secret=settings.previous_proxy_secret,
                allowed_hosts=(*_LOOPBACK_NAMES, *settings.allowed_hosts),
                trusted_proxies=settings.trusted_proxies,
                access=AccessConfig(second_factor_for=settings.second_factor_for, oauth_clients=settings.oauth_clients),
                limits=settings.limits,
                paper=PaperConfig(seed=settings.venue_seed, book_updates_per_second=settings.book_updates_per_second),
            )
        except ConfigurationError as refused:
            setting = _VARIABLES.get(refused.setting, refused.setting)
            raise ConfigurationError(refused.message, setting=setting, next_step=refused.next_step) from refused

    async def _build(self, exit_stack: AsyncExitStack) -> None:
        settings = self._settings
        config = self._config()
        listener = bind(settings.host, settings.port, what="backend", option="--port")
        exit_stack.callback(listener.close)
        http = await exit_stack.enter_async_context(
            http_client((settings.auth_url, settings.jwks_url, settings.api_url))
        )
        # The provider may come up after us: keys are fetched when the first token asks for them.
        keys = RemoteKeySet(http_fetch(settings.jwks_url, http), clock=self._clock)
        exit_stack.push_async_callback(keys.aclose)
        verifier = Verifier(keys, issuer=settings.issuer, audience=settings.audience, clock=self._clock)
        api_keys = ApiKeys(settings.api_key, settings.previous_api_key)
        self.publisher = await exit_stack.enter_async_context(ApiPublisher(settings.api_url, api_keys, http))
        self.backend = Backend(
            config,
            publisher=self.publisher,
            sockets=ApiSockets(settings.api_url, api_keys, http),
            identity=HttpIdentityProvider(
                settings.auth_url, http, api_key=settings.anon_key, address_header=settings.address_header
            ),
            verifier=verifier,
            keys=keys,
            publishing=lambda: self.publisher.last_error,
            clock=self._clock,
            monotonic=self._monotonic,
        )
        await exit_stack.enter_async_context(self.backend)
        self._server = HttpServer(self.backend.app, listener, name="cadenza-backend-http")
        await self._server.start()
        exit_stack.push_async_callback(self._server.stop)
        self.port = self._server.port
