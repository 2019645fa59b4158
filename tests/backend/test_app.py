"""The backend over HTTP: the proxy endpoints behind their secret, health and readiness, and every bad request."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadenza.backend import SECRET_HEADER, Backend, BackendConfig
from cadenza.protocol import proxy
from cadenza.schema.auth import AuthSession

SECRET = "0123456789abcdef"
BASE = "http://127.0.0.1:8080"
GATEWAY = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
INFO = {"client": "c", "user": "", "method": "query.system.info", "data": {}}
JOIN = {"client": "c", "user": "ann", "channel": "market:ticker:PAPER:BTC/USDT", "meta": {"session_id": "s1"}}


@pytest.fixture
async def http(backend: Backend) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=backend.app, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def test_an_rpc_is_answered_as_centrifugo_expects(http: httpx.AsyncClient) -> None:
    answer = await http.post("/proxy/rpc", json=INFO, headers=GATEWAY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    response = proxy.decode_rpc_response(answer.content)
    assert response.result is not None
    assert json.loads(bytes(response.result.data))["data"]["name"] == "Cadenza"


async def test_a_subscription_is_answered_as_centrifugo_expects(http: httpx.AsyncClient) -> None:
    answer = await http.post("/proxy/subscribe", json=JOIN, headers=GATEWAY)
    response = proxy.decode_subscribe_response(answer.content)
    assert response.result is not None
    assert json.loads(bytes(response.result.data))["symbol"] == "BTC/USDT"
    answer = await http.post("/proxy/subscribe", json=JOIN | {"user": ""}, headers=GATEWAY)
    assert answer.json() == {"error": {"code": 103, "message": "permission denied"}}


async def test_http_and_in_process_answers_are_the_same(http: httpx.AsyncClient, backend: Backend) -> None:
    for request in (
        proxy.RpcRequest(client="c", user="ann", method="query.ticker.list", data=msgspec.Raw(b"{}")),
        proxy.RpcRequest(client="c", user="", method="query.ticker.list"),
        proxy.RpcRequest(client="c", user="ann", method="no.such"),
    ):
        answer = await http.post("/proxy/rpc", content=proxy.encode_rpc_request(request), headers=GATEWAY)
        direct = await backend.handlers.rpc(request, proxy.Peer())
        assert answer.content == proxy.encode_rpc_response(direct)


@pytest.mark.parametrize("path", ["/proxy/rpc", "/proxy/subscribe"])
@pytest.mark.parametrize(
    "headers",
    [{}, {SECRET_HEADER: ""}, {SECRET_HEADER: SECRET[:-1]}, {SECRET_HEADER: SECRET + "0"}, {SECRET_HEADER: "é" * 16}],
    ids=["missing", "empty", "short", "long", "not ascii"],
)
async def test_without_the_secret_nothing_is_done_whatever_the_body(
    http: httpx.AsyncClient, provider: Any, path: str, headers: dict[str, str]
) -> None:
    login = {"client": "c", "method": "command.auth.login", "data": {"email": "a@b.c", "password": "p"}}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for body in (json.dumps(login).encode(), b"garbage"):
        answer = await http.post(path, content=body, headers=encoded)
        assert answer.status_code == 401
        assert SECRET not in answer.text
    assert provider.calls == []


async def test_without_a_configured_secret_there_are_no_proxy_endpoints(backend: Backend, time: Any) -> None:
    from cadenza.backend.app import App

    app = App(
        BackendConfig(), backend.handlers, parts=backend.parts, clock=time, on_sessions_ended=backend.revocations.end
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
        for secret in ("", "None", SECRET):
            answer = await client.post("/proxy/rpc", json=INFO, headers={SECRET_HEADER: secret})
            assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/proxy/rpc", "/proxy/subscribe"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"client":5}', b"{}", b"[" * 100_000],
    ids=["empty", "cut", "array", "null", "text", "bytes", "wrong type", "no client", "deep"],
)
async def test_a_body_that_is_no_proxy_request_is_400(http: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await http.post(path, content=body, headers=GATEWAY)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert len(answer.content) < 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "x"])
async def test_another_content_type_is_415(http: httpx.AsyncClient, kind: str) -> None:
    answer = await http.post("/proxy/rpc", content=json.dumps(INFO), headers=GATEWAY | {"Content-Type": kind})
    assert answer.status_code == 415


async def test_content_type_may_name_a_charset_or_be_absent(http: httpx.AsyncClient) -> None:
    for kind in ({"Content-Type": "Application/JSON; charset=utf-8"}, {}):
        answer = await http.post("/proxy/rpc", content=json.dumps(INFO), headers={SECRET_HEADER: SECRET} | kind)
        assert answer.status_code == 200


async def test_a_body_over_the_limit_is_413_announced_or_not(http: httpx.AsyncClient, config: BackendConfig) -> None:
    large = json.dumps(INFO | {"data": "x" * config.max_body_bytes}).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    assert (await http.post("/proxy/rpc", content=large, headers=GATEWAY)).status_code == 413
    assert (await http.post("/proxy/rpc", content=in_pieces(), headers=GATEWAY)).status_code == 413
    within = json.dumps(INFO | {"data": {"x": "x" * (config.max_body_bytes - 500)}}).encode()
    assert (await http.post("/proxy/rpc", content=within, headers=GATEWAY)).status_code == 200


@pytest.mark.parametrize(("length", "status"), [("9" * 5_000, 413), ("-1", 400), ("ten", 400)])
async def test_a_content_length_that_lies_is_refused(http: httpx.AsyncClient, length: str, status: int) -> None:
    answer = await http.post("/proxy/rpc", content=json.dumps(INFO), headers=GATEWAY | {"Content-Length": length})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/proxy/rpc", 405, "POST"),
        ("PUT", "/proxy/subscribe", 405, "POST"),
        ("POST", "/health", 405, "GET, HEAD"),
        ("DELETE", "/ready", 405, "GET, HEAD"),
        ("GET", "/", 404, None),
        ("POST", "/proxy/rpc/", 404, None),
        ("POST", "/proxy/connect", 404, None),
        ("GET", "/health/../proxy", 404, None),
    ],
)
async def test_wrong_methods_and_paths_are_refused(
    http: httpx.AsyncClient, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await http.request(method, path, headers=GATEWAY)
    assert (answer.status_code, answer.headers.get("Allow")) == (status, allow)


async def test_a_browser_is_sent_away_even_with_the_secret(http: httpx.AsyncClient) -> None:
    answer = await http.post("/proxy/rpc", json=INFO, headers=GATEWAY | {"Origin": "http://127.0.0.1:8080"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8080", True),
        ("LOCALHOST:8080", True),
        ("[::1]:8080", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8080", False),
        ("[::1].evil.example", False),
        ("localhost:80@evil.example", False),
        ("", False),
        ("[", False),
    ],
)
async def test_only_listed_hosts_are_served_on_loopback_too(http: httpx.AsyncClient, host: str, served: bool) -> None:  # noqa: FBT001 - a parameter of a test
    for path in ("/health", "/ready"):
        answer = await http.get(path, headers={"Host": host})
        assert (answer.status_code != 421) is served


async def test_health_is_the_contracts_and_says_nothing_else(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health")
    assert answer.status_code == 200
    assert answer.json() | {"version": "x"} == {
        "status": "healthy",
        "timestamp": 1_795_438_037_125,
        "isoDateTime": "2026-11-23T12:47:17.125Z",
        "version": "x",
    }


async def test_ready_is_503_until_all_parts_run_and_names_the_one_that_does_not(
    http: httpx.AsyncClient, backend: Backend
) -> None:
    assert (await http.get("/ready")).status_code == 503
    async with backend:
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
        await backend.venues[0].stop()
        answer = await http.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unhealthy",
        "checks": {"venue:PAPER": {"status": "unhealthy"}, "feed": {"status": "healthy"}},
    }


async def test_what_another_part_is_to_blame_for_is_named_and_does_not_make_it_unready(
    config: BackendConfig, publisher: Any, provider: Any, verifier: Any, sockets: Any
) -> None:
    trouble = ["ConnectError"]
    backend = Backend(
        config,
        publisher=publisher,
        identity=provider,
        verifier=verifier,
        sockets=sockets,
        publishing=lambda: trouble[0],
    )
    async with backend, httpx.AsyncClient(transport=httpx.ASGITransport(app=backend.app), base_url=BASE) as http:
        answer = await http.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["checks"]["publisher"] == {"status": "degraded", "reason": "ConnectError"}
        trouble[0] = ""
        assert (await http.get("/ready")).json()["checks"]["publisher"] == {"status": "healthy"}


async def test_before_it_stops_it_is_unready_and_answers_everything_on_connections_that_are_not_kept(
    http: httpx.AsyncClient, backend: Backend
) -> None:
    async with backend:
        assert "Connection" not in (await http.post("/proxy/rpc", json=INFO, headers=GATEWAY)).headers
        backend.app.intake.leave()
        answer = await http.post("/proxy/rpc", json=INFO, headers=GATEWAY)
        assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
        answer = await http.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
    assert answer.json()["checks"]["calls"] == {"status": "unhealthy", "reason": "the backend is stopping"}
    assert (await http.get("/health")).status_code == 200


async def test_when_it_stops_calls_under_way_are_answered_and_no_others(
    http: httpx.AsyncClient, backend: Backend, provider: Any
) -> None:
    asked, answering = asyncio.Event(), asyncio.Event()

    async def slow(email: str, password: str, *, address: str = "") -> AuthSession:
        asked.set()
        await answering.wait()
        return AuthSession(access_token="at", refresh_token="rt")

    provider.login = slow
    login = {"client": "c", "method": "command.auth.login", "data": {"email": "a@b.c", "password": "right-password"}}
    under_way = asyncio.create_task(http.post("/proxy/rpc", json=login, headers=GATEWAY))
    await asked.wait()
    closing = asyncio.create_task(backend.app.intake.close(timeout_seconds=5))
    await asyncio.sleep(0)
    for path, body in (("/proxy/rpc", INFO), ("/proxy/subscribe", JOIN)):
        refused = await http.post(path, json=body, headers=GATEWAY)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert not closing.done()
    answering.set()
    answer = await under_way
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
    assert "refreshToken" in answer.text
    assert await closing == 0


async def test_while_the_proxy_secret_is_replaced_both_are_taken_and_no_third(backend: Backend, time: Any) -> None:
    from cadenza.backend.app import App

    config = BackendConfig(proxy_secret="f" * 16, previous_proxy_secret=SECRET)
    app = App(config, backend.handlers, parts=backend.parts, clock=time, on_sessions_ended=backend.revocations.end)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
        for secret, status in ((SECRET, 200), ("f" * 16, 200), ("0" * 16, 401), ("", 401)):
            answer = await client.post("/proxy/rpc", json=INFO, headers={SECRET_HEADER: secret})
            assert answer.status_code == status


async def test_the_forwarded_address_is_believed_only_from_listed_proxies(
    config: BackendConfig, provider: Any, backend: Backend, time: Any
) -> None:
    from cadenza.backend.app import App

    login = {"client": "c", "method": "command.auth.login", "data": {"email": "a@b.c", "password": "right-password"}}
    forwarded = GATEWAY | {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    for trusted in ((), ("127.0.0.1",)):
        listed = BackendConfig(proxy_secret=config.proxy_secret, trusted_proxies=trusted)
        app = App(listed, backend.handlers, parts=backend.parts, clock=time, on_sessions_ended=backend.revocations.end)
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 5))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            await client.post("/proxy/rpc", json=login, headers=forwarded)
    assert [call[-1] for call in provider.calls] == ["", "203.0.113.9"]


async def test_a_gateway_that_hangs_up_in_the_middle_gets_400(backend: Backend) -> None:
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b'{"cl', "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (SECRET_HEADER.lower().encode(), SECRET.encode())]
    scope = {"type": "http", "method": "POST", "path": "/proxy/rpc", "headers": headers, "client": None}
    await backend.app(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_lifespan_and_websockets_are_answered_politely(backend: Backend) -> None:
    sent: list[str] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await backend.app({"type": "lifespan"}, receive, send)
    await backend.app({"type": "websocket", "path": "/"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=st.binary(max_size=100), path=st.sampled_from(["/proxy/rpc", "/proxy/subscribe"]))
async def test_no_body_can_break_it(http: httpx.AsyncClient, body: bytes, path: str) -> None:
    answer = await http.post(path, content=body, headers=GATEWAY)
    assert answer.status_code in {200, 400}
