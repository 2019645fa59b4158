"""`cadenza backend serve` as a program: where it is, what is missing, and a stop that loses nothing accepted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from tests.stack.neighbours import INFO, LOGIN, Neighbours, shown

from .conftest import DEADLINE_SECONDS, CommandLine

KEY, SECRET = "key-of-the-server-api", "secret-between-the-two"

Child = asyncio.subprocess.Process
Start = Callable[..., Awaitable[Child]]


@pytest.fixture
async def around() -> AsyncIterator[Neighbours]:
    neighbours = Neighbours(KEY)
    async with neighbours.serving():
        yield neighbours


@pytest.fixture
async def start(program: list[str], environment: dict[str, str], around: Neighbours) -> AsyncIterator[Start]:
    """Start it between its neighbours, on a free port."""
    started: list[Child] = []

    async def serve(*options: str, environ: Mapping[str, str] | None = None) -> Child:
        child = await asyncio.create_subprocess_exec(
            *program,
            "backend",
            "serve",
            *options,
            env={
                **environment,
                **around.environment(api_key=KEY, proxy_secret=SECRET),
                "PORT": "0",
                **(environ or {}),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(child)
        return child

    yield serve
    for child in started:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE_SECONDS) as client:
        yield client


async def announced(child: Child) -> dict[str, Any]:
    assert child.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        line = await child.stdout.readline()
        assert line, (await child.communicate())[1].decode()
    up: dict[str, Any] = json.loads(line)
    return up


async def ended(child: Child) -> tuple[int | None, str]:
    """Exit code and what it said on stderr."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        _, said = await child.communicate()
    return child.returncode, said.decode()


async def test_it_says_where_it_answers_and_answers_there(start: Start, http: httpx.AsyncClient) -> None:
    up = await announced(await start("--json", "--pace", "0"))
    assert (up["warnings"], up["missing"]) == ([], {})
    assert (await http.get(up["jwksUrl"])).json()["keys"]
    assert (await http.get(up["readyUrl"])).json()["status"] == "healthy"
    answer = await http.post(up["rpcUrl"], json=INFO, headers=shown(SECRET))
    assert answer.json()["result"]["data"]["data"]["name"] == "Cadenza"


async def test_a_person_is_told_what_to_tell_centrifugo_and_what_is_missing(start: Start) -> None:
    child = await start(environ={"SUPABASE_URL": "http://127.0.0.1:9"})
    assert child.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        lines = (await child.stdout.readuntil(b"centrifugo.json\n")).decode()
    child.send_signal(signal.SIGTERM)
    code, said = await ended(child)
    assert "RPC proxy          http://127.0.0.1:" in lines
    assert "gateway config --backend-url http://127.0.0.1:" in lines
    assert "Missing: keys (unreachable)" in said
    assert (code, SECRET in lines + said, KEY in lines + said) == (0, False, False)


async def test_what_is_not_set_is_told_at_once_and_all_of_it(cadenza: CommandLine) -> None:
    ran = cadenza("backend", "serve", environ={"SUPABASE_URL": "http://127.0.0.1:9"})
    assert ran.code == 2
    assert "CADENZA_WS_URL, CADENZA_API_KEY, CADENZA_PROXY_SECRET are not set" in ran.err


async def test_beyond_loopback_it_listens_only_under_a_name(
    cadenza: CommandLine, start: Start, around: Neighbours, http: httpx.AsyncClient
) -> None:
    everywhere = ("--host", "0.0.0.0")  # noqa: S104 - what is tried
    environ = around.environment(api_key=KEY, proxy_secret=SECRET)
    refused = cadenza("backend", "serve", *everywhere, environ=environ)
    assert (refused.code, "--allowed-host" in refused.err) == (2, True)

    up = await announced(await start("--json", "--pace", "0", *everywhere, "--allowed-host", "backend.internal"))
    port = up["rpcUrl"].removeprefix("http://backend.internal:").partition("/")[0]
    assert "CADENZA_TRUSTED_PROXIES" in up["warnings"][0]
    for name, status in ((f"backend.internal:{port}", 200), ("rebound.example", 421)):
        assert (await http.get(f"http://127.0.0.1:{port}/health", headers={"Host": name})).status_code == status


async def test_sigterm_in_the_middle_of_a_call_makes_it_unready_answers_the_call_and_ends_with_0(
    start: Start, around: Neighbours, http: httpx.AsyncClient
) -> None:
    child = await start("--json", "--pace", "0")
    up = await announced(child)
    around.answering.clear()
    under_way = asyncio.create_task(http.post(up["rpcUrl"], json=LOGIN, headers=shown(SECRET)))
    await around.asked.wait()
    child.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert child.stderr is not None
        assert (await child.stderr.readline()).startswith(b"Stopping")
        while (ready := await http.get(up["readyUrl"])).status_code == 200:
            pass
    assert ready.json()["checks"]["calls"]["reason"] == "the backend is stopping"
    assert (await http.get(up["readyUrl"].replace("/ready", "/health"))).status_code == 200
    assert (await http.post(up["rpcUrl"], json=INFO, headers=shown(SECRET))).status_code == 503
    assert not under_way.done()

    around.answering.set()
    answer = await under_way
    assert (answer.status_code, answer.json()["result"]["data"]["error"]["code"]) == (200, 26002)
    assert await ended(child) == (0, "Stopped.\n")


async def test_while_it_drains_it_is_unready_and_answers_everything(start: Start, http: httpx.AsyncClient) -> None:
    child = await start("--json", "--pace", "0", "--drain", "3600")
    up = await announced(child)
    child.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (await http.get(up["readyUrl"])).status_code == 200:
            pass
    assert (await http.post(up["rpcUrl"], json=INFO, headers=shown(SECRET))).status_code == 200
    child.send_signal(signal.SIGTERM)
    code, said = await ended(child)
    assert (code, "Ended at once" in said, "Traceback" in said) == (130, True, False)


async def test_a_second_signal_waits_for_no_call(start: Start, around: Neighbours, http: httpx.AsyncClient) -> None:
    child = await start("--json", "--pace", "0")
    up = await announced(child)
    around.answering.clear()
    under_way = asyncio.create_task(http.post(up["rpcUrl"], json=LOGIN, headers=shown(SECRET)))
    await around.asked.wait()
    assert child.stderr is not None
    child.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert (await child.stderr.readline()).startswith(b"Stopping")
    child.send_signal(signal.SIGTERM)
    code, said = await ended(child)  # the provider never answers
    assert (code, "Ended at once" in said, "Traceback" in said) == (130, True, False)
    with contextlib.suppress(httpx.TransportError):
        assert (await under_way).status_code == 503
