"""The stacks that the contract suite runs over, each reached over its sockets alone.

- ``direct``: one process, and no socket between the suite and it.
- ``embedded``: one process, as ``cadenza up`` runs it.
- ``proxied``: the embedded gateway and provider, and the backend in a process of its own behind the HTTP proxies.
- ``real``: the real Centrifugo and the real Supabase Auth, and the same backend process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import json
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.contract.direct import ApiTransport, MemorySocket
from tests.support.partners import Partners
from tests.support.programs import Program, free_port
from tests.support.real import RealPrograms, run_centrifugo, run_postgres, run_supabase_auth
from tests.support.smtp_sink import SmtpSink, html_of

from cadenza.gateway.config import GatewayConfig
from cadenza.gateway.proxy_caller import HttpProxyCaller
from cadenza.gateway.server import GatewayServer
from cadenza.identity.config import IdentityConfig, RateLimits
from cadenza.identity.server import IdentityServer
from cadenza.schema.access import Guarded
from cadenza.stack.centrifugo import CentrifugoOptions, centrifugo_config
from cadenza.stack.channels import CLIENT_CONCURRENCY, NAMESPACES
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.limits import limits_from_environment
from cadenza.stack.settings import StackSettings
from cadenza.tokens.fetch import http_fetch
from cadenza.tokens.jwks import RemoteKeySet
from cadenza.tokens.signer import Signer, SigningKey
from cadenza.tokens.verifier import Verifier

#: Browser origin that every stack lets in.
ALLOWED_ORIGIN = "http://app.example"
#: The grace after a token's end, short so that the suite need not wait.
EXPIRED_CLOSE_DELAY_SECONDS = 1.0
SECRET_HEADER = "X-Cadenza-Proxy-Secret"
#: Commands that demand a second factor on every stack of the suite.
GUARDED = Guarded.CREDENTIALS
#: A method that is limited narrowly on every stack of the suite, how many of it may be called at once, and all limits.
LIMITED = "query.orderbook.list"
LIMITED_AT_ONCE = 3
LIMITS = f"{LIMITED}=2:{LIMITED_AT_ONCE},joins=20:60"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a mail says."""

    code: str
    link: str


@dataclass(frozen=True, kw_only=True)
class System:
    """A running stack, as its users and its operator see it."""

    name: str
    auth_url: str
    supabase_url: str
    ws_url: str
    api_url: str
    api_key: str
    issuer: str
    key: SigningKey
    #: The OAuth provider that is configured.
    oauth_provider: str
    #: The newest mail to an address, as soon as there is one.
    mail_to: Callable[[str], Awaitable[Letter]]
    #: For a stack without sockets: how to reach it instead.
    socket: Callable[[], MemorySocket] | None = None
    mounts: Mapping[str, httpx.AsyncBaseTransport] = field(default_factory=dict)

    def http(self, base_url: str = "", **options: Any) -> httpx.AsyncClient:
        """Make an HTTP client that reaches this stack."""
        return httpx.AsyncClient(base_url=base_url, mounts=dict(self.mounts), **options)

    def mint(self, **claims: Any) -> str:
        """Sign a token as the provider and its hook would; a claim given as None is left out."""
        now = int(time.time())
        whole: dict[str, Any] = {
            "iss": self.issuer,
            "aud": "authenticated",
            "sub": "00000000-0000-4000-8000-000000000001",
            "role": "authenticated",
            "iat": now,
            "exp": now + 600,
        }
        whole.update(claims)
        whole.setdefault("meta", {"session_id": whole.get("session_id", "s"), "aal": "aal1", "role": "authenticated"})
        return Signer(self.key).sign({name: value for name, value in whole.items() if value is not None})


#: The suite signs up more users from one address than the provider lets a person.
NO_LIMITS = RateLimits.off()


def _for_the_suite(config: IdentityConfig) -> IdentityConfig:
    """With the test provider, and no limits."""
    mail = dataclasses.replace(config.mail, interval_seconds=0)
    return dataclasses.replace(config, limits=NO_LIMITS, test_provider=True, mail=mail)


class _QuickExpiry(EmbeddedStack):
    def identity_config(self) -> IdentityConfig:
        return _for_the_suite(super().identity_config())

    def gateway_config(self) -> GatewayConfig:
        return msgspec.structs.replace(
            super().gateway_config(), expired_close_delay_seconds=EXPIRED_CLOSE_DELAY_SECONDS
        )


