"""What a user's program may do, and what a network may: handlers that call and raise, debug logs, TLS, proxies."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import cadenza
from cadenza import MemorySessionStore, Venue
from cadenza.client import Client, Connected, Disconnected, ErrorOccurred
from cadenza.errors import ConfigurationError, DeadlineExceededError, TransportError
from cadenza.protocol.codes import Termination
from cadenza.stack.embedded import EmbeddedStack
from cadenza.stack.settings import StackSettings

if TYPE_CHECKING:
    from tests.client.e2e.conftest import Place, Recorder

pytestmark = pytest.mark.asyncio(loop_scope="module")
BTC = "PAPER:BTC/USDT"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account(place: Place) -> tuple[str, str]:
    return await place.new_user()


class TestHandlers:
    async def test_a_handler_may_await_any_call(self, place: Place, account: tuple[str, str]) -> None:
        """B3: with centrifuge-python alone this is a timeout after five seconds."""
        answers: asyncio.Queue[list[Venue]] = asyncio.Queue()

        async def on_connected(_event: Connected) -> None:
            answers.put_nowait(await api.market.venues.list())

        async with (
            asyncio.timeout(30),
            cadenza.connect(
                place.stack.ws_url,
                supabase_url=place.stack.supabase_url,
                session_store=MemorySessionStore(),
                on_connected=on_connected,
                environ={},
            ) as api,
        ):
            await api.auth.sign_in_with_password(*account)
            await api.market.tickers.list()
            assert await answers.get() == [Venue.PAPER]

    async def test_handlers_that_always_raise_lose_no_message(self, place: Place, account: tuple[str, str]) -> None:
        """B2: with centrifuge-python alone the first one ends the connection for good."""
        complaints: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))

        def broken(_event: object) -> None:
            raise RuntimeError("a bug of the user's")

        try:
            async with (
                asyncio.timeout(30),
                cadenza.connect(
                    place.stack.ws_url,
                    supabase_url=place.stack.supabase_url,
                    session_store=MemorySessionStore(),
                    on_connecting=broken,
                    on_connected=broken,
                    on_disconnected=broken,
                    on_error=broken,
                    environ={},
                ) as api,
            ):
                session = await api.auth.sign_in_with_password(*account)
                async with api.market.order_books.watch(BTC) as books:
                    await anext(books)
                    place.stack.gateway.node.disconnect(session.user_id, Termination(code=3011, reason="again"))
                    for _ in range(20):
                        await anext(books)
        finally:
            loop.set_exception_handler(None)
        assert {context["message"].split()[0] for context in complaints} >= {"on_connected", "on_disconnected"}

    async def test_an_error_in_the_loops_body_leaves_the_client_good(
        self, place: Place, account: tuple[str, str]
    ) -> None:
        async with asyncio.timeout(30), place.connect() as api:
            await api.auth.sign_in_with_password(*account)
            for _ in range(2):
                with pytest.raises(ZeroDivisionError):
                    await fail_in_the_body(api)
            assert await api.market.venues.list() == [Venue.PAPER]

    async def test_the_client_may_be_closed_in_a_handler(self, place: Place, account: tuple[str, str]) -> None:
        closed = asyncio.Event()

        async def on_connected(_event: Connected) -> None:
            await api.close()
            closed.set()

        api = cadenza.connect(
            place.stack.ws_url,
            supabase_url=place.stack.supabase_url,
            session_store=MemorySessionStore(),
            on_connected=on_connected,
            environ={},
        )
        async with asyncio.timeout(30), api:
            await api.auth.sign_in_with_password(*account)
            await asyncio.gather(api.market.venues.list(), return_exceptions=True)
            await closed.wait()
            with pytest.raises(cadenza.errors.ClosedError):
                await api.market.venues.list()


async def fail_in_the_body(api: Client) -> None:
    async with api.market.tickers.watch(BTC) as tickers:
        async for _ in tickers:
            raise ZeroDivisionError


async def test_a_token_is_refreshed_in_place_while_connected(tmp_path: Path, recorder: Recorder) -> None:
    """New token, same client id, no interruption: H2, H5."""
    settings = StackSettings(
        data_dir=tmp_path, identity_port=0, gateway_port=0, backend_port=0, access_token_lifetime_seconds=3
    )
    async with asyncio.timeout(60), EmbeddedStack(settings, clock=time.time) as stack:
        api = cadenza.connect(
            stack.ws_url,
            supabase_url=stack.supabase_url,
            session_store=MemorySessionStore(),
            on_connected=recorder,
            on_disconnected=recorder,
            on_error=recorder,
            environ={},
        )
        async with api:
            first = await api.auth.sign_in_with_password(*stack.ready_user)
            async with api.market.tickers.watch(BTC) as tickers:
                client_id = api.client_id
                while stack.gateway.stats.commands["refresh"] < 2:
                    await anext(tickers)
                assert api.client_id == client_id
                assert api.auth.session is not None
                assert api.auth.session.expires_at > first.expires_at
                assert tickers.gaps == 0
            assert not recorder.of(Disconnected)
            assert not recorder.of(ErrorOccurred)


async def test_no_log_shows_a_token_or_a_password_even_at_debug(
    place: Place, account: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [account[1]]
    async with asyncio.timeout(30), place.connect() as api:
        session = await api.auth.over_websocket.sign_in_with_password(*account)
        secrets += [session.access_token, session.refresh_token]
        await api.market.venues.list()
        fresh = await api.auth.refresh()
        secrets += [fresh.access_token, fresh.refresh_token]
        await api.auth.user()
        await api.auth.sign_in_with_password(*account)
        await api.auth.sign_out()
    assert "centrifuge" in {record.name for record in caplog.records}
    for secret in secrets:
        assert secret not in caplog.text
        assert secret[:40] not in caplog.text


# TLS and proxies: small relays in front of the real stack.

Connector = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def relay(target: tuple[str, int] | None, context: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    """Passes bytes to the target; without one it is an HTTP proxy that serves CONNECT and absolute addresses."""
    made = Relay(target)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)


class Relay:
    def __init__(self, target: tuple[str, int] | None) -> None:
        self.target = target
        self.port = 0
        self.asked: list[bytes] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        first = b""
        target = self.target
        if target is None:
            head = await reader.readuntil(b"\r\n\r\n")
            verb, address, _ = head.split(b" ", 2)
            self.asked.append(verb)
            if verb == b"CONNECT":
                host, _, port = address.decode().rpartition(":")
                target = host, int(port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                parts = urlsplit(address.decode())
                target = parts.hostname or "", parts.port or 80
                first = head.replace(address, f"{parts.path}?{parts.query}".encode(), 1)
        other_reader, other_writer = await asyncio.open_connection(*target)
        other_writer.write(first)
        async with asyncio.TaskGroup() as both:
            both.create_task(pump(reader, other_writer))
            both.create_task(pump(other_reader, writer))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that no system trusts, and a server's context with it."""
    folder = tmp_path_factory.mktemp("authority")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = folder / "ca.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_pem)
    return pem, context


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


