"""The steps of the demo: each acts through the SDK and checks a value that only the right behaviour yields.

Above: ``demo``. Below: the SDK as a user has it, and the insides of the embedded stack to compare with.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec
import websockets

import cadenza
from cadenza.backend.venues.paper import PaperVenue
from cadenza.client import Client, MemorySessionStore
from cadenza.client.auth.session import Session, StoredSession
from cadenza.errors import TokenFormatError
from cadenza.gateway.connection import Connection
from cadenza.protocol.auth import endpoints
from cadenza.protocol.codes import Disconnects
from cadenza.schema.channels import trade_channel
from cadenza.schema.market import MarketTrade
from cadenza.schema.scalars import OrderSide, Venue
from cadenza.stack.embedded import EmbeddedStack
from cadenza.tokens.claims import Claims, check_form

SYMBOL: Final = "BTC/USDT"
INSTRUMENT: Final = f"PAPER:{SYMBOL}"
#: The access token of the step that refreshes in place lives this long.
SHORT_LIFETIME_SECONDS: Final = 3
DEADLINE_SECONDS: Final = 15.0
_EVENTS_A_CHANNEL: Final = 5


class DifferenceError(Exception):
    """Something was not as it must be."""


def check(what: str, seen: object, expected: object) -> None:
    """Raise ``DifferenceError`` unless what was seen is what was expected."""
    if seen != expected:
        raise DifferenceError(f"{what}: {seen!r} instead of {expected!r}")


class Scene:
    """What the steps share: the stack, one user, one client."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self.stack = stack
        self.email = f"demo-{secrets.token_hex(4)}@example.com"
        self.password = secrets.token_urlsafe(15)
        self.user_id = ""
        self.sessions: list[str] = []
        self.store = MemorySessionStore()
        self.api = self.new_client(self.store)

    async def __aenter__(self) -> Self:
        await self.api.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.api.close()

    @property
    def venue(self) -> PaperVenue:
        """The simulated venue itself."""
        venue = self.stack.backend.venues[0]
        if not isinstance(venue, PaperVenue):
            raise DifferenceError(f"the first venue is {venue.name}")
        return venue

    def new_client(self, store: MemorySessionStore | None = None) -> Client:
        """Make an SDK client as a user would, with a session store that this demo can look into."""
        return cadenza.connect(
            self.stack.ws_url,
            supabase_url=self.stack.supabase_url,
            session_store=store or MemorySessionStore(),
            environ={},
        )

    def session(self, client: Client) -> Session:
        """Return the client's session; there must be one."""
        session = client.auth.session
        if session is None:
            raise DifferenceError("nobody is signed in")
        return session

    def claims(self, client: Client) -> Claims:
        """Read the client's access token."""
        return check_form(self.session(client).access_token).claims

    def at_gateway(self, client_id: str | None) -> Connection:
        """Find a client in the gateway's own table."""
        for connection in self.stack.gateway.node.hub:
            if connection.client == client_id:
                return connection
        raise DifferenceError(f"the gateway has no client {client_id}")


async def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait until something holds, for a bounded time."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not holds():  # noqa: ASYNC110  # what is waited for is another room's state, which has no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DifferenceError(f"{what} did not happen within {DEADLINE_SECONDS:g} s") from None


async def sign_up(scene: Scene) -> str:
    """The token is the new user's, from this provider."""
    await scene.api.auth.sign_up(scene.email, scene.password)
    claims = scene.claims(scene.api)
    user = await scene.api.auth.user()
    check("the token's sub", claims.sub, user.id)
    check("the token's issuer", claims.iss, scene.stack.identity.issuer)
    check("the user's address", user.email, scene.email)
    scene.user_id = user.id or ""
    scene.sessions.append(claims.session_id or "")
    return f"user {scene.user_id}"


async def log_in_at_provider(scene: Scene) -> str:
    """The same user in another session."""
    session = await scene.api.auth.sign_in_with_password(scene.email, scene.password)
    return _new_session(scene, session, scene.claims(scene.api))


async def log_in_over_websocket(scene: Scene) -> str:
    """The same user in a third session, and the gateway's verifier takes its token."""
    async with scene.new_client() as api:
        session = await api.auth.over_websocket.sign_in_with_password(scene.email, scene.password)
        verified = await scene.stack.verifier.verify(session.access_token)
        check("the verified token's sub", verified.sub, scene.user_id)
        return _new_session(scene, session, scene.claims(api))


def _new_session(scene: Scene, session: Session, claims: Claims) -> str:
    check("the session's user", session.user_id, scene.user_id)
    session_id = claims.session_id or ""
    if session_id in {"", *scene.sessions}:
        raise DifferenceError(f"session {session_id!r} is not a new one")
    scene.sessions.append(session_id)
    return f"session {session_id}"


