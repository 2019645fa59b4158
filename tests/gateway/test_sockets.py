"""The gateway on real sockets: recorded handshakes and sizes, broken peers, hostile input, shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from cadenza.gateway import GatewayServer

DATA = Path(__file__).resolve().parent.parent / "data" / "gateway"
SCENARIOS = {s["name"]: s for s in map(json.loads, (DATA / "centrifugo-transcripts.jsonl").read_text().splitlines())}
PLANS = json.loads((DATA / "replay.json").read_text())
DEADLINE = 10
UPGRADE = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

Start = Callable[..., Awaitable[GatewayServer]]


def url(server: GatewayServer) -> str:
    return f"ws://127.0.0.1:{server.port}/connection/websocket"


async def replies(client: ClientConnection) -> list[Any]:
    async with asyncio.timeout(DEADLINE):
        return [json.loads(line) for line in str(await client.recv()).split("\n")]


async def take(client: ClientConnection, count: int) -> list[Any]:
    """Read until so many replies and pushes have come; several may share a frame."""
    lines: list[Any] = []
    while len(lines) < count:
        lines += await replies(client)
    return lines


async def close_of(client: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(DEADLINE):
        with contextlib.suppress(websockets.ConnectionClosedError):
            async for _ in client:
                pass  # whatever still comes
        await client.wait_closed()
    return client.close_code, client.close_reason


async def raw_request(server: GatewayServer, *chunks: bytes) -> bytes:
    """Send bytes, and read until the gateway closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        async with asyncio.timeout(DEADLINE):
            return await reader.read()
    finally:
        writer.close()


