"""The listener that a browser comes back to, and everything else that may knock there (rows G1, E9)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from cadenza.client.auth import landing
from cadenza.client.auth.loopback import Loopback, listen
from cadenza.errors import ConfigurationError, DeadlineExceededError

STATE = "s" * 32
CODE = "5c9ec4d2-0000-4000-8000-00000000c0de"


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def addresses(*ports: int) -> tuple[str, ...]:
    return tuple(f"http://127.0.0.1:{port}/callback" for port in ports)


class Knocker:
    """Sends what no browser would."""

    def __init__(self, waiting: Loopback, port: int) -> None:
        self.waiting = waiting
        self.port = port

    async def send(self, raw: bytes, *, hang_up: bool = False) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(raw)
            if hang_up:
                writer.write_eof()
            return (await reader.read()).decode()
        except ConnectionResetError:
            return ""
        finally:
            writer.close()

    async def get(self, target: str, *headers: str, host: str = "", method: str = "GET") -> str:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", *headers]
        return await self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def still_waits(self) -> None:
        """The real browser is served after all that, with the page it should see."""
        page = await self.get(f"/callback?code={CODE}&state={STATE}")
        assert page.startswith("HTTP/1.1 200 OK")
        assert (await self.waiting.wait(5)).endswith(f"?code={CODE}&state={STATE}")


@pytest.fixture
async def knocker() -> AsyncIterator[Knocker]:
    (port,) = free_ports(1)
    waiting = await listen(addresses(port), STATE)
    async with asyncio.timeout(20):
        yield Knocker(waiting, port)
    await waiting.close()


async def test_the_browser_is_told_that_the_page_can_be_closed_and_nothing_else(knocker: Knocker) -> None:
    page = await knocker.get(f"/callback?code={CODE}&state={STATE}")
    callback = await knocker.waiting.wait(5)
    assert callback == f"http://127.0.0.1:{knocker.port}/callback?code={CODE}&state={STATE}"
    assert "You can close this page" in page
    assert CODE not in page
    assert STATE not in page
    for header in ("Cache-Control: no-store", "Referrer-Policy: no-referrer", "default-src 'none'"):
        assert header in page


async def test_a_refusal_by_the_provider_ends_the_wait_too(knocker: Knocker) -> None:
    page = await knocker.get(f"/callback?error=access_denied&error_description=no&state={STATE}")
    assert "refused" in page
    assert "access_denied" in await knocker.waiting.wait(5)


@pytest.mark.parametrize(
    "target",
    [
        f"/callback?code={CODE}",
        f"/callback?code={CODE}&state=",
        f"/callback?code={CODE}&state={'t' * 32}",
        f"/callback?code={CODE}&state={STATE}x",
        f"/callback?state={STATE}",
        f"/callback?access_token=a&refresh_token=b&expires_in=1&expires_at=1&state={STATE}",
        "/callback?error=access_denied",
    ],
)
async def test_a_code_that_belongs_to_no_flow_does_not_end_the_wait(knocker: Knocker, target: str) -> None:
    assert (await knocker.get(target)).startswith("HTTP/1.1 400")
    await knocker.still_waits()


@pytest.mark.parametrize(
    "target", ["/", "/favicon.ico", "/callback/", "/callback/../callback", "/Callback", "//callback"]
)
async def test_other_paths_are_not_found(knocker: Knocker, target: str) -> None:
    assert (await knocker.get(f"{target}?code={CODE}&state={STATE}")).startswith("HTTP/1.1 404")
    await knocker.still_waits()


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", "[::1]:{port}"],
)
async def test_a_name_that_was_rebound_to_this_machine_is_refused(knocker: Knocker, host: str) -> None:
    answer = await knocker.get(f"/callback?code={CODE}&state={STATE}", host=host.format(port=knocker.port))
    assert answer.startswith("HTTP/1.1 421")
    await knocker.still_waits()


@pytest.mark.parametrize(
    "header",
    [
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Mode: no-cors",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: image",
        "Sec-Fetch-Dest: iframe",
        "Sec-Fetch-Dest: empty",
    ],
)
async def test_what_another_page_sends_is_forbidden(knocker: Knocker, header: str) -> None:
    assert (await knocker.get(f"/callback?code={CODE}&state={STATE}", header)).startswith("HTTP/1.1 403")
    await knocker.still_waits()


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "PUT"])
async def test_only_get_is_answered(knocker: Knocker, method: str) -> None:
    answer = await knocker.get(f"/callback?code={CODE}&state={STATE}", method=method)
    assert answer.startswith("HTTP/1.1 405")
    await knocker.still_waits()


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET /callback\r\n\r\n",
        b"GET /callback HTTP/2\r\n\r\n",
        b"GET http://127.0.0.1/callback HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET /callback HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: yes\r\n\r\n",
        b"GET /callback HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused(knocker: Knocker, raw: bytes) -> None:
    assert (await knocker.send(raw)).split(" ")[1] in {"400", "421"}
    await knocker.still_waits()


async def test_an_endless_head_is_cut_off(knocker: Knocker) -> None:
    answer = await knocker.send(b"GET /callback HTTP/1.1\r\nCookie: " + b"x" * 200_000)
    assert answer == "" or answer.startswith("HTTP/1.1 431")
    await knocker.still_waits()


async def test_a_client_that_hangs_up_costs_nothing(knocker: Knocker) -> None:
    assert await knocker.send(b"GET /callback", hang_up=True) == ""
    await knocker.still_waits()


async def test_a_slow_client_neither_holds_up_the_browser_nor_stays() -> None:
    (port,) = free_ports(1)
    waiting = Loopback(addresses(port)[0], STATE, head_seconds=0.2)
    await waiting.open()
    slow = Knocker(waiting, port)
    stuck = asyncio.create_task(slow.send(b"GET /callb"))
    await slow.still_waits()
    assert await stuck == ""  # it was hung up on
    await waiting.close()


async def test_the_second_callback_finds_nobody(knocker: Knocker) -> None:
    await knocker.still_waits()
    await knocker.waiting.close()
    with pytest.raises(ConnectionRefusedError):
        await knocker.get(f"/callback?code={CODE}&state={STATE}")


async def test_two_callbacks_at_the_same_moment_are_one(knocker: Knocker) -> None:
    target = f"/callback?code={CODE}&state={STATE}"
    reader, writer = await asyncio.open_connection("127.0.0.1", knocker.port)  # accepted before the first is served
    await knocker.still_waits()
    writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{knocker.port}\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 410")
    writer.close()


async def test_the_first_free_port_is_taken_and_three_taken_ones_are_an_error() -> None:
    ports = free_ports(3)
    waiting = [await listen(addresses(*ports), STATE) for _ in ports]
    assert [each.redirect for each in waiting] == list(addresses(*ports))
    with pytest.raises(ConfigurationError, match=str(ports[1])):
        await listen(addresses(*ports), STATE)
    await waiting[1].close()
    again = await listen(addresses(*ports), STATE)
    assert again.redirect == addresses(*ports)[1]
    for each in (*waiting, again):
        await each.close()


async def test_a_browser_that_does_not_come_back_is_waited_for_until_the_deadline(knocker: Knocker) -> None:
    with pytest.raises(DeadlineExceededError, match="did not come back"):
        await knocker.waiting.wait(0.05)
    await knocker.still_waits()


async def test_cancelling_the_wait_frees_the_port() -> None:
    (port,) = free_ports(1)
    waiting = await listen(addresses(port), STATE)
    task = asyncio.create_task(waiting.wait(60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await waiting.close()
    await waiting.close()
    await (await listen(addresses(port), STATE)).close()


def test_no_answer_quotes_what_came_in() -> None:
    head = f"GET /callback?code={CODE}&state={STATE}&x=%3Cscript%3E HTTP/1.1\r\nHost: 127.0.0.1:5\r\n\r\n".encode()
    answer = landing.judge(head, port=5, path="/callback", state=STATE)
    assert answer.callback
    for text in (CODE, STATE, "script%3E"):
        assert text.encode() not in landing.encode(answer)