async def connect(scene: Scene) -> str:
    """The gateway's own table has the client id, as this user."""
    await scene.api.system.check()
    await scene.api.market.venues.list()
    check("the user at the gateway", scene.at_gateway(scene.api.client_id).user, scene.user_id)
    return f"client {scene.api.client_id}"


async def call(scene: Scene) -> str:
    """Version, symbols and book are those of the backend and its venue."""
    info = await scene.api.system.info()
    check("the version", info.version, cadenza.__version__)
    tickers = await scene.api.market.tickers.list(venue=Venue.PAPER)
    check("the symbols", {ticker.symbol for ticker in tickers}, set(scene.venue.instruments()))
    scene.venue.pause()
    try:
        own = (await scene.venue.order_book(SYMBOL, 5)).book
        book = await scene.api.market.order_books.get(INSTRUMENT, depth=5)
    finally:
        scene.venue.resume()
    check("the book", (book.bids, book.asks), (own.bids, own.asks))
    return f"{info.name} {info.version}; {len(tickers)} tickers; best bid {book.bids[0][0]}, ask {book.asks[0][0]}"


async def receive_events(scene: Scene) -> str:
    """Five books, each equal to the venue's own, and five tickers of the right instrument."""
    api, venue = scene.api, scene.venue
    venue.pause()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS), api.market.order_books.watch(INSTRUMENT) as books:
            sequences = []
            for _ in range(_EVENTS_A_CHANNEL):
                venue.step(SYMBOL)
                own = await venue.order_book(SYMBOL)
                book = await anext(books)
                while books.sequence != own.seq:
                    book = await anext(books)
                check(f"the book at {own.seq}", (book.bids, book.asks), (own.book.bids, own.book.asks))
                sequences.append(own.seq)
    finally:
        venue.resume()
    async with asyncio.timeout(DEADLINE_SECONDS), api.market.tickers.watch(INSTRUMENT) as tickers:
        seen = [await anext(tickers) for _ in range(_EVENTS_A_CHANNEL)]
    check("the tickers' instruments", {ticker.instrument_id for ticker in seen}, {INSTRUMENT})
    check("the order of the tickers", [t.timestamp for t in seen], sorted(t.timestamp for t in seen))
    return f"books {sequences[0]} to {sequences[-1]} equal the venue's; {len(seen)} tickers, last {seen[-1].last_price}"


async def refresh_in_place(scene: Scene) -> str:
    """New ``exp`` in the gateway's table, under the same client id."""
    api = scene.api
    token = await scene.stack.identity.issue_access_token(
        scene.claims(api).session_id or "", lifetime_seconds=SHORT_LIFETIME_SECONDS
    )
    now = time.time()
    await api.auth.use_session(
        msgspec.structs.replace(
            scene.session(api),
            access_token=token,
            expires_in=float(SHORT_LIFETIME_SECONDS),
            expires_at=now + SHORT_LIFETIME_SECONDS,
        )
    )
    await api.market.venues.list()
    client_id = api.client_id
    connection = scene.at_gateway(client_id)
    old = connection.who.expires_at
    await until("the refresh of the connection", lambda: connection.who.expires_at != old)
    check("the client id", api.client_id, client_id)
    fresh = scene.claims(api).exp
    check("the expiry at the gateway", connection.who.expires_at, fresh)
    if old is None or fresh is None or fresh <= old:
        raise DifferenceError(f"exp went from {old} to {fresh}")
    await api.market.venues.list()
    return f"exp moved by {fresh - old:.0f} s, client {client_id} kept"


async def connect_with_expired_token(scene: Scene) -> str:
    """A stored session whose token has run out: refused with 109, refreshed, let in."""
    session = scene.session(scene.api)
    refused = scene.stack.gateway.stats.reply_errors[109]
    first_client = scene.api.client_id
    stored = await _expired(scene, session)
    await scene.api.close()
    scene.store = MemorySessionStore(stored)
    scene.api = scene.new_client(scene.store)
    await scene.api.__aenter__()
    await scene.api.market.venues.list()
    check("refusals with 109", scene.stack.gateway.stats.reply_errors[109] - refused, 1)
    check("the user at the gateway", scene.at_gateway(scene.api.client_id).user, scene.user_id)
    if scene.session(scene.api).refresh_token == session.refresh_token:
        raise DifferenceError("the refresh token was not used")
    if scene.api.client_id in {first_client, None}:
        raise DifferenceError("the client id is not a new one")
    return f"refused with 109, refreshed, client {scene.api.client_id}"


async def _expired(scene: Scene, session: Session) -> StoredSession:
    """The session as a store has it whose access token has run out.

    The store says that there is life left in it, as a machine that slept believes: the gateway must say otherwise.
    """
    token = await scene.stack.identity.issue_access_token(
        scene.claims(scene.api).session_id or "", lifetime_seconds=-60
    )
    return StoredSession(
        ws_url=scene.stack.ws_url,
        supabase_url=scene.stack.supabase_url,
        session=msgspec.structs.replace(
            session, access_token=token, expires_in=3600.0, expires_at=time.time() + 3600.0
        ),
    )