def head(path: str = "/connection/websocket", **headers: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# The recording's scenarios that need a socket


def covered() -> set[str]:
    return {
        "subprotocol_json",
        "origin_forbidden",
        "websocket_path_plain_get",
        "message_too_big",
        "message_max_ok",
        "slow_client",
        "zz_server_shutdown",
    }


def test_each_recorded_scenario_that_needs_a_socket_is_covered_here() -> None:
    assert covered() == {name for name, plan in PLANS.items() if plan["how"] == "socket"}


async def recorded_server(start: Start, name: str, **changes: Any) -> GatewayServer:
    plan = PLANS[name]
    return await start(plan["config"], clock=lambda: plan["clock"], **changes)


async def test_json_subprotocol_is_echoed(start_server: Start) -> None:
    scenario = SCENARIOS["subprotocol_json"]
    server = await recorded_server(start_server, "subprotocol_json")
    async with connect(url(server), subprotocols=[websockets.Subprotocol("centrifuge-json")]) as client:
        assert client.subprotocol == scenario["notes"][0]["accepted_subprotocol"]
        await client.send(scenario["sent"][0]["frame"])
        (reply,) = await replies(client)
    recorded = json.loads(scenario["received"][0]["frame"])
    assert reply == {**recorded, "connect": {**recorded["connect"], "client": reply["connect"]["client"]}}


async def test_protobuf_is_refused_at_the_handshake(start_server: Start) -> None:
    server = await start_server()
    for refused in (
        head(**UPGRADE, **{"Sec-WebSocket-Protocol": "centrifuge-protobuf"}),
        head("/connection/websocket?format=protobuf", **UPGRADE),
        head("/connection/websocket?cf_protocol=protobuf", **UPGRADE),
    ):
        assert status(await raw_request(server, refused)) == 400


async def test_foreign_origins_are_forbidden_as_recorded(start_server: Start) -> None:
    server = await recorded_server(start_server, "origin_forbidden")
    for entry in SCENARIOS["origin_forbidden"]["received"]:
        origin = {"Origin": entry["origin"]} if entry["origin"] else {}
        if entry["status"] == 101:
            async with connect(url(server), additional_headers=origin):
                continue
        answer = await raw_request(server, head(**UPGRADE, **origin))
        assert status(answer) == entry["status"]
        assert answer.endswith(b"\r\n\r\n" + entry["body"].encode())


async def test_plain_get_on_the_websocket_path_is_a_bad_request(start_server: Start) -> None:
    server = await recorded_server(start_server, "websocket_path_plain_get")
    recorded = SCENARIOS["websocket_path_plain_get"]["received"][0]
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/connection/websocket")
    assert (answer.status_code, answer.headers["content-type"]) == (recorded["status"], recorded["content_type"])
    assert answer.text == recorded["body"]


async def _publish_of_recorded_size(start: Start, name: str) -> ClientConnection:
    sent = SCENARIOS[name]["sent"]
    server = await recorded_server(start, name)
    client = await connect(url(server))
    await client.send(sent[0]["frame"])
    assert "connect" in (await replies(client))[0]
    frame = sent[1]["frame_head"].ljust(sent[1]["frame_len"] - 3, "x") + '"}}'
    await client.send(frame)
    return client


async def test_message_over_the_limit_closes_with_1009_and_no_reason(start_server: Start) -> None:
    client = await _publish_of_recorded_size(start_server, "message_too_big")
    assert await close_of(client) == (1009, "")


async def test_message_just_under_the_limit_is_served(start_server: Start) -> None:
    client = await _publish_of_recorded_size(start_server, "message_max_ok")
    assert await replies(client) == [json.loads(SCENARIOS["message_max_ok"]["received"][1]["frame"])]
    await client.close()


async def test_slow_client_is_cut_off_with_3008_and_stalls_nobody(start_server: Start) -> None:
    server = await recorded_server(start_server, "slow_client", close_timeout_seconds=1.0)
    slow = await _open_deaf_client(server, channel="plain:x")
    async with connect(url(server)) as quick:
        await quick.send(json.dumps({"id": 1, "connect": {"token": _token(server)}}))
        await quick.send('{"id":2,"subscribe":{"channel":"plain:x"}}')
        assert [set(reply) - {"id"} for reply in await take(quick, 2)] == [{"connect"}, {"subscribe"}]
        recorded = SCENARIOS["slow_client"]["received"][0]["close_frame"]
        for number in range(1000):
            server.node.publish("plain:x", json.dumps({"n": number, "pad": "x" * 30_000}).encode())
            (push,) = await replies(quick)
            assert push["push"]["pub"]["data"]["n"] == number
            if server.stats.disconnects:
                break
        assert server.stats.disconnects == {recorded["code"]: 1}
        assert server.node.hub.client_count == 1
        everything = await _read_to_the_end(slow)
    assert everything.endswith(recorded["code"].to_bytes(2, "big") + recorded["reason"].encode())


async def test_shutdown_closes_every_client_with_3001(start_server: Start) -> None:
    scenario = SCENARIOS["zz_server_shutdown"]
    server = await recorded_server(start_server, "zz_server_shutdown")
    async with connect(url(server)) as connected, connect(url(server)) as silent:
        await connected.send(scenario["sent"][0]["frame"])
        assert "connect" in (await replies(connected))[0]
        stopping = asyncio.create_task(server.stop())
        recorded = scenario["received"][-1]["close"]
        assert await close_of(connected) == (recorded["code"], recorded["reason"])
        assert await close_of(silent) == (recorded["code"], recorded["reason"])
        async with asyncio.timeout(DEADLINE):
            await stopping
    with pytest.raises(OSError, match=r"refused|Connect"):
        await asyncio.open_connection("127.0.0.1", server.port)


# Peers that misbehave


async def _open_deaf_client(server: GatewayServer, channel: str) -> socket.socket:
    """Open a client that subscribes and then reads no more."""
    loop = asyncio.get_running_loop()
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    own.setblocking(False)  # noqa: FBT003
    await loop.sock_connect(own, ("127.0.0.1", server.port))
    await loop.sock_sendall(own, head(**UPGRADE))
    commands: list[dict[str, Any]] = [
        {"id": 1, "connect": {"token": _token(server)}},
        {"id": 2, "subscribe": {"channel": channel}},
    ]
    for command in commands:
        await loop.sock_sendall(own, Frame(Opcode.TEXT, json.dumps(command).encode()).serialize(mask=True))
    read = b""
    async with asyncio.timeout(DEADLINE):
        while b'"subscribe":{}' not in read:
            read += await loop.sock_recv(own, 4096)
    return own


async def _read_to_the_end(own: socket.socket) -> bytes:
    loop, everything = asyncio.get_running_loop(), b""
    with own:
        async with asyncio.timeout(DEADLINE):
            while chunk := await loop.sock_recv(own, 65_536):
                everything += chunk
    return everything


def _token(server: GatewayServer) -> str:
    del server
    return _make_token(sub="42")


_make_token: Callable[..., str]


@pytest.fixture(autouse=True)
def _take_token_maker(make_token: Callable[..., str]) -> None:
    global _make_token  # noqa: PLW0603 - fixtures are the only way to share helpers here
    _make_token = make_token


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


async def test_body_that_never_comes_is_cut_off(start_server: Start, recorded_config: Callable[..., Any]) -> None:
    server = await start_server(handshake_timeout_seconds=0.05)
    key = recorded_config("A").api_key
    request = f"POST /api/info HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Length: 10\r\n\r\n{{"
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


async def test_code_that_cannot_be_sent_just_drops_the_socket(
    start_server: Start, make_token: Callable[..., str]
) -> None:
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
        await client.send(json.dumps({"id": 1, "connect": {"token": _make_token(sub="42")}}))
        await replies(client)
        for number in range(2, 60):
            await client.send(json.dumps({"id": number, "rpc": {"method": "ok", "data": number}}))
        release.set()
        seen = [reply["id"] for reply in await take(client, 58)]
    assert seen == list(range(2, 60))


async def test_port_in_use_is_an_error_that_names_the_setting(start_server: Start) -> None:
    from cadenza.errors import ConfigurationError

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
