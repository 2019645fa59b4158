"""Unmodified centrifuge-python 0.7.0 and cent against the gateway, as a user of Centrifugo would use them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import cent
import pytest
from centrifuge import (
    Client,
    ClientEventHandler,
    ReplyError,
    SubscriptionEventHandler,
)
from tests.gateway.kit import make_token
from tests.gateway.wire import DEADLINE, Start, url

from cadenza.protocol.codes import Termination


class Events(ClientEventHandler):
    """Notes each event, in order."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def on_connecting(self, ctx: Any) -> None:
        self.seen.put_nowait(("connecting", ctx.code))

    async def on_connected(self, ctx: Any) -> None:
        self.seen.put_nowait(("connected", ctx.client))

    async def on_disconnected(self, ctx: Any) -> None:
        self.seen.put_nowait(("disconnected", (ctx.code, ctx.reason)))

    async def on_error(self, ctx: Any) -> None:
        self.seen.put_nowait(("error", ctx.code))

    async def on_subscribed(self, ctx: Any) -> None:
        self.seen.put_nowait(("server_subscribed", ctx.channel))

    async def on_publication(self, ctx: Any) -> None:
        self.seen.put_nowait(("server_publication", (ctx.channel, ctx.pub.data)))


class SubscriptionEvents(SubscriptionEventHandler):
    """Notes what a subscription lives through."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def on_subscribed(self, ctx: Any) -> None:
        self.seen.put_nowait(("subscribed", (ctx.was_recovering, ctx.recovered)))

    async def on_unsubscribed(self, ctx: Any) -> None:
        self.seen.put_nowait(("unsubscribed", (ctx.code, ctx.reason)))

    async def on_publication(self, ctx: Any) -> None:
        self.seen.put_nowait(("publication", (ctx.pub.offset, ctx.pub.data, ctx.pub.tags)))

    async def on_error(self, ctx: Any) -> None:
        self.seen.put_nowait(("error", (ctx.code, str(ctx.error))))


async def until(queue: asyncio.Queue[tuple[str, Any]], wanted: str) -> Any:
    """Wait for an event of this name, passing over others."""
    async with asyncio.timeout(DEADLINE):
        while True:
            name, value = await queue.get()
            if name == wanted:
                return value


async def test_client_connects_calls_and_disconnects(start_server: Start, backend: Any) -> None:
    server = await start_server()
    events = Events()
    client = Client(url(server), token=make_token(sub="42", meta={"aal": "aal1"}), events=events)
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        client_id = await until(events.seen, "connected")
        result = await client.rpc("ok", {"n": 1})
        assert result.data == {"echo": {"n": 1}}
        with pytest.raises(ReplyError) as refused:
            await client.rpc("err", {})
        assert (refused.value.code, refused.value.message) == (1042, "custom message")
        await client.disconnect()
    assert await until(events.seen, "disconnected") == (0, "disconnect called")
    request, peer = backend.rpcs[0]
    assert (request.client, request.user, bytes(request.meta)) == (client_id, "42", b'{"aal": "aal1"}')
    assert peer.address == "127.0.0.1"


async def test_publications_missed_while_away_are_recovered_in_order(start_server: Start) -> None:
    server = await start_server()
    events, inner = Events(), SubscriptionEvents()
    client = Client(url(server), token=make_token(sub="42"), events=events, min_reconnect_delay=0.01)
    subscription = client.new_subscription("hist:x", events=inner)
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        await subscription.subscribe()
        assert await until(inner.seen, "subscribed") == (False, False)
        server.node.publish("hist:x", b'{"n":1}', tags={"seq": "a:1"})
        assert await until(inner.seen, "publication") == (1, {"n": 1}, {"seq": "a:1"})
        first = await until(events.seen, "connected")
        server.node.disconnect("42", FORCE_RECONNECT)
        for number in (2, 3):
            server.node.publish("hist:x", json.dumps({"n": number}).encode())
        assert await until(events.seen, "connected") != first
        assert await until(inner.seen, "subscribed") == (True, True)
        assert await until(inner.seen, "publication") == (2, {"n": 2}, {})
        assert await until(inner.seen, "publication") == (3, {"n": 3}, {})
        server.node.publish("hist:x", b'{"n":4}')
        assert await until(inner.seen, "publication") == (4, {"n": 4}, {})
        await client.disconnect()


FORCE_RECONNECT = Termination(code=3011, reason="force reconnect")


async def test_lost_publications_are_said_to_be_lost(start_server: Start) -> None:
    server = await start_server()
    events, inner = Events(), SubscriptionEvents()
    client = Client(url(server), token=make_token(sub="42"), events=events, min_reconnect_delay=0.01)
    subscription = client.new_subscription("small:x", events=inner)
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        await subscription.subscribe()
        await until(inner.seen, "subscribed")
        server.node.disconnect("42", FORCE_RECONNECT)
        for number in range(5):
            server.node.publish("small:x", json.dumps({"n": number}).encode())
        assert await until(inner.seen, "subscribed") == (True, False)
        await client.disconnect()


async def test_token_is_refreshed_in_place(start_server: Start) -> None:
    now = 1_795_422_804.0
    server = await start_server(clock=lambda: now)
    refreshed = asyncio.Event()

    async def get_token() -> str:
        refreshed.set()
        return make_token(sub="42", exp=int(now) + 3600)

    events = Events()
    client = Client(url(server), token=make_token(sub="42", exp=int(now) + 1), get_token=get_token, events=events)
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        client_id = await until(events.seen, "connected")
        await refreshed.wait()
        assert (await client.rpc("ok", 1)).data == {"echo": 1}
        while server.stats.commands["refresh"] != 1:
            await client.rpc("ok", 1)
        (connection,) = server.node.hub
        assert connection.client == client_id
        assert connection.who.expires_at == int(now) + 3600
        await client.disconnect()


async def test_expired_token_is_fetched_anew_and_then_accepted(start_server: Start) -> None:
    server = await start_server()

    async def get_token() -> str:
        return make_token(sub="42")

    events = Events()
    client = Client(
        url(server), token=make_token(sub="42", exp=1), get_token=get_token, events=events, min_reconnect_delay=0.01
    )
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        await until(events.seen, "connected")
        await client.disconnect()
    assert server.stats.reply_errors == {109: 1}


@pytest.mark.parametrize(
    ("token", "outcome"),
    [("not a token", (3500, "invalid token")), ("", (3501, "bad request"))],
)
async def test_refused_connections_end_for_good(start_server: Start, token: str, outcome: tuple[int, str]) -> None:
    server = await start_server()
    events = Events()
    client = Client(url(server), token=token, events=events)
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        assert await until(events.seen, "disconnected") == outcome


async def test_server_side_subscription_recovers(start_server: Start) -> None:
    server = await start_server()
    events = Events()
    token = make_token(sub="42", channels=["hist:mine"])
    client = Client(url(server), token=token, events=events, min_reconnect_delay=0.01)
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        assert await until(events.seen, "server_subscribed") == "hist:mine"
        server.node.publish("hist:mine", b"1")
        assert await until(events.seen, "server_publication") == ("hist:mine", 1)
        server.node.disconnect("42", FORCE_RECONNECT)
        server.node.publish("hist:mine", b"2")
        assert await until(events.seen, "server_publication") == ("hist:mine", 2)
        await client.disconnect()


async def test_subscription_the_backend_denies_is_unsubscribed_with_its_code(start_server: Start) -> None:
    server = await start_server()
    inner = SubscriptionEvents()
    client = Client(url(server), token=make_token(sub="42"))
    async with asyncio.timeout(DEADLINE):
        await client.connect()
        await client.new_subscription("psub:deny", events=inner).subscribe()
        assert await until(inner.seen, "unsubscribed") == (1103, "no way")
        await client.disconnect()


async def test_cent_drives_the_server_api(start_server: Start) -> None:
    server = await start_server()
    events, inner = Events(), SubscriptionEvents()
    client = Client(url(server), token=make_token(sub="42"), events=events)
    subscription = client.new_subscription("hist:x", events=inner)
    api = cent.AsyncClient(f"http://127.0.0.1:{server.port}/api", "api-key")
    try:
        async with asyncio.timeout(DEADLINE):
            await client.connect()
            await subscription.subscribe()
            await until(inner.seen, "subscribed")
            published = await api.publish(cent.PublishRequest(channel="hist:x", data={"n": 1}, tags={"a": "b"}))
            assert published.offset == 1
            assert await until(inner.seen, "publication") == (1, {"n": 1}, {"a": "b"})
            broadcast = await api.broadcast(cent.BroadcastRequest(channels=["hist:x", "nosuchns:x"], data={"n": 2}))
            assert broadcast.responses[0].result is not None
            assert broadcast.responses[0].result.offset == 2
            assert broadcast.responses[1].error is not None
            assert broadcast.responses[1].error.code == 102
            with pytest.raises(cent.CentApiResponseError) as unknown:
                await api.publish(cent.PublishRequest(channel="nosuchns:x", data={}))
            assert unknown.value.code == 102
            info = await api.info(cent.InfoRequest())
            assert [node.num_clients for node in info.nodes] == [1]
            await api.unsubscribe(cent.UnsubscribeRequest(user="42", channel="hist:x"))
            assert await until(inner.seen, "unsubscribed") == (2000, "server unsubscribe")
            await api.disconnect(cent.DisconnectRequest(user="42"))
            assert await until(events.seen, "disconnected") == (3503, "force disconnect")
    finally:
        await api.close()


async def test_cent_with_a_wrong_key_is_unauthorized(start_server: Start) -> None:
    server = await start_server()
    api = cent.AsyncClient(f"http://127.0.0.1:{server.port}/api", "wrong")
    try:
        with pytest.raises(cent.CentUnauthorizedError):
            await api.info(cent.InfoRequest())
    finally:
        await api.close()
