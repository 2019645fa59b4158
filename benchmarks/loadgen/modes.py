"""What is measured: RPC in closed loop, connects, fan-out, idle memory, and what ``http`` has.

Above: ``__main__``. Below: ``client``, ``measure``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import httpx
from benchmarks.loadgen import http
from benchmarks.loadgen.client import Client, open_all, open_one
from benchmarks.loadgen.measure import Plan, Result, Window
from picows import WSFrame

__all__ = ["MODES"]

_TIMESTAMP = b'"ts":'


async def rpc(plan: Plan) -> Result:
    """Each connection sends its next RPC when the last is answered."""
    clients = await open_all(plan.url, plan.token, plan.connections)
    payload = b'{"s":"%b"}' % (b"x" * max(0, plan.size - 8))
    head, tail = b'{"id":', b',"rpc":{"method":"%b","data":%b}}' % (plan.method.encode(), payload)
    window = Window()
    for client in clients:
        _keep_calling(client, head, tail, window)
    await _measure(plan, window)
    for client in clients:
        client.on_frame = None
        client.abort()
    return window.result("rpc", plan)


def _keep_calling(client: Client, head: bytes, tail: bytes, window: Window) -> None:
    now = time.perf_counter
    command_id = 1
    sent_at = 0.0

    def call() -> None:
        nonlocal command_id, sent_at
        command_id += 1
        sent_at = now()
        client.send(b"%b%d%b" % (head, command_id, tail))

    def answered(frame: WSFrame) -> None:
        if window.is_open:
            window.latencies.append(now() - sent_at)
            if frame.payload_size < len(tail) // 2 and b'"error"' in frame.get_payload_as_bytes():
                window.errors += 1
        call()

    client.on_frame = answered
    call()


async def connect(plan: Plan) -> Result:
    """Workers open a socket, wait for the connect reply, drop it, and begin again."""
    window = Window()

    async def work() -> None:
        while True:
            started = time.perf_counter()
            client = await open_one(plan.url, plan.token)
            if window.is_open:
                window.latencies.append(time.perf_counter() - started)
            client.abort()
            await client.gone

    workers = [asyncio.create_task(work()) for _ in range(plan.connections)]
    await _measure(plan, window)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return window.result("connect", plan)


async def fanout(plan: Plan) -> Result:
    """One publisher over the server API, all connections subscribed. Rate 0: the next as soon as the last is out."""
    clients = await open_all(plan.url, plan.token, plan.connections)
    window = Window()
    for client in clients:
        client.on_frame = _note_delivery(window)
        client.send(b'{"id":2,"subscribe":{"channel":"%b"}}' % plan.channel.encode())
    await asyncio.sleep(plan.warm_up_seconds)
    pad = "x" * max(0, plan.size - 35)
    published = 0
    async with httpx.AsyncClient(headers={"X-API-Key": plan.api_key}, timeout=10) as api:

        async def publish() -> None:
            nonlocal published
            body = {"channel": plan.channel, "data": {"ts": time.perf_counter_ns(), "p": pad}}
            response = await api.post(plan.api_url, content=json.dumps(body))
            response.raise_for_status()
            published += window.is_open

        await publish()
        await asyncio.sleep(0.2)
        await _measure(plan, window, during=_paced(publish, plan))
    missing = published * len(clients) - len(window.latencies)
    window.errors += max(0, missing)
    for client in clients:
        client.abort()
    return window.result("fanout", plan)


def _note_delivery(window: Window) -> Callable[[WSFrame], None]:
    def delivered(frame: WSFrame) -> None:
        if not window.is_open:
            return
        now = time.perf_counter_ns()
        for part in frame.get_payload_as_bytes().split(_TIMESTAMP)[1:]:
            window.latencies.append((now - int(part.partition(b",")[0])) / 1e9)

    return delivered


def _paced(publish: Callable[[], Awaitable[None]], plan: Plan) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        started = time.perf_counter()
        count = 0
        while (elapsed := time.perf_counter() - started) < plan.duration_seconds:
            if plan.rate and (wait := count / plan.rate - elapsed) > 0:
                await asyncio.sleep(wait)
            await publish()
            count += 1
        await asyncio.sleep(0.3)  # let the last ones arrive

    return run


async def idle(plan: Plan) -> Result:
    """Open the connections and do nothing; the caller reads the server's memory before and after."""
    window = Window()
    window.open()
    clients = await open_all(plan.url, plan.token, plan.connections)
    await asyncio.sleep(plan.duration_seconds)
    window.close()
    result = window.result("idle", plan)
    if plan.hold is not None:
        await plan.hold()
    for client in clients:
        client.abort()
    return result


async def _measure(plan: Plan, window: Window, during: Callable[[], Awaitable[None]] | None = None) -> None:
    if during is None:
        await asyncio.sleep(plan.warm_up_seconds)
    await plan.announce("begin")
    window.open()
    if during is None:
        await asyncio.sleep(plan.duration_seconds)
    else:
        await during()
    window.close()
    await plan.announce("end")


MODES: dict[str, Callable[[Plan], Awaitable[Result]]] = {
    "rpc": rpc,
    "connect": connect,
    "fanout": fanout,
    "idle": idle,
    "documents": http.documents,
    "sign-ins": http.sign_ins,
    "refreshes": http.refreshes,
}
