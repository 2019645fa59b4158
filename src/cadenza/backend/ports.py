"""What the backend needs from others: venues, the identity provider, a token verifier, a publisher.

Above: ``services`` and ``handlers`` use them. Below: schema, ``events``. Implementations come in by constructor:
``venues.paper``, ``provider``, ``tokens.verifier``, ``publisher`` or the stack's direct one.

Failures that have a code of the contract are raised as ``RpcError``; anything else is an internal error.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from cadenza.backend.events import MarketEvent
from cadenza.schema.auth import AuthSession, AuthUser, LogoutScope
from cadenza.schema.instruments import Instrument
from cadenza.schema.market import Kline, OrderBookSnapshot, Ticker
from cadenza.schema.scalars import KlineInterval
from cadenza.schema.scalars import Venue as VenueName

__all__ = [
    "Caller",
    "IdentityProvider",
    "MarketVenue",
    "Publisher",
    "TokenSubject",
    "TokenVerifier",
    "Venue",
    "VenueFeed",
]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, as the gateway vouches for it.

    Attributes:
        user: The verified token's ``sub``; empty when anonymous.
        address: The client's network address; empty when unknown.
        meta: Raw JSON of the token's ``meta`` claim; empty when absent.
    """

    user: str = ""
    address: str = ""
    meta: bytes = b""


class MarketVenue(Protocol):
    """Market data of one venue. Asynchronous, because some venues must ask; the simulated one never waits.

    Symbols are the venue's own (``BTC/USDT``); an unknown one is a ``KeyError``, as callers look them up first.
    """

    @property
    def name(self) -> VenueName:
        """Which venue this is."""
        ...

    def instruments(self) -> Mapping[str, Instrument]:
        """What is traded here, by symbol, in the venue's order."""
        ...

    async def order_book(self, symbol: str, depth: int | None = None) -> OrderBookSnapshot:
        """The book as it is at one ``seq``: the best ``depth`` levels a side, or all."""
        ...

    async def ticker(self, symbol: str) -> Ticker:
        """Last trade and best prices."""
        ...

    async def klines(self, symbol: str, interval: KlineInterval, count: int) -> Kline:
        """The last ``count`` candles, oldest first; the last one still forms."""
        ...


class VenueFeed(Protocol):
    """A venue's live side."""

    @property
    def running(self) -> bool:
        """Whether it is started and has not failed."""
        ...

    def listen(self, sink: Callable[[MarketEvent], None]) -> None:
        """Give each event, in order, to ``sink``, which must neither wait nor fail."""
        ...

    async def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End; no task is left."""
        ...


class Venue(MarketVenue, VenueFeed, Protocol):
    """Both sides of a venue."""


class Publisher(Protocol):
    """Where publications go. In order; may return before they have arrived."""

    async def publish(self, channel: str, data: bytes, *, tags: Mapping[str, str] | None = None) -> None:
        """Publish JSON to a channel."""
        ...


class IdentityProvider(Protocol):
    """The identity provider as the auth methods need it. Refusals are ``RpcError`` with a code of the contract."""

    async def signup(
        self, email: str, password: str, metadata: Mapping[str, object] | None, *, address: str = ""
    ) -> AuthSession:
        """Make a user; without tokens when the address has to be confirmed first."""
        ...

    async def login(self, email: str, password: str, *, address: str = "") -> AuthSession:
        """Sign in with a password."""
        ...

    async def refresh(self, refresh_token: str, *, address: str = "") -> AuthSession:
        """Trade a refresh token for a new session."""
        ...

    async def logout(self, access_token: str, scope: LogoutScope) -> None:
        """End the sessions of a scope."""
        ...

    async def user(self, access_token: str) -> AuthUser:
        """Whose token this is, as the provider knows them now."""
        ...


class TokenSubject(Protocol):
    """Whose token it is."""

    @property
    def sub(self) -> str:
        """The user's id."""
        ...


class TokenVerifier(Protocol):
    """Checks access tokens that travel in params; ``tokens.verifier.Verifier`` by shape."""

    async def verify(self, token: str, /) -> TokenSubject:
        """Return what a good token says; raise one of ``errors``' token errors otherwise."""
        ...
