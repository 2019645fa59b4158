"""A whole chain on loopback whose every part can be broken, and mended again, at the same address."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.support.programs import free_port
from tests.support.real import RealPrograms, run_centrifugo

import cadenza
from cadenza.gateway.centrifugo import SECRET_HEADER, CentrifugoConfig
from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.proxy_caller import HttpProxyCaller
from cadenza.gateway.server import GatewayServer
from cadenza.identity.config import IdentityConfig
from cadenza.identity.server import IdentityServer
from cadenza.stack.channels import NAMESPACES
from cadenza.stack.doctor import Doctor, Finding, Link, Patience, Verdict
from cadenza.stack.external import ExternalBackend, ExternalSettings
from cadenza.tokens.fetch import http_fetch
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.verifier import Verifier

EMAIL = "ann@example.com"
#: A busy machine's.
PATIENT = Patience(answer_seconds=5.0, publication_seconds=3.0)
#: For what is meant to stay silent.
BRIEF = Patience(answer_seconds=5.0, publication_seconds=0.2)


@dataclasses.dataclass(kw_only=True)
class GatewayFacts:
    """What the gateway is told; each can be wrong."""

    issuer: str
    backend_port: int
    api_key: str
    secret: str
    audience: str = "authenticated"
    rpc: bool = True
    namespaces: tuple[str, ...] = tuple(NAMESPACES)
    subscribe: bool = True
    lets_anybody_in: bool = True


class Parts:
    """Provider, gateway and backend, and a client's environment.

    Args:
        folder: For their files.
        programs: The real ones, if the gateway is to be Centrifugo.
    """

    def __init__(self, folder: Path, programs: RealPrograms | None) -> None:
        self._folder = folder
        self._programs = programs
        self._running = contextlib.AsyncExitStack()
        self._gateway = contextlib.AsyncExitStack()
        self._backend = contextlib.AsyncExitStack()
        self.api_key = secrets.token_hex(16)
        self.secret = secrets.token_hex(16)
        self.password = secrets.token_urlsafe(12)
        self.gateway_port = free_port()
        self.internal_port = free_port()
        self.backend_port = free_port()

    async def start(self) -> None:
        """Everything as it should be, and somebody signed in."""
        config = IdentityConfig(data_dir=self._folder / "identity", port=0)
        self.identity = await self._running.enter_async_context(IdentityServer(config))
        self.environ = {
            "SUPABASE_URL": self.identity.url.removesuffix("/auth/v1"),
            "CADENZA_WS_URL": f"ws://127.0.0.1:{self.gateway_port}/connection/websocket",
            "CADENZA_API_URL": self._api_url,
            "CADENZA_DATA_DIR": str(self._folder / "client"),
        }
        self.right = GatewayFacts(
            issuer=self.identity.issuer, backend_port=self.backend_port, api_key=self.api_key, secret=self.secret
        )
        await self.run_backend()
        await self.run_gateway()
        await self.sign_in(new=True)

    async def stop(self) -> None:
        """Everything."""
        await self._gateway.aclose()
        await self._backend.aclose()
        await self._running.aclose()

    async def sign_in(self, *, new: bool = False, environ: Mapping[str, str] | None = None) -> None:
        """What ``cadenza login`` does."""
        async with cadenza.connect(environ=environ or self.environ) as api:
            way = api.auth.sign_up if new else api.auth.sign_in_with_password
            await way(EMAIL, self.password)

    # The backend

    async def run_backend(self, *, api_key: str | None = None, secret: str | None = None, **other: Any) -> None:
        """(Re)start the backend with these, and ``other`` settings."""
        await self.stop_backend()
        told = {"jwks_url": self.identity.jwks_url, **other}
        settings = ExternalSettings(
            auth_url=self.identity.url,
            issuer=self.identity.issuer,
            api_url=self._api_url,
            api_key=api_key or self.api_key,
            proxy_secret=secret or self.secret,
            port=self.backend_port,
            book_updates_per_second=50,
            **told,
        )
        await self._backend.enter_async_context(ExternalBackend(settings))

    async def stop_backend(self) -> None:
        """Take it away."""
        await self._backend.aclose()

    # The gateway

    async def run_gateway(self, **wrong: Any) -> None:
        """(Re)start the gateway, told what is right but for ``wrong``."""
        await self.stop_gateway()
        facts = dataclasses.replace(self.right, **wrong)
        if self._programs is None:
            await self._embedded(facts)
        else:
            self._centrifugo(facts, self._programs)

    async def stop_gateway(self) -> None:
        """Take it away."""
        await self._gateway.aclose()

    async def _embedded(self, facts: GatewayFacts) -> None:
        http = await self._gateway.enter_async_context(httpx.AsyncClient())
        keys = RemoteKeySet(http_fetch(self.identity.jwks_url, http), clock=time.time)
        self._gateway.push_async_callback(keys.aclose)
        backend = f"http://127.0.0.1:{facts.backend_port}/proxy"
        gateway = GatewayServer(
            GatewayConfig(
                port=self.gateway_port,
                api_key=facts.api_key,
                namespaces={
                    name: msgspec.structs.replace(NAMESPACES[name], subscribe_proxy_enabled=facts.subscribe)
                    for name in facts.namespaces
                },
                rpc_enabled=facts.rpc,
                allow_anonymous_connect_without_token=facts.lets_anybody_in,
                disallow_anonymous_connection_tokens=True,
            ),
            verifier=Verifier(keys, issuer=facts.issuer, audience=facts.audience, clock=time.time),
            proxy=HttpProxyCaller(
                f"{backend}/rpc", f"{backend}/subscribe", headers={SECRET_HEADER: facts.secret}, client=http
            ),
            clock=time.time,
        )
        await gateway.start()
        self._gateway.push_async_callback(gateway.stop)

    def _centrifugo(self, facts: GatewayFacts, programs: RealPrograms) -> None:
        config = CentrifugoConfig(
            issuer=facts.issuer,
            audience=facts.audience,
            backend_url=f"http://127.0.0.1:{facts.backend_port}",
            namespaces={name: NAMESPACES[name] for name in facts.namespaces},
            port=self.gateway_port,
            internal_port=self.internal_port,
            api_key=facts.api_key,
            proxy_secret=facts.secret,
        )

        def break_it(file: dict[str, Any]) -> None:
            file["client"]["allow_anonymous_connect_without_token"] = facts.lets_anybody_in
            file["rpc"]["without_namespace"]["proxy_enabled"] = facts.rpc
            for namespace in file["channel"]["namespaces"]:
                namespace["subscribe_proxy_enabled"] = facts.subscribe

        folder = self._folder / secrets.token_hex(4)
        folder.mkdir()
        node = contextlib.ExitStack()
        node.enter_context(run_centrifugo(programs.centrifugo, config, folder=folder, change=break_it))
        # In a thread: it waits for its connections to end, and the backend at the other end lives in this loop.
        self._gateway.push_async_callback(asyncio.to_thread, node.close)

    @property
    def _api_url(self) -> str:
        """The server API: beside the embedded gateway's WebSocket, at Centrifugo's internal port."""
        port = self.gateway_port if self._programs is None else self.internal_port
        return f"http://127.0.0.1:{port}/api"

    # What the doctor says

    async def look(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        patience: Patience = PATIENT,
        clock: Callable[[], float] = time.time,
    ) -> dict[Link, Finding]:
        """Every link's finding."""
        doctor = Doctor(self.environ if environ is None else environ, patience=patience, clock=clock)
        return {finding.link: finding async for finding in doctor.look()}


def broken(found: Mapping[Link, Finding]) -> list[Link]:
    """The links that do not hold."""
    return [link for link, finding in found.items() if finding.verdict is Verdict.BROKEN]


def assert_whole(found: Mapping[Link, Finding]) -> None:
    """Every link of a client's holds, and each was looked at."""
    assert {link: finding.verdict for link, finding in found.items()} == dict.fromkeys(found, Verdict.GOOD), found
    assert set(found) >= set(Link) - {Link.SERVER_API, Link.BACKEND}


@contextlib.asynccontextmanager
async def running(folder: Path, programs: RealPrograms | None) -> AsyncIterator[Parts]:
    """The chain, whole."""
    parts = Parts(folder, programs)
    try:
        await parts.start()
        yield parts
    finally:
        await parts.stop()
