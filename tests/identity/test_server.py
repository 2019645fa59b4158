"""The provider over a real socket: it starts, restarts, stops, and says clearly why it cannot."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from cadenza import identity
from cadenza.errors import ConfigurationError, IdentityError, UsageError
from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.protocol.auth import Request, Session, requests, responses
from cadenza.tokens.jwks import RemoteKeySet, http_fetch
from cadenza.tokens.verifier import Verifier

PASSWORD = "correct horse 1"


@pytest.fixture
def on_any_port(config: IdentityConfig) -> IdentityConfig:
    return dataclasses.replace(config, port=0)


async def ask(server: IdentityServer, request: Request) -> httpx.Response:
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as http:
        return await http.request(
            request.method,
            server.url + request.path,
            params=dict(request.query),
            headers=request.headers(),
            content=request.body,
        )


async def sign_in(server: IdentityServer) -> Session:
    answer = await ask(server, requests.password_grant("ann@example.com", PASSWORD))
    return responses.parse_session(answer.status_code, answer.headers, answer.content)


async def test_a_first_start_makes_all_it_needs_and_a_second_keeps_it(tmp_path: Path, config: IdentityConfig) -> None:
    fresh = dataclasses.replace(config, data_dir=tmp_path / "made", port=0)
    async with IdentityServer(fresh) as first:
        assert await first.ensure_user("ann@example.com", PASSWORD) is True
        keys, session = first.public_keys, await sign_in(first)
    async with IdentityServer(dataclasses.replace(fresh, port=first.port)) as second:
        assert await second.ensure_user("ann@example.com", PASSWORD) is False
        assert second.public_keys == keys
        assert (await ask(second, requests.get_user(session.access_token))).status_code == 200
        assert (await ask(second, requests.refresh_token_grant(session.refresh_token))).status_code == 200


async def test_its_tokens_verify_against_its_published_keys(on_any_port: IdentityConfig) -> None:
    import time

    async with IdentityServer(on_any_port) as server, httpx.AsyncClient(trust_env=False) as http:
        await server.ensure_user("ann@example.com", PASSWORD)
        session = await sign_in(server)
        keys = RemoteKeySet(http_fetch(server.jwks_url, http), clock=time.time)
        verifier = Verifier(keys, issuer=server.issuer, audience=server.audience, clock=time.time)

        verified = await verifier.verify(session.access_token)

    assert verified.sub == session.user.id
    assert b'"session_id"' in verified.meta


async def test_a_port_in_use_is_one_clear_line(config: IdentityConfig) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}") as caught:
            await IdentityServer(dataclasses.replace(config, port=port)).start()

    assert caught.value.setting == "port"
    assert "\n" not in str(caught.value)


async def test_a_start_that_fails_leaves_the_port_free_and_no_task(on_any_port: IdentityConfig) -> None:
    on_any_port.database_path.write_bytes(b"not a database, " * 100)
    before = asyncio.all_tasks()
    server = IdentityServer(on_any_port)

    with pytest.raises(ConfigurationError, match="no usable database"):
        await server.start()

    assert asyncio.all_tasks() == before
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", server.port))


async def test_it_can_be_started_again_after_a_stop_and_not_before(on_any_port: IdentityConfig) -> None:
    server = IdentityServer(on_any_port)
    await server.stop()
    await server.start()
    with pytest.raises(UsageError):
        await server.start()
    await server.stop()
    await server.stop()
    async with server:
        assert (await ask(server, requests.health())).status_code == 200


async def test_a_stop_leaves_no_task_and_no_listener(on_any_port: IdentityConfig) -> None:
    before = asyncio.all_tasks()
    async with httpx.AsyncClient(trust_env=False) as http, IdentityServer(on_any_port) as server:
        assert (await http.get(f"{server.url}/health")).status_code == 200  # a connection that stays open

    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


async def test_before_the_start_nothing_can_be_asked_of_it(config: IdentityConfig) -> None:
    server = IdentityServer(config)

    for ask_it in (server.ensure_user("a@example.com", PASSWORD), server.confirm_email("a@example.com")):
        with pytest.raises(UsageError):
            await ask_it
    with pytest.raises(UsageError):
        await server.issue_access_token("x", lifetime_seconds=1)
    with pytest.raises(UsageError):
        _ = server.public_keys
    assert server.url == "http://127.0.0.1:54321/auth/v1"


async def test_a_token_is_issued_only_for_a_session_that_is_open(on_any_port: IdentityConfig) -> None:
    async with IdentityServer(on_any_port) as server:
        with pytest.raises(IdentityError) as caught:
            await server.issue_access_token("00000000-0000-4000-8000-000000000000", lifetime_seconds=60)
        with pytest.raises(IdentityError) as weak:
            await server.ensure_user("ann@example.com", "short")

    assert (caught.value.status, caught.value.error_code) == (403, "session_not_found")
    assert (weak.value.status, weak.value.error_code) == (422, "weak_password")
    assert "short" not in str(weak.value)


async def test_an_answer_leaves_in_one_go(on_any_port: IdentityConfig) -> None:
    async with IdentityServer(on_any_port) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
        assert server._http is not None
        (connection,) = server._http._uvicorn.server_state.connections
        accepted = connection.transport.get_extra_info("socket")

        # Without it every answer waits for the client's delayed acknowledgement, 40 ms.
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        await writer.wait_closed()


async def raw(server: IdentityServer, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(10):
        writer.write(request)
        await writer.drain()
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_what_is_no_http_is_turned_away(on_any_port: IdentityConfig) -> None:
    async with IdentityServer(on_any_port) as server:
        for request in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\nConnection: close\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        ):
            status = (await raw(server, request)).split(b"\r\n", 1)[0]
            assert status.split(b" ")[1:2] in ([b"400"], [b"421"])


async def test_it_does_not_touch_the_processs_signals(on_any_port: IdentityConfig) -> None:
    import signal

    before = signal.getsignal(signal.SIGINT)
    async with IdentityServer(on_any_port):
        assert signal.getsignal(signal.SIGINT) is before
    assert signal.getsignal(signal.SIGINT) is before


async def test_nothing_it_logs_while_it_works_holds_an_address_or_a_token(
    on_any_port: IdentityConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with IdentityServer(on_any_port) as server:
            await server.ensure_user("ann@example.com", PASSWORD)
            session = await sign_in(server)
            await ask(server, requests.get_user(session.access_token))

    logged = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    for secret in ("ann@example.com", PASSWORD, session.access_token, session.refresh_token):
        assert all(secret not in line for line in logged)


def test_the_door_is_pinned() -> None:
    assert identity.__all__ == ["IdentityConfig", "IdentityServer", "PasswordHashing", "RateLimits"]
    assert all(hasattr(identity, name) for name in identity.__all__)


def test_the_port_of_supabases_local_stack_is_the_default(tmp_path: Path) -> None:
    server: Any = IdentityServer(IdentityConfig(data_dir=tmp_path))

    assert (server.port, server.url) == (54321, "http://127.0.0.1:54321/auth/v1")