async def _refreshed_elsewhere(scene: Scene) -> StoredSession:
    """The session as another process leaves it that refreshed it, and slept until the new token had run out too."""
    session = scene.session(scene.api)
    reply = await _refresh_at_provider(scene, session.refresh_token)
    check("the other process's refresh", reply.status_code, 200)
    return await _expired(scene, msgspec.structs.replace(session, refresh_token=reply.json()["refresh_token"]))


async def _refresh_at_provider(scene: Scene, refresh_token: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(
            f"{scene.stack.identity_url}{endpoints.TOKEN}",
            params={"grant_type": "refresh_token"},
            json={"refresh_token": refresh_token},
        )


async def recover_gap(scene: Scene) -> str:
    """Cut off, then refused for an expired token: what was published meanwhile arrives, in order, none lost by offset.

    The SDK finds the expired token in the store, where it looks first in case another process has refreshed.
    """
    api, node, stats = scene.api, scene.stack.gateway.node, scene.stack.gateway.stats
    channel = trade_channel("PAPER", SYMBOL)
    stored, refused = await _refreshed_elsewhere(scene), stats.reply_errors[109]
    scene.venue.pause()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS), api.market.trades.watch(INSTRUMENT) as trades:
            first_client = api.client_id
            await scene.store.save(stored)
            offsets = [_publish(scene, channel, number) for number in (1, 2)]
            before = [(await anext(trades)).trade_id for _ in (1, 2)]
            node.disconnect(scene.user_id, Disconnects.EXPIRED)
            await until("the disconnect", lambda: not node.hub.subscribers(channel))
            offsets += [_publish(scene, channel, number) for number in (3, 4, 5)]
            nobody_there = not node.hub.subscribers(channel)
            after = [(await anext(trades)).trade_id for _ in (3, 4, 5)]
            gaps = trades.gaps
    finally:
        scene.venue.resume()
    if not nobody_there:
        raise DifferenceError("somebody was subscribed during the gap")
    check("the trades", before + after, [f"demo-{number}" for number in (1, 2, 3, 4, 5)])
    check("the offsets", offsets, list(range(offsets[0], offsets[0] + 5)))
    check("gaps told", gaps, 0)
    check("refusals with 109", stats.reply_errors[109] - refused, 1)
    if scene.session(api).refresh_token == stored.session.refresh_token:
        raise DifferenceError("the refresh token was not used")
    if api.client_id in {first_client, None}:
        raise DifferenceError("the client id is not a new one")
    return (
        f"109, refreshed, 3 of 3 publications recovered, offsets {offsets[0]} to {offsets[-1]}, client {api.client_id}"
    )


def _publish(scene: Scene, channel: str, number: int) -> int:
    trade = MarketTrade(
        venue=Venue.PAPER,
        symbol=SYMBOL,
        instrument_id=INSTRUMENT,
        trade_id=f"demo-{number}",
        price="1.0",
        quantity="1",
        side=OrderSide.BUY,
        timestamp=int(time.time() * 1000),
    )
    return scene.stack.gateway.node.publish(channel, msgspec.json.encode(trade)).offset


async def refuse_wrong_signature(scene: Scene) -> str:
    """The provider's token with another signature: the socket is closed with 3500."""
    head, payload, _ = scene.session(scene.api).access_token.split(".")
    forged = base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b"=").decode()
    async with asyncio.timeout(DEADLINE_SECONDS), websockets.connect(scene.stack.ws_url, proxy=None) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": f"{head}.{payload}.{forged}"}}))
        await socket.wait_closed()
    check("the close code", socket.close_code, 3500)
    return f"closed with {socket.close_code} {socket.close_reason}"


async def keep_malformed_token(scene: Scene) -> str:
    """What is no token never reaches the wire."""
    accepted = scene.stack.gateway.stats.accepted_sockets
    client = cadenza.connect(
        scene.stack.ws_url,
        supabase_url=scene.stack.supabase_url,
        access_token="not.a.token",  # noqa: S106  # it is none
        environ={},
    )
    try:
        async with client as api:
            await api.market.venues.list()
    except TokenFormatError as refused:
        check("sockets accepted by the gateway", scene.stack.gateway.stats.accepted_sockets, accepted)
        return f"{type(refused).__name__}, and the gateway saw no socket"
    raise DifferenceError("it was taken")


async def sign_out(scene: Scene) -> str:
    """The old refresh token is dead at the provider."""
    refresh_token = scene.session(scene.api).refresh_token
    await scene.api.auth.sign_out()
    check("the session", scene.api.auth.session, None)
    reply = await _refresh_at_provider(scene, refresh_token)
    check("the provider's answer", reply.status_code, 400)
    check("its error", reply.json().get("error_code"), "refresh_token_not_found")
    return "refresh_token_not_found"
