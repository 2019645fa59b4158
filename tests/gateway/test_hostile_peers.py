"""Peers that are slow, broken or hostile, on real sockets: each gets its answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.gateway.kit import make_token
from tests.gateway.wire import DEADLINE, UPGRADE, Start, close_of, head, raw_request, replies, status, take, url
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from cadenza.errors import ConfigurationError


async def test_head_that_never_ends_is_cut_off_in_time(start_server: Start) -> None:
    server = await start_server(handshake_timeout_seconds=0.05)
    assert status(await raw_request(server, b"GET /connection/websocket HTTP/1.1\r\nHost: ")) == 408
    assert server.stats.refused_requests[408] == 1


async def test_huge_head_is_refused(start_server: Start) -> None:
    server = await start_server()
    assert status(await raw_request(server, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000)) == 431
    assert status(await raw_request(server, head(Host="localhost", Cookie="x" * 20_000))) == 431
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    assert status(await raw_request(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n")) == 431


async def test_second_request_on_a_kept_socket_is_bounded_too(start_server: Start) -> None:
    server = await start_server(handshake_timeout_seconds=0.05)
    first = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = await raw_request(server, first, b"GET /health HTTP/1.1\r\nHost: loc")
    assert answer.count(b"HTTP/1.1") == 1
    answer = await raw_request(server, first, b"GET /health HTTP/1.1\r\nX: " + b"x" * 20_000)
    assert answer.count(b"HTTP/1.1") == 1


async def test_body_that_never_comes_is_cut_off(start_server: Start) -> None:
    server = await start_server(handshake_timeout_seconds=0.05)
    request = "POST /api/info HTTP/1.1\r\nHost: localhost\r\nX-API-Key: api-key\r\nContent-Length: 10\r\n\r\n{"
    assert await raw_request(server, request.encode()) == b""


async def test_big_body_is_refused(start_server: Start) -> None:
    server = await start_server(api_body_limit_bytes=100)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers={"X-API-Key": "api-key"}) as http:
        assert (await http.post("/api/info", content=b"{" + b" " * 200 + b"}")).status_code == 413
        assert (await http.post("/api/info", content=b"{}")).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "192.0.2.1"])
async def test_requests_to_another_host_are_refused_even_on_loopback(start_server: Start, host: str) -> None:
    server = await start_server()
    assert status(await raw_request(server, head(**{**UPGRADE, "Host": host}))) == 403
    assert status(await raw_request(server, head("/health", Host=host, Connection="close"))) == 403
    kept = head("/health", Host="localhost") + head("/health", Host=host, Connection="close")
    answer = await raw_request(server, kept)
    assert [int(part.split(b" ", 1)[0]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200, 403]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "[::1]:8000", "gw.internal"]
)
async def test_requests_to_the_gateways_own_names_are_served(start_server: Start, host: str) -> None:
    server = await start_server(allowed_hosts=("GW.internal",))
    assert status(await raw_request(server, head("/health", Host=host, Connection="close"))) == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /connection/websocket\r\n\r\n",
        b"GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n folded: yes\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_bad_request(start_server: Start, garbage: bytes) -> None:
    server = await start_server()
    assert status(await raw_request(server, garbage)) == 400


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Upgrade", "h2c"),
        ("Connection", "keep-alive"),
        ("Sec-WebSocket-Version", "8"),
        ("Sec-WebSocket-Key", "short"),
        ("Sec-WebSocket-Key", "not base64 at all!!!!!!="),
        ("Sec-WebSocket-Protocol", "graphql-ws"),
    ],
)
async def test_handshake_that_is_not_one_is_refused(start_server: Start, header: str, value: str) -> None:
    server = await start_server()
    assert status(await raw_request(server, head(**{**UPGRADE, header: value}))) == 400


async def test_firefox_connection_header_is_accepted(start_server: Start) -> None:
    server = await start_server()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head(**{**UPGRADE, "Connection": "keep-alive, Upgrade"}))
    async with asyncio.timeout(DEADLINE):
        answer = await reader.readuntil(b"\r\n\r\n")
    assert status(answer) == 101
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer  # RFC 6455 section 1.3
    writer.close()


async def test_head_in_single_bytes_and_frames_glued_to_it_are_understood(start_server: Start) -> None:
    server = await start_server("B")
    command = Frame(Opcode.TEXT, b'{"id":1,"connect":{}}').serialize(mask=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    whole = head(**UPGRADE) + command
    for position in range(len(head(**UPGRADE)) - 2):
        writer.write(whole[position : position + 1])
        await writer.drain()
    writer.write(whole[len(head(**UPGRADE)) - 2 :])
    async with asyncio.timeout(DEADLINE):
        await reader.readuntil(b'"pong":true}}')
    writer.close()


async def test_fragmented_message_is_put_together(start_server: Start) -> None:
    server = await start_server("B")
    async with connect(url(server)) as client:
        await client.send(['{"id":1,', '"conn', 'ect":{}}'])
        assert "connect" in (await replies(client))[0]
        await client.send(["x" * 40_000, "x" * 40_000])
        assert await close_of(client) == (1009, "")


async def test_frames_out_of_order_are_a_protocol_error(start_server: Start) -> None:
    server = await start_server("B")
    for frames in ([(Opcode.CONT, b"x", True)], [(Opcode.TEXT, b"x", False), (Opcode.TEXT, b"y", True)]):
        data = b"".join(Frame(opcode, payload, fin=fin).serialize(mask=True) for opcode, payload, fin in frames)
        answer = await raw_request(server, head(**UPGRADE) + data)
        assert answer.endswith(b"\x88\x02" + (1002).to_bytes(2, "big"))


async def test_websocket_ping_is_answered_and_delays_no_reply(start_server: Start) -> None:
    server = await start_server("B")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    command = Frame(Opcode.TEXT, b'{"id":1,"connect":{}}').serialize(mask=True)
    writer.write(head(**UPGRADE) + command + Frame(Opcode.PING, b"beat").serialize(mask=True))
    async with asyncio.timeout(DEADLINE):
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(6) == b"\x8a\x04beat"
        await reader.readuntil(b'"pong":true}}')
    writer.close()


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4001, 4999])
async def test_clients_close_is_answered_with_its_own_code(start_server: Start, code: int) -> None:
    server = await start_server("B")
    async with connect(url(server)) as client:
        await client.send('{"id":1,"connect":{}}')
        await replies(client)
        await client.close(code, "bye")
    assert client.close_code == code
    async with asyncio.timeout(DEADLINE):
        await server.node.empty.wait()
    assert server.node.hub.client_count == 0


async def test_code_that_cannot_be_sent_just_drops_the_socket(start_server: Start) -> None:
    server = await start_server()
    async with connect(url(server)) as client:
        await client.send(json.dumps({"id": 1, "connect": {"token": make_token(sub="42")}}))
        await replies(client)
        async with httpx.AsyncClient(headers={"X-API-Key": "api-key"}) as http:
            body = {"user": "42", "disconnect": {"code": 200, "reason": "bad"}}
            await http.post(f"http://127.0.0.1:{server.port}/api/disconnect", json=body)
        code, _ = await close_of(client)
        assert code is None or code == 1006


async def test_peer_that_never_answers_the_close_is_cut_off(start_server: Start) -> None:
    server = await start_server("B", close_timeout_seconds=0.05)
    answer = await raw_request(server, head(**UPGRADE) + Frame(Opcode.TEXT, b"nonsense").serialize(mask=True))
    assert answer.endswith((3501).to_bytes(2, "big") + b"bad request")
    async with asyncio.timeout(DEADLINE):
        await server.node.empty.wait()


async def test_dead_peer_is_given_up_after_the_pong_timeout(start_server: Start) -> None:
    server = await start_server("B", ping_interval_seconds=0.05, pong_timeout_seconds=0.05, close_timeout_seconds=0.05)
    answer = await raw_request(
        server, head(**UPGRADE) + Frame(Opcode.TEXT, b'{"id":1,"connect":{}}').serialize(mask=True)
    )
    assert answer.endswith((3012).to_bytes(2, "big") + b"no pong")
    assert server.stats.disconnects == {3012: 1}


async def test_silent_socket_is_stale(start_server: Start) -> None:
    """Row B6: a client that logs in between opening the socket and ``connect`` ends here."""
    server = await start_server("B", stale_close_delay_seconds=0.05)
    async with connect(url(server)) as client:
        assert await close_of(client) == (3502, "stale")


async def test_flood_of_commands_stops_the_reading_and_loses_none(start_server: Start, backend: Any) -> None:
    release = asyncio.Event()

    class Slow(type(backend)):  # type: ignore[misc]
        async def rpc(self, request: Any, peer: Any, /) -> Any:
            await release.wait()
            return await super().rpc(request, peer)

    server = await start_server("A", proxy=Slow(), client_command_queue_limit=3)
    async with connect(url(server)) as client:
        await client.send(json.dumps({"id": 1, "connect": {"token": make_token(sub="42")}}))
        await replies(client)
        for number in range(2, 60):
            await client.send(json.dumps({"id": number, "rpc": {"method": "ok", "data": number}}))
        release.set()
        seen = [reply["id"] for reply in await take(client, 58)]
    assert seen == list(range(2, 60))


async def test_port_in_use_is_an_error_that_names_the_setting(start_server: Start) -> None:
    server = await start_server()
    with pytest.raises(ConfigurationError, match=str(server.port)) as caught:
        await start_server(port=server.port)
    assert caught.value.setting == "port"


async def test_stopped_server_frees_its_port_at_once(start_server: Start) -> None:
    server = await start_server()
    await server.stop()
    again = await start_server(port=server.port)
    assert again.port == server.port


async def test_every_socket_is_counted_also_one_that_says_nothing(start_server: Start) -> None:
    server = await start_server("B")
    async with connect(url(server)) as client:
        await client.send('{"id":1,"connect":{}}')
        await replies(client)
    await raw_request(server, b"\r\n\r\n")
    assert server.stats.accepted_sockets == 2
    assert server.stats.accepted_websockets == 1
    assert server.stats.accepted_connections == 1