class TestTls:
    async def test_an_authority_of_ones_own_is_trusted_when_named(
        self, place: Place, account: tuple[str, str], authority: tuple[Path, ssl.SSLContext]
    ) -> None:
        pem, context = authority
        async with (
            asyncio.timeout(30),
            relay(address_of(place.stack.ws_url), context) as gateway,
            relay(address_of(place.stack.supabase_url), context) as provider,
            cadenza.connect(
                f"wss://127.0.0.1:{gateway.port}/connection/websocket",
                supabase_url=f"https://127.0.0.1:{provider.port}",
                ca_file=pem,
                session_store=MemorySessionStore(),
                environ={},
            ) as api,
        ):
            await api.auth.sign_in_with_password(*account)
            assert await api.market.venues.list() == [Venue.PAPER]

    async def test_an_unknown_authority_is_refused_on_both_ways(
        self, place: Place, account: tuple[str, str], authority: tuple[Path, ssl.SSLContext], recorder: Recorder
    ) -> None:
        _, context = authority
        async with (
            asyncio.timeout(30),
            relay(address_of(place.stack.ws_url), context) as gateway,
            relay(address_of(place.stack.supabase_url), context) as provider,
            cadenza.connect(
                f"wss://127.0.0.1:{gateway.port}/connection/websocket",
                supabase_url=f"https://127.0.0.1:{provider.port}",
                session_store=MemorySessionStore(),
                deadline_seconds=2,
                on_error=recorder,
                environ={},
            ) as api,
        ):
            with pytest.raises(TransportError):
                await api.auth.sign_in_with_password(*account)
            with pytest.raises(DeadlineExceededError, match="CERTIFICATE_VERIFY_FAILED"):
                await api.system.info()
            assert "CERTIFICATE_VERIFY_FAILED" in str((await recorder.wait(ErrorOccurred)).error)

    @pytest.mark.parametrize("content", [None, "not a certificate"])
    async def test_a_file_that_is_no_certificate_is_a_setting_at_fault(
        self, tmp_path: Path, content: str | None
    ) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_text(content)
        with pytest.raises(ConfigurationError) as caught:
            async with cadenza.connect(
                "wss://g.example",
                supabase_url="https://a.example",
                ca_file=file,
                session_store=MemorySessionStore(),
                environ={},
            ):
                pytest.fail("entered")
        assert caught.value.setting == "ca_file"


class TestProxies:
    async def test_a_given_proxy_carries_both_gateway_and_provider(
        self, place: Place, account: tuple[str, str]
    ) -> None:
        async with (
            asyncio.timeout(30),
            relay(None) as proxy,
            cadenza.connect(
                place.stack.ws_url,
                supabase_url=place.stack.supabase_url,
                proxy=f"http://127.0.0.1:{proxy.port}",
                session_store=MemorySessionStore(),
                environ={},
            ) as api,
        ):
            await api.auth.sign_in_with_password(*account)
            assert await api.market.venues.list() == [Venue.PAPER]
            assert proxy.asked == [b"POST", b"CONNECT"]

    async def test_the_environments_proxy_is_never_used_for_this_machine(
        self, place: Place, account: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        async with asyncio.timeout(30), place.connect() as api:
            await api.auth.sign_in_with_password(*account)
            assert await api.market.venues.list() == [Venue.PAPER]

    async def test_a_proxy_that_cannot_be_used_is_a_setting_at_fault(
        self, place: Place, account: tuple[str, str]
    ) -> None:
        async with cadenza.connect(
            place.stack.ws_url,
            supabase_url=place.stack.supabase_url,
            proxy="nonsense://user:pass-word@127.0.0.1:9",
            session_store=MemorySessionStore(),
            environ={},
        ) as api:
            for attempt in (api.auth.sign_in_with_password(*account), api.system.info()):
                with pytest.raises(ConfigurationError) as caught:
                    await attempt
                assert caught.value.setting == "proxy"
                assert "pass-word" not in str(caught.value)
