"""The backend alone, behind a real Centrifugo and a real Supabase Auth, each on its own wire.

Centrifugo proxies rpc and subscribe to it over HTTP with a shared secret and has the provider's keys from it; it
publishes over Centrifugo's server API, and it speaks to any Supabase URL. Above: ``python -m cadenza.stack.external``,
tests. Below: ``backend``, ``tokens``.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final, Self

from cadenza.backend.config import AccessConfig, BackendConfig, PaperConfig
from cadenza.backend.provider import HttpIdentityProvider
from cadenza.backend.publisher import ApiPublisher
from cadenza.backend.service import Backend
from cadenza.backend.sockets import ApiSockets
from cadenza.client.settings import read_environment
from cadenza.errors import CadenzaError, ConfigurationError
from cadenza.identity.http_server import HttpServer
from cadenza.schema.access import Guarded
from cadenza.stack.outgoing import http_client, server_api_url
from cadenza.stack.provider import (
    DEFAULT_AUDIENCE,
    http_url,
    port_from_environment,
    provider_from_environment,
    required,
)
from cadenza.stack.serving import bind
from cadenza.stack.settings import BACKEND_PORT, access_settings
from cadenza.tokens.fetch import http_fetch
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.verifier import Verifier

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


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
        host: Address to listen on.
        port: TCP port to listen on; 0 picks a free one.
        trusted_proxies: Networks whose ``X-Forwarded-For`` is believed: Centrifugo's.
        address_header: The header the provider reads a client's address from (``GOTRUE_RATE_LIMIT_HEADER``); without
            it, everybody who signs in over the WebSocket has one share of the provider's limits (row E7).
        second_factor_for: Commands that demand a second factor.
        oauth_clients: Third parties' OAuth clients whose tokens are taken.
        book_updates_per_second: Pace of the simulated venue, per instrument.
        venue_seed: Seed of the simulated venue.
    """

    auth_url: str
    issuer: str
    jwks_url: str
    api_url: str
    api_key: str = field(repr=False)
    proxy_secret: str = field(repr=False)
    audience: str = DEFAULT_AUDIENCE
    anon_key: str = ""
    host: str = "127.0.0.1"
    port: int = BACKEND_PORT
    trusted_proxies: tuple[str, ...] = ("127.0.0.1",)
    address_header: str | None = None
    second_factor_for: frozenset[Guarded] = frozenset()
    oauth_clients: frozenset[str] = frozenset()
    book_updates_per_second: float = 10.0
    venue_seed: int = 724


def external_settings_from_environment(environ: Mapping[str, str] | None = None, **options: object) -> ExternalSettings:
    """Read the backend's variables: ``docs/how-to/run-behind-centrifugo.md`` lists them.

    The server API stands beside the WebSocket, and issuer and key set below the provider, unless said otherwise.

    Raises:
        ConfigurationError: A variable is missing, unknown or wrong; ``setting`` names it.
    """
    environ = os.environ if environ is None else environ
    known = read_environment(environ)
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
        "address_header": _header_name(environ.get("CADENZA_ADDRESS_HEADER")),
        "port": port_from_environment(environ),
        **access_settings(environ),
    }
    values.update({name: value for name, value in options.items() if value is not None})
    return ExternalSettings(**values)  # type: ignore[arg-type]  # names are checked by the dataclass


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

    def __init__(
        self,
        settings: ExternalSettings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as building:
            await self._build(building)
            self._exit = building.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def _build(self, exit_stack: AsyncExitStack) -> None:
        settings = self._settings
        listener = bind(settings.host, settings.port, what="backend", option="--backend-port")
        exit_stack.callback(listener.close)
        http = await exit_stack.enter_async_context(
            http_client((settings.auth_url, settings.jwks_url, settings.api_url))
        )
        # The provider may come up after us: keys are fetched when the first token asks for them.
        keys = RemoteKeySet(http_fetch(settings.jwks_url, http), clock=self._clock)
        exit_stack.push_async_callback(keys.aclose)
        verifier = Verifier(keys, issuer=settings.issuer, audience=settings.audience, clock=self._clock)
        self.publisher = await exit_stack.enter_async_context(ApiPublisher(settings.api_url, settings.api_key, http))
        self.backend = Backend(
            BackendConfig(
                proxy_secret=settings.proxy_secret,
                trusted_proxies=settings.trusted_proxies,
                access=AccessConfig(second_factor_for=settings.second_factor_for, oauth_clients=settings.oauth_clients),
                paper=PaperConfig(seed=settings.venue_seed, book_updates_per_second=settings.book_updates_per_second),
            ),
            publisher=self.publisher,
            sockets=ApiSockets(settings.api_url, settings.api_key, http),
            identity=HttpIdentityProvider(
                settings.auth_url, http, api_key=settings.anon_key, address_header=settings.address_header
            ),
            verifier=verifier,
            keys=keys,
            clock=self._clock,
            monotonic=self._monotonic,
        )
        await exit_stack.enter_async_context(self.backend)
        server = HttpServer(self.backend.app, listener, name="cadenza-backend-http")
        await server.start()
        exit_stack.push_async_callback(server.stop)
        self.port = server.port


async def _serve() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with ExternalBackend(external_settings_from_environment()) as served:
        print(f"backend on port {served.port}", flush=True)  # noqa: T201  # the program's own word that it is up
        await stop.wait()


def main() -> int:
    """Run the backend until SIGINT or SIGTERM, with its settings from the environment (``PORT`` for the port)."""
    import uvloop

    try:
        uvloop.run(_serve())
    except CadenzaError as error:
        print(error, file=sys.stderr)  # noqa: T201  # one line, for whoever started it
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