@contextlib.asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[tuple[System, EmbeddedStack]]:
    """One process, and its insides."""
    settings = StackSettings(
        data_dir=folder / "data",
        identity_port=0,
        gateway_port=0,
        backend_port=0,
        allowed_origins=(ALLOWED_ORIGIN,),
        second_factor_for=frozenset({GUARDED}),
        limits=limits_from_environment({"CADENZA_LIMITS": LIMITS}),
    )
    async with _QuickExpiry(settings) as stack:
        system = System(
            name="embedded",
            auth_url=stack.identity_url,
            supabase_url=stack.supabase_url,
            ws_url=stack.ws_url,
            api_url=stack.api_url,
            api_key=stack.api_key,
            issuer=stack.identity.issuer,
            key=_signing_key(stack.identity.config),
            oauth_provider="test",
            mail_to=functools.partial(_from_inbox, stack.supabase_url),
        )
        yield system, stack


@contextlib.asynccontextmanager
async def direct(folder: Path) -> AsyncIterator[System]:
    """One process, and no socket between the suite and it."""
    async with embedded(folder) as (system, stack):
        app = stack.identity.asgi_app
        yield dataclasses.replace(
            system,
            name="direct",
            socket=lambda: MemorySocket(stack.gateway.node),
            mounts={
                system.supabase_url: httpx.ASGITransport(app),
                system.api_url.removesuffix("/api"): ApiTransport(stack.gateway.node),
            },
        )


@contextlib.asynccontextmanager
async def over_sockets(folder: Path) -> AsyncIterator[System]:
    """One process, reached as its users reach it."""
    async with embedded(folder) as (system, _):
        yield system


@contextlib.asynccontextmanager
async def proxied(folder: Path) -> AsyncIterator[System]:
    """Embedded gateway and provider, the backend behind HTTP."""
    api_key, secret, backend_port = secrets.token_hex(16), secrets.token_hex(16), free_port()
    async with contextlib.AsyncExitStack() as running:
        identity = await running.enter_async_context(
            IdentityServer(_for_the_suite(IdentityConfig(data_dir=folder / "identity", port=0)))
        )
        http = await running.enter_async_context(httpx.AsyncClient())
        keys = RemoteKeySet(http_fetch(identity.jwks_url, http), clock=time.time)
        running.push_async_callback(keys.aclose)
        backend = f"http://127.0.0.1:{backend_port}/proxy"
        gateway = GatewayServer(
            GatewayConfig(
                port=0,
                allowed_origins=(ALLOWED_ORIGIN,),
                api_key=api_key,
                namespaces=NAMESPACES,
                client_concurrency=CLIENT_CONCURRENCY,
                allow_anonymous_connect_without_token=True,
                disallow_anonymous_connection_tokens=True,
                expired_close_delay_seconds=EXPIRED_CLOSE_DELAY_SECONDS,
            ),
            verifier=Verifier(keys, issuer=identity.issuer, audience=identity.audience, clock=time.time),
            proxy=HttpProxyCaller(
                f"{backend}/rpc", f"{backend}/subscribe", headers={SECRET_HEADER: secret}, client=http
            ),
            clock=time.time,
        )
        await gateway.start()
        running.push_async_callback(gateway.stop)
        system = System(
            name="proxied",
            auth_url=identity.url,
            supabase_url=identity.url.removesuffix("/auth/v1"),
            ws_url=f"ws://127.0.0.1:{gateway.port}/connection/websocket",
            api_url=f"http://127.0.0.1:{gateway.port}/api",
            api_key=api_key,
            issuer=identity.issuer,
            key=_signing_key(identity.config),
            oauth_provider="test",
            mail_to=functools.partial(_from_inbox, identity.url.removesuffix("/auth/v1")),
        )
        with _backend(system, secret, backend_port, folder, jwks_url=identity.jwks_url):
            yield system


