"""A peer that sends an endless head, or none, or half a body, is not waited for and costs no memory."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import cast

import pytest

from cadenza.identity import IdentityConfig, IdentityServer, bounded_http
from cadenza.identity.bounded_http import BoundedHttp
from cadenza.identity.coalescing import Coalescing

DEADLINE_SECONDS = 20
LIMIT = BoundedHttp.head_limit_bytes
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def server(config: IdentityConfig) -> AsyncIterator[IdentityServer]:
    async with IdentityServer(dataclasses.replace(config, port=0)) as server:
        yield server


@contextlib.asynccontextmanager
async def connected(server: IdentityServer) -> AsyncIterator[Streams]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield reader, writer
        finally:
            writer.close()


def get(server: IdentityServer, *headers: str) -> bytes:
    lines = ("GET /health HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.mark.parametrize("filler", [b"X: 1\r\n", b"X" * 1024, b"X: " + b"1" * 1021])
async def test_a_head_without_end_is_cut_off(filler: bytes, server: IdentityServer) -> None:
    async with connected(server) as (reader, writer):
        with contextlib.suppress(ConnectionError):  # the server closes while we may still be writing
            writer.write(get(server)[:-2])
            for _ in range(8 * LIMIT // len(filler)):
                writer.write(filler)
                await writer.drain()
            assert b"HTTP/1.1 200 " not in await reader.read()  # and it ends


async def test_a_head_over_the_limit_is_answered_431(server: IdentityServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "head_limit_bytes", 100)
    async with connected(server) as (reader, writer):
        writer.write(get(server) + b"GET /health HTTP/1.1\r\nX: ")
        await reader.readuntil(b"}")  # so the second head's beginning has been read too
        writer.write(b"1" * 101)

        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("begun", [b"", b"G", b"\r\n", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    begun: bytes, server: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHttp, "deadline_seconds", 0.05)
    async with connected(server) as (reader, writer):
        writer.write(begun)

        assert await reader.read() == b""


async def test_nor_is_a_second_one(server: IdentityServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(server) as (reader, writer):
        writer.write(get(server))
        await reader.readuntil(b"}")
        monkeypatch.setattr(BoundedHttp, "deadline_seconds", 0.05)
        writer.write(b"G")

        assert await reader.read() == b""


async def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for(
    server: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedHttp, "deadline_seconds", 0.05)
    async with connected(server) as (reader, writer):
        writer.write(get(server, "Content-Length: 1000").replace(b"GET /health", b"POST /nowhere") + b"{")

        assert (await reader.read()).startswith(b"HTTP/1.1 404 ")


async def test_requests_one_after_another_and_in_one_go_are_answered(server: IdentityServer) -> None:
    async with connected(server) as (reader, writer):
        for _ in range(3):
            writer.write(get(server) * 2)
            for _ in range(2):
                assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")


async def test_a_body_longer_than_a_head_may_be_is_read(server: IdentityServer) -> None:
    body = b'{"email":"nobody@example.com","password":"x","other":"' + b"y" * (3 * LIMIT) + b'"}'
    head = get(server, f"Content-Length: {len(body)}").replace(b"GET /health", b"POST /token?grant_type=password")
    async with connected(server) as (reader, writer):
        writer.write(head + body)

        assert b"Invalid login credentials" in await reader.readuntil(b"}")


async def test_head_and_body_of_an_answer_are_one_write(
    server: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []

    class Tap:
        def __init__(self, transport: asyncio.Transport) -> None:
            self.transport = transport

        def __getattr__(self, name: str) -> object:
            return getattr(self.transport, name)

        def write(self, data: bytes) -> None:
            writes.append(data)
            self.transport.write(data)

    def tapped(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> Coalescing:
        return Coalescing(cast("asyncio.Transport", Tap(transport)), loop)

    monkeypatch.setattr(bounded_http, "Coalescing", tapped)
    async with connected(server) as (reader, writer):
        for _ in range(3):
            writer.write(get(server))
            await reader.readuntil(b"}")
    assert len(writes) == 3
    assert all(write.startswith(b"HTTP/1.1 200 ") and write.endswith(b"}") for write in writes)
