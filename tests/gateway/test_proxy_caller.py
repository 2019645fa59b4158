"""The backend over Centrifugo's HTTP proxies: the recorded body, the forwarded address, every way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from cadenza.errors import ProtocolError, TransportError
from cadenza.gateway import HttpProxyCaller
from cadenza.protocol.proxy import Peer, RpcRequest, SubscribeRequest

REQUEST = RpcRequest(
    client="c", user="42", method="ok", data=msgspec.Raw(b'{"n": 0}'), meta=msgspec.Raw(b'{"aal":"aal1"}')
)
PEER = Peer(address="192.0.2.7")


def caller(answer: Callable[[httpx.Request], httpx.Response]) -> HttpProxyCaller:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return HttpProxyCaller(
        "http://backend/proxy/rpc", "http://backend/proxy/subscribe", headers={"X-Secret": "s"}, client=client
    )


async def test_rpc_is_posted_as_recorded() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b'{"result":{"data":{"echo": 1.0}}}')

    response = await caller(answer).rpc(REQUEST, PEER)
    assert response.result is not None
    assert bytes(response.result.data) == b'{"echo": 1.0}'
    (request,) = seen
    assert str(request.url) == "http://backend/proxy/rpc"
    assert request.content == (
        b'{"client":"c","transport":"websocket","protocol":"json","encoding":"json","user":"42","method":"ok",'
        b'"data":{"n": 0},"meta":{"aal":"aal1"}}'
    )
    headers = {name: request.headers[name] for name in ("X-Secret", "X-Forwarded-For", "X-Real-IP", "Content-Type")}
    assert list(headers.values()) == ["s", "192.0.2.7", "192.0.2.7", "application/json"]


async def test_subscribe_goes_to_its_own_address() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/proxy/subscribe"
        assert "X-Forwarded-For" not in request.headers
        return httpx.Response(200, content=b'{"error":{"code":1103,"message":"no way"}}')

    response = await caller(answer).subscribe(SubscribeRequest(client="c", user="", channel="a:b"), Peer())
    assert response.error is not None
    assert response.error.code == 1103


@pytest.mark.parametrize("status", [201, 204, 302, 400, 404, 500, 503])
async def test_any_status_but_200_is_a_failure(status: int) -> None:
    with pytest.raises(TransportError, match=str(status)):
        await caller(lambda _: httpx.Response(status)).rpc(REQUEST, PEER)


async def test_answer_that_cannot_be_read_is_a_failure() -> None:
    with pytest.raises(ProtocolError):
        await caller(lambda _: httpx.Response(200, content=b"<html>")).rpc(REQUEST, PEER)


async def test_backend_out_of_reach_is_a_failure_that_names_no_payload() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(TransportError) as caught:
        await caller(answer).rpc(REQUEST, PEER)
    assert "n" not in str(caught.value).split()


@pytest.mark.parametrize("status", [404, 500])
async def test_client_of_a_failing_backend_gets_a_temporary_error(
    make_gateway: Callable[..., Awaitable[Any]], status: int
) -> None:
    done = asyncio.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        done.set()
        return httpx.Response(status)

    gateway = await make_gateway(proxy=caller(answer))
    socket = gateway.connect()
    socket.put('{"id":2,"rpc":{"method":"ok"}}')
    async with asyncio.timeout(5):
        await done.wait()
        await gateway.node.aclose()
    for _ in range(20):
        await asyncio.sleep(0)
    (reply,) = socket.take()
    assert reply == {"id": 2, "error": {"code": 100, "message": "internal server error", "temporary": True}}
