"""Asking the identity provider: what is sent, and what every bad answer becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cadenza.client.auth.provider import HttpSignIn
from cadenza.errors import ConfigurationError, IdentityError, ProtocolError, TransportError
from cadenza.protocol.auth import LogoutScope

PASSWORD = "a-very-secret-password"


class Provider:
    """A raw HTTP server that answers each request with the same bytes, or never."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.requests: list[bytes] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/auth/v1"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        if self.answer is None:
            await reader.read()  # until the client gives up
        else:
            writer.write(self.answer)
        writer.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    await provider.start()
    async with asyncio.timeout(20):
        yield provider
    await provider.stop()


@pytest.fixture
async def sign_in(provider: Provider) -> AsyncIterator[HttpSignIn]:
    sign_in = HttpSignIn(provider.url, anon_key="anon-key", deadline_seconds=5, trust_environment=False)
    yield sign_in
    await sign_in.close()


async def test_the_publishable_key_goes_along_and_the_address_is_supabases(
    provider: Provider, sign_in: HttpSignIn
) -> None:
    provider.answer = http("400 Bad Request", b'{"code":"invalid_credentials","message":"Invalid login credentials"}')
    with pytest.raises(IdentityError) as caught:
        await sign_in.password("ann@example.com", PASSWORD)
    assert (caught.value.error_code, caught.value.status) == ("invalid_credentials", 400)
    [head] = provider.requests
    assert head.startswith(b"POST /auth/v1/token?grant_type=password HTTP/1.1")
    assert b"apikey: anon-key" in head


async def test_too_many_requests_says_how_long_to_wait(provider: Provider, sign_in: HttpSignIn) -> None:
    provider.answer = http("429 Too Many Requests", b"{}", "Retry-After: 17")
    with pytest.raises(IdentityError) as caught:
        await sign_in.refresh("r")
    assert (caught.value.temporary, caught.value.retry_after_seconds) == (True, 17)


@pytest.mark.parametrize(
    "body", [b"", b"<html>a portal</html>", b"{}", b'{"access_token":"S3CR3T"}', b"\xff", b"[" * 9999]
)
async def test_a_success_that_is_not_supabases_is_a_protocol_error_that_quotes_nothing(
    provider: Provider, sign_in: HttpSignIn, body: bytes
) -> None:
    provider.answer = http("200 OK", body)
    with pytest.raises(ProtocolError) as caught:
        await sign_in.refresh("r")
    assert "S3CR3T" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
async def test_a_redirect_is_not_followed_with_the_password(
    provider: Provider, sign_in: HttpSignIn, status: str
) -> None:
    provider.answer = http(status, b"", f"Location: {provider.url}/elsewhere")
    with pytest.raises(TransportError, match="something on the way to it"):
        await sign_in.password("ann@example.com", PASSWORD)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "status",
    ["302 Found", "303 See Other", "407 Proxy Authentication Required", "511 Network Authentication Required"],
)
async def test_what_a_network_or_a_proxy_says_is_no_word_on_the_session(
    provider: Provider, sign_in: HttpSignIn, status: str
) -> None:
    """A network that wants a sign-in of its own ends no session: the refresh is tried again, as in an outage."""
    provider.answer = http(status, b"<html>Welcome to the hotel</html>", "Location: https://portal.example/")
    with pytest.raises(TransportError) as caught:
        await sign_in.refresh("r")
    assert caught.value.temporary
    assert "hotel" not in str(caught.value)


async def test_an_answer_without_end_is_cut_off(provider: Provider, sign_in: HttpSignIn) -> None:
    provider.answer = http("200 OK", b" " * (2 * 1024 * 1024))
    with pytest.raises(ProtocolError, match="larger"):
        await sign_in.refresh("r")


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"])
async def test_a_broken_answer_is_a_transport_error_without_the_password(
    provider: Provider, sign_in: HttpSignIn, answer: bytes
) -> None:
    provider.answer = answer
    with pytest.raises(TransportError) as caught:
        await sign_in.password("ann@example.com", PASSWORD)
    assert caught.value.temporary
    assert caught.value.__cause__ is None
    assert PASSWORD not in str(caught.value)


async def test_no_answer_is_a_transport_error_at_the_deadline(provider: Provider) -> None:
    provider.answer = None
    sign_in = HttpSignIn(provider.url, deadline_seconds=0.05, trust_environment=False)
    with pytest.raises(TransportError):
        await sign_in.sign_out("token", LogoutScope.LOCAL)
    await sign_in.close()


async def test_nobody_listening_is_a_transport_error_that_names_the_address(provider: Provider) -> None:
    url = provider.url
    await provider.stop()
    sign_in = HttpSignIn(url, deadline_seconds=5, trust_environment=False)
    with pytest.raises(TransportError, match=url):
        await sign_in.user("token")
    await sign_in.close()


async def test_a_proxy_is_used_when_given(provider: Provider) -> None:
    provider.answer = http("200 OK", b"{}")
    proxy = provider.url.removesuffix("/auth/v1")
    sign_in = HttpSignIn("http://auth.example/auth/v1", deadline_seconds=5, proxy=proxy, trust_environment=False)
    with pytest.raises(ProtocolError):
        await sign_in.refresh("r")
    assert provider.requests[0].startswith(b"POST http://auth.example/auth/v1/token?grant_type=refresh_token")
    await sign_in.close()


async def test_a_proxy_that_cannot_be_used_is_a_setting_at_fault() -> None:
    sign_in = HttpSignIn("http://127.0.0.1:1", deadline_seconds=1, proxy="ftp://user:pass-word@x:1")
    with pytest.raises(ConfigurationError) as caught:
        await sign_in.refresh("r")
    assert caught.value.setting == "proxy"
    assert "pass-word" not in str(caught.value)


async def test_the_environments_proxy_counts_only_where_it_is_trusted(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    provider.answer = http("200 OK", b"{}")
    trusting = HttpSignIn("http://auth.example", deadline_seconds=5, trust_environment=True)
    with pytest.raises(TransportError):
        await trusting.refresh("r")
    plain = HttpSignIn(provider.url, deadline_seconds=5, trust_environment=False)
    with pytest.raises(ProtocolError):
        await plain.refresh("r")
    await trusting.close()
    await plain.close()


async def test_an_id_token_goes_to_the_token_endpoint_and_into_no_error(
    provider: Provider, sign_in: HttpSignIn
) -> None:
    provider.answer = http("400 Bad Request", b'{"error":"invalid request","error_description":"Bad ID token"}')
    with pytest.raises(IdentityError) as caught:
        await sign_in.id_token("google", "header.secret-payload.signature", None, "secret-nonce")
    [head] = provider.requests
    assert head.startswith(b"POST /auth/v1/token?grant_type=id_token HTTP/1.1")
    assert "secret" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"
