"""The mission's Python snippet as it stands, with centrifuge-python unmodified and no Cadenza SDK.

    cadenza up                                   # in another terminal; it prints a ready user
    CADENZA_EMAIL=... CADENZA_PASSWORD=... python examples/mission_python.py

Ends with 0 after one call and ten live events, with 1 on anything else.
"""

import asyncio
import os
from typing import Any

import httpx
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    ConnectingContext,
    DisconnectedContext,
    ErrorContext,
    PublicationContext,
    SubscriptionEventHandler,
)

SUPABASE_URL = os.environ.get("SUPABASE_URL", "http://127.0.0.1:54321")
WS_URL = os.environ.get("CADENZA_WS_URL", "ws://127.0.0.1:8000/connection/websocket")


async def obtain_access_token(email: str, password: str) -> str:
    """Step 1: log in at the identity provider."""
    async with httpx.AsyncClient() as http:
        reply = await http.post(
            f"{SUPABASE_URL}/auth/v1/token",
            params={"grant_type": "password"},
            headers={"apikey": os.environ.get("SUPABASE_ANON_KEY", "")},
            json={"email": email, "password": password},
        )
    reply.raise_for_status()
    token: str = reply.json()["access_token"]
    return token


class Handler(ClientEventHandler):
    """Step 3: handle connection events."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_connecting(self, ctx: ConnectingContext) -> None:
        """Connection attempt in progress."""
        self.seen.append("connecting")
        print("connecting", ctx.code, ctx.reason)

    async def on_connected(self, ctx: ConnectedContext) -> None:
        """Successfully connected, receives client ID."""
        self.seen.append("connected")
        print("connected", ctx.client)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        """Connection lost, includes reason and disconnect code."""
        self.seen.append("disconnected")
        print("disconnected", ctx.code, ctx.reason)

    async def on_error(self, ctx: ErrorContext) -> None:
        """Error occurred during connection or communication."""
        self.seen.append("error")
        print("error", ctx.code, ctx.error)


class Publications(SubscriptionEventHandler):
    """Puts what comes into a queue."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def on_publication(self, ctx: PublicationContext) -> None:
        """Called when there's a publication coming from a channel."""
        self.queue.put_nowait(ctx.pub)


async def main() -> None:
    """The mission's three steps, a call and ten events."""
    access_token = await obtain_access_token(os.environ["CADENZA_EMAIL"], os.environ["CADENZA_PASSWORD"])

    # Step 2: connect to the WebSocket.
    handler = Handler()
    client = Client(WS_URL, token=access_token, events=handler)
    await client.connect()
    await client.ready()

    reply = await client.rpc("query.ticker.list", {"venue": "PAPER"})
    print("tickers", *(ticker["symbol"] for ticker in reply.data["data"]))
    assert reply.data["data"]

    events = Publications()
    subscription = client.new_subscription("market:ticker:PAPER:BTC/USDT", events=events)
    await subscription.subscribe()
    offsets = []
    for _ in range(10):
        publication = await events.queue.get()
        assert publication.data["symbol"] == "BTC/USDT"
        offsets.append(publication.offset)
    print("ten events, offsets", offsets[0], "to", offsets[-1])
    assert offsets == list(range(offsets[0], offsets[0] + 10))

    await client.disconnect()
    assert handler.seen == ["connecting", "connected", "disconnected"]


async def bounded() -> None:
    """The same, but never longer than half a minute."""
    async with asyncio.timeout(30):
        await main()


if __name__ == "__main__":
    asyncio.run(bounded())
