"""The shell: who may call, from where, with what, and what every answer looks like."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from cadenza.identity.app import IdentityApp
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import Request, Response

OWN = "http://127.0.0.1:54321"


@pytest.mark.parametrize("prefix", ["", "/auth/v1"])
async def test_the_endpoints_stand_under_each_prefix(prefix: str, provider: Any) -> None:
    assert (await provider.http.get(f"{prefix}/health")).status_code == 200


async def test_only_the_prefixes_configured_are_served(make_provider: Any) -> None:
    async with make_provider(path_prefixes=("/auth/v1",)) as provider:
        assert (await provider.http.get("/auth/v1/health")).status_code == 200
        assert (await provider.http.get("/health")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/health/", "//health", "/auth/v1", "/auth/v1/", "/auth/v1health", "/HEALTH", "/health%00"]
)
async def test_an_unknown_path_is_plain_text(path: str, provider: Any) -> None:
    answer = await provider.http.get(path)

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
async def test_a_wrong_method_names_the_right_ones(method: str, provider: Any) -> None:
    answer = await provider.http.request(method, "/user")

    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (405, b"", "DELETE, GET, PUT")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:54321", "localhost:1", "[::1]:54321", "[::1]", "LocalHost", "my.test:99"]
)
async def test_a_host_of_this_machine_is_answered(host: str, make_provider: Any) -> None:
    async with make_provider(allowed_hosts=("my.test",)) as provider:
        assert (await provider.http.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:54321", "", "localhost.evil.example", "[::2]", "]["],
)
async def test_a_name_that_was_made_to_resolve_here_is_not(host: str, provider: Any) -> None:
    answer = await provider.http.get("/health", headers={"Host": host})

    assert (answer.status_code, answer.text) == (421, "421 this host is not served here\n")


async def test_beyond_loopback_any_name_may_lead_here(make_provider: Any) -> None:
    async with make_provider(host="0.0.0.0", allow_beyond_loopback=True) as provider:  # noqa: S104 - never bound
        assert (await provider.http.get("/health", headers={"Host": "auth.example"})).status_code == 200


@pytest.mark.parametrize(
    ("allowed", "origin", "shown"),
    [
        (None, "http://localhost:3000", "http://localhost:3000"),
        (None, "https://127.0.0.1", "https://127.0.0.1"),
        (None, "http://[::1]:5173", "http://[::1]:5173"),
        (("*",), "https://anyone.example", "*"),
        (("https://app.example",), "https://app.example", "https://app.example"),
    ],
)
async def test_a_page_of_an_allowed_origin_may_call(
    allowed: tuple[str, ...] | None, origin: str, shown: str, make_provider: Any
) -> None:
    async with make_provider(allowed_origins=allowed) as provider:
        answer = await provider.http.get("/settings", headers={"Origin": origin})
        preflight = await provider.http.options(
            "/token?grant_type=password",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "apikey, Authorization,content-type",
            },
        )

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == shown
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == shown
    assert preflight.headers["Access-Control-Allow-Headers"] == "apikey, Authorization,content-type"


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        (None, "https://evil.example"),
        (None, "null"),
        (None, "http://localhost.evil.example"),
        (None, "http://127.0.0.1@evil.example"),
        (None, "file://localhost"),
        (None, "http://[bad"),
        (("https://app.example",), "https://app.example.evil"),
        (("https://app.example",), "http://app.example"),
        ((), "http://localhost:3000"),
    ],
)
async def test_a_page_of_another_origin_changes_nothing(
    allowed: tuple[str, ...] | None, origin: str, make_provider: Any
) -> None:
    async with make_provider(allowed_origins=allowed) as provider:
        body = {"email": "ann@example.com", "password": "correct horse 1"}
        answer = await provider.http.post("/signup", json=body, headers={"Origin": origin})
        preflight = await provider.http.options(
            "/signup", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )

        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Origin" not in preflight.headers
        assert not await provider.parts.users.exists("ann@example.com")


@pytest.mark.parametrize(
    "asked", [{"Access-Control-Request-Method": "TRACE"}, {"Access-Control-Request-Headers": "x-secret"}]
)
async def test_a_preflight_for_more_than_is_allowed_gets_no_permission(asked: dict[str, str], provider: Any) -> None:
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST", **asked}

    answer = await provider.http.options("/token", headers=headers)

    assert answer.status_code == 204
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_body_over_the_limit_is_refused_announced_or_not(make_provider: Any) -> None:
    async with make_provider(body_limit_bytes=100) as provider:

        async def drip() -> Any:
            for _ in range(10):
                yield b"x" * 20

        for body in (b"x" * 101, drip()):
            answer = await provider.http.post("/signup", content=body)
            assert (answer.status_code, answer.json()["error_code"]) == (413, "request_entity_too_large")


async def call(
    app: IdentityApp, messages: list[dict[str, Any]], receive: Any = None, **scope: Any
) -> list[dict[str, Any]]:
    """Drive the application by hand, where httpx is too well-behaved."""
    sent: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def give() -> dict[str, Any]:
        return next(waiting)

    async def send(message: Any) -> None:
        sent.append(dict(message))

    full: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/echo",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
    }
    async with asyncio.timeout(5):
        await app({**full, **scope}, receive or give, send)
    return sent


def echoing(config: IdentityConfig, seen: list[Request]) -> IdentityApp:
    async def echo(request: Request) -> Response:
        seen.append(request)
        return Response(body=request.body)

    return IdentityApp(config, {"/echo": {"POST": echo}})


async def test_a_client_that_leaves_in_the_middle_is_not_answered(config: IdentityConfig) -> None:
    seen: list[Request] = []
    half = {"type": "http.request", "body": b"ha", "more_body": True}

    assert await call(echoing(config, seen), [half, {"type": "http.disconnect"}]) == []
    assert seen == []


async def test_a_body_that_does_not_come_is_not_waited_for(data_dir: Any) -> None:
    seen: list[Request] = []
    app = echoing(IdentityConfig(data_dir=data_dir, body_deadline_seconds=0), seen)

    async def never() -> dict[str, Any]:
        forever: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        return await forever

    sent = await call(app, [], receive=never)

    assert sent[0]["status"] == 408
    assert b"request_timeout" in sent[1]["body"]
    assert seen == []


async def test_a_websocket_is_not_served(config: IdentityConfig) -> None:
    assert await call(echoing(config, []), [], type="websocket") == []


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ((), "127.0.0.1", "9.9.9.9", "127.0.0.1"),
        (("127.0.0.1",), "127.0.0.1", "9.9.9.9", "9.9.9.9"),
        (("127.0.0.1",), "127.0.0.1", "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (("127.0.0.1", "9.9.9.9"), "127.0.0.1", "1.1.1.1, 9.9.9.9", "1.1.1.1"),
        (("127.0.0.1",), "127.0.0.1", " , ", "127.0.0.1"),
        (("127.0.0.1",), "8.8.8.8", "9.9.9.9", "8.8.8.8"),
        (("127.0.0.1",), "127.0.0.1", "127.0.0.1", "127.0.0.1"),
    ],
)
async def test_a_forwarded_address_is_believed_only_from_listed_proxies(
    trusted: tuple[str, ...], peer: str, forwarded: str, address: str, data_dir: Any
) -> None:
    seen: list[Request] = []
    app = echoing(IdentityConfig(data_dir=data_dir, trusted_proxies=frozenset(trusted)), seen)
    headers = [(b"host", b"localhost"), (b"x-forwarded-for", forwarded.encode())]

    await call(app, [{"type": "http.request"}], headers=headers, client=(peer, 1))

    assert seen[0].address == address


async def test_of_a_repeated_header_the_first_counts_and_white_space_around_it_does_not(config: IdentityConfig) -> None:
    seen: list[Request] = []
    headers = [(b"host", b"localhost"), (b"authorization", b" Bearer a\t "), (b"Authorization", b"Bearer b")]

    await call(echoing(config, seen), [{"type": "http.request"}], headers=headers)

    assert seen[0].headers["authorization"] == "Bearer a"


async def test_hops_in_several_headers_are_one_list_so_that_the_proxys_own_counts(data_dir: Any) -> None:
    seen: list[Request] = []
    app = echoing(IdentityConfig(data_dir=data_dir, trusted_proxies=frozenset({"127.0.0.1"})), seen)
    headers = [(b"host", b"localhost"), (b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"9.9.9.9")]

    await call(app, [{"type": "http.request"}], headers=headers, client=("127.0.0.1", 1))

    assert seen[0].address == "9.9.9.9"


async def test_the_first_of_repeated_query_values_counts_and_an_absurd_query_is_none(config: IdentityConfig) -> None:
    seen: list[Request] = []
    app = echoing(config, seen)
    for query in (b"a=1&a=2&b=%zz&c", b"&".join(b"x%d=1" % n for n in range(60)), b"\xff=\xff"):
        await call(app, [{"type": "http.request"}], query_string=query)

    assert seen[0].query["a"] == "1"
    assert seen[1].query == {}
    assert len(seen) == 3


async def test_a_fault_of_ours_is_a_500_that_says_nothing(
    config: IdentityConfig, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(request: Request) -> Response:
        raise LookupError

    app = IdentityApp(config, {"/fail": {"POST": fail}})
    transport = httpx.ASGITransport(app)
    with caplog.at_level(logging.DEBUG):
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as http:
            answer = await http.post(
                "/fail", json={"password": "open sesame"}, headers={"Authorization": "Bearer eyJsecret"}
            )

    assert (answer.status_code, answer.json()["error_code"]) == (500, "unexpected_failure")
    assert "LookupError" in caplog.text
    assert "sesame" not in caplog.text
    assert "eyJsecret" not in caplog.text


async def test_what_is_private_is_never_kept_and_what_is_public_is(provider: Any) -> None:
    session = await provider.signed_up()
    user = await provider.http.get("/user", headers={"Authorization": f"bearer {session.access_token}"})
    keys = await provider.http.get("/.well-known/jwks.json")

    assert user.headers["Cache-Control"] == "no-store"
    assert keys.headers["Cache-Control"] == "public, max-age=600"
    for answer in (user, keys):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Vary"] == "Origin"
        assert "Set-Cookie" not in answer.headers
