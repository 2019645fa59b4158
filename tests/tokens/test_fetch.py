"""Fetching a key set over HTTP: which addresses, which answers, how long they may be kept."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.tokens.kit import DEADLINE, Clock, key_for

from cadenza.errors import ConfigurationError, KeysUnavailableError, ProtocolError
from cadenza.tokens.jwks import MAX_BODY_BYTES, FetchedKeys, RemoteKeySet, http_fetch

URL = "https://provider.example/auth/v1/.well-known/jwks.json"


class Chunks(httpx.AsyncByteStream):
    """A body that counts how much of it was asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.count):
            self.given += 1
            yield b" " * 1024


async def fetch(answer: httpx.Response, url: str = URL) -> FetchedKeys:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        return await http_fetch(url, client)()


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://127.0.0.1:54321/auth/v1/.well-known/jwks.json",
        "http://127.9.9.9/jwks",
        "http://[::1]:1/jwks",
        "http://localhost/jwks",
    ],
)
async def test_https_anywhere_and_http_on_this_machine(url: str) -> None:
    assert (await fetch(httpx.Response(200, content=b"{}"), url)).body == b"{}"


@pytest.mark.parametrize(
    "url",
    [
        "http://provider.example/jwks",
        "http://10.0.0.1/jwks",
        "http://localhost.evil.example/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "http://127.0.0.1@evil.example/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "/jwks",
        "https://",
        "",
        "http://[::1",
        "https://a\x00b/",
    ],
)
async def test_any_other_address_is_a_configuration_error(url: str) -> None:
    """Row F1: https-only. Found at the start, not at the first token."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        with pytest.raises(ConfigurationError) as caught:
            http_fetch(url, client)
    assert caught.value.setting == "jwks_url"


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 401, 403, 404, 429, 500, 502, 503])
async def test_any_answer_but_200_is_an_error(status: int) -> None:
    headers = {"Location": "https://elsewhere.example/jwks"}
    with pytest.raises(ProtocolError, match=str(status)):
        await fetch(httpx.Response(status, content=b'{"keys":[]}', headers=headers))


async def test_a_redirect_is_not_followed_even_if_the_client_would() -> None:
    """RFC 8725 section 2.9: nobody but the configuration says where keys come from."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/jwks"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True) as client:
        with pytest.raises(ProtocolError):
            await http_fetch(URL, client)()
    assert asked == ["provider.example"]


async def test_an_oversized_body_is_given_up_while_it_arrives() -> None:
    """Row F1: size cap."""
    endless = Chunks(10_000)
    with pytest.raises(ProtocolError, match=str(MAX_BODY_BYTES)):
        await fetch(httpx.Response(200, stream=endless))
    assert endless.given == MAX_BODY_BYTES // 1024 + 1


async def test_a_body_of_just_the_limit_is_taken() -> None:
    assert len((await fetch(httpx.Response(200, stream=Chunks(MAX_BODY_BYTES // 1024)))).body) == MAX_BODY_BYTES


async def test_a_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    with pytest.raises(ProtocolError, match="compressed"):
        await fetch(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(bomb)))


@pytest.mark.parametrize(
    ("headers", "max_age"),
    [
        ({}, None),
        ({"Cache-Control": "public, max-age=600"}, 600),  # Supabase's, as recorded
        ({"Cache-Control": "public"}, None),
        ({"Cache-Control": 'MAX-AGE="60"'}, 60),
        ({"Cache-Control": "max-age=600, max-age=60"}, 60),
        ({"Cache-Control": "no-store"}, 0),
        ({"Cache-Control": "max-age=600, no-cache"}, 0),
        ({"Cache-Control": "max-age=forever"}, 0),
        ({"Cache-Control": "max-age=-1"}, 0),
        ({"Cache-Control": "max-age="}, 0),
        ({"Cache-Control": "max-age=\u00b2"}, 0),
        ({"Cache-Control": "max-age=" + "9" * 400}, 9_999_999_999),
        ({"Cache-Control": "s-maxage=5"}, None),
        ({"Cache-Control": "max-age=600", "Age": "500"}, 100),
        ({"Cache-Control": "max-age=600", "Age": "601"}, 0),
        ({"Cache-Control": "max-age=600", "Age": "old"}, 600),
        ({"Age": "500"}, None),
        ([("Cache-Control", "max-age=600"), ("Cache-Control", "max-age=30")], 30),
    ],
)
async def test_cache_control_says_how_long_it_may_be_kept(
    headers: dict[str, str] | list[tuple[str, str]], max_age: float | None
) -> None:
    """RFC 9111 section 4.2; row A2."""
    fields = headers.items() if isinstance(headers, dict) else headers
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    assert (await fetch(httpx.Response(200, headers=raw, content=b"{}"))).max_age == max_age


async def test_the_request_says_what_it_wants_and_carries_nothing_else() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b"{}")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await http_fetch(URL, client)()
    assert (seen[0].method, str(seen[0].url)) == ("GET", URL)
    assert seen[0].headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in seen[0].headers


async def test_a_key_set_over_a_real_socket() -> None:
    """The whole way: a provider on loopback, which then goes away."""
    document = f'{{"keys":[{httpx.Response(200, json=key_for().public_jwk()).text}]}}'.encode()
    head = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head % len(document) + document)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    clock = Clock()
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(trust_env=False) as client:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        keys = RemoteKeySet(http_fetch(f"http://127.0.0.1:{port}/jwks", client), clock=clock)
        async with server:
            held = await keys.find("key-1")
        assert keys.believed.until == clock() + 60
        clock.advance(60)
        assert await keys.find("key-1") is held
        with pytest.raises(KeysUnavailableError) as caught:
            await keys.find("key-2")
        assert isinstance(caught.value.__cause__, httpx.ConnectError)
        await keys.aclose()