@contextlib.asynccontextmanager
async def real(folder: Path, programs: RealPrograms) -> AsyncIterator[System]:
    """The real programs, and our backend."""
    api_key, secret, backend_port = secrets.token_hex(16), secrets.token_hex(16), free_port()
    key = SigningKey.generate("ES256")
    async with SmtpSink().serving() as post:
        with contextlib.ExitStack() as running:
            partners = running.enter_context(Partners())
            cluster = running.enter_context(run_postgres(programs.postgres))
            # Supabase's gateway, which puts the service under /auth/v1, is not part of the program.
            front_port = free_port()
            supabase_url = f"http://127.0.0.1:{front_port}"
            auth_url = f"{supabase_url}/auth/v1"
            bare_url = running.enter_context(
                run_supabase_auth(
                    programs.supabase_auth,
                    database_url=cluster.make_auth_database(),
                    private_jwk=key.private_jwk(),
                    external_url=auth_url,
                    log=folder / "supabase-auth.log",
                    further=partners.environment(auth_url, post.port),
                )
            )
            running.enter_context(prefix_front(bare_url, front_port, folder))
            jwks_url = f"{auth_url}/.well-known/jwks.json"
            # As `cadenza gateway config` makes it, of the environment that the backend reads.
            made = centrifugo_config(
                CentrifugoOptions(port=free_port(), internal_port=free_port(), allowed_origins=(ALLOWED_ORIGIN,)),
                {
                    "SUPABASE_URL": supabase_url,
                    "PORT": str(backend_port),
                    "CADENZA_API_KEY": api_key,
                    "CADENZA_PROXY_SECRET": secret,
                },
            )
            config = msgspec.structs.replace(made, expired_close_delay_seconds=EXPIRED_CLOSE_DELAY_SECONDS)
            running.enter_context(run_centrifugo(programs.centrifugo, config, folder=folder))
            system = System(
                name="real",
                auth_url=auth_url,
                supabase_url=supabase_url,
                ws_url=f"ws://127.0.0.1:{config.port}/connection/websocket",
                api_url=config.api_url,
                api_key=api_key,
                issuer=auth_url,
                key=key,
                oauth_provider="keycloak",
                mail_to=functools.partial(from_post, post),
            )
            running.enter_context(_backend(system, secret, backend_port, folder, jwks_url=jwks_url))
            yield system


@contextlib.contextmanager
def _backend(system: System, secret: str, port: int, folder: Path, *, jwks_url: str) -> Iterator[None]:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "PORT": str(port),
        "SUPABASE_URL": system.supabase_url,
        "CADENZA_ISSUER": system.issuer,
        "CADENZA_JWKS_URL": jwks_url,
        "CADENZA_WS_URL": system.ws_url,
        "CADENZA_API_URL": system.api_url,
        "CADENZA_API_KEY": system.api_key,
        "CADENZA_PROXY_SECRET": secret,
        "CADENZA_SECOND_FACTOR_FOR": GUARDED.value,
        "CADENZA_LIMITS": LIMITS,
    }
    program = Program(
        [str(Path(sys.executable).with_name("cadenza")), "backend", "serve"],
        environment=environment,
        log=folder / "backend.log",
    )
    try:
        # Not until it is ready: where the provider lives in this loop, it can show no keys while this waits.
        program.wait_for_http(f"http://127.0.0.1:{port}/health")
        yield
    finally:
        program.stop()


async def _from_inbox(supabase_url: str, address: str) -> Letter:
    async with httpx.AsyncClient() as http:
        answer = await http.get(
            f"{supabase_url}/inbox", params={"to": address, "wait": "10"}, headers={"Accept": "application/json"}
        )
    mail = answer.json()["mails"][0]
    return Letter(code=mail["code"], link=mail["link"])


async def from_post(post: SmtpSink, address: str) -> Letter:
    text = html_of(await post.mail_to(address))
    code, link = re.search(r"<p>(\d*)</p>", text), re.search(r'href="([^"]*)"', text)
    assert code is not None
    assert link is not None
    return Letter(code=code[1], link=html.unescape(link[1]))


def _signing_key(config: IdentityConfig) -> SigningKey:
    """The embedded provider's own key, from its 0600 file."""
    keys: list[Mapping[str, object]] = json.loads(config.signing_keys_path.read_text())["keys"]
    return SigningKey.from_jwk(dict(keys[0]))


@contextlib.contextmanager
def prefix_front(bare_url: str, port: int, folder: Path) -> Iterator[None]:
    """Stand where Supabase's own gateway stands: ``/auth/v1`` in front of the bare service."""
    program = Program(
        [sys.executable, "-m", "tests.support.prefix_front", bare_url, str(port)],
        environment={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        log=folder / "front.log",
    )
    try:
        program.wait_for_http(f"http://127.0.0.1:{port}/auth/v1/health")
        yield
    finally:
        program.stop()
