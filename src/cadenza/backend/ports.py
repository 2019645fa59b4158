"""What the backend needs from others: venues, the identity provider, a token verifier, a publisher.

Above: ``services`` and ``handlers`` use them. Below: schema, ``events``. Implementations come in by constructor:
``venues.paper``, ``provider``, ``tokens.verifier``, ``publisher`` or the stack's direct one.

Failures that have a code of the contract are raised as ``RpcError``; anything else is an internal error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from cadenza.backend.events import MarketEvent
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    EnrollMfaParams,
    IdTokenParams,
    LogoutScope,
    MfaChallenge,
    MfaEnrollment,
    MfaFactor,
    OtpType,
    RecoverParams,
    SendOtpParams,
    SignupParams,
    UpdateUserParams,
    VerifyMfaParams,
)
from cadenza.schema.instruments import Instrument
from cadenza.schema.market import Kline, OrderBookSnapshot, Ticker
from cadenza.schema.scalars import KlineInterval
from cadenza.schema.scalars import Venue as VenueName

__all__ = [
    "Caller",
    "ConnectionLevels",
    "Factors",
    "IdentityProvider",
    "MarketVenue",
    "OneTimeCodes",
    "Publisher",
    "Redirects",
    "SignIns",
    "Sockets",
    "TokenClaims",
    "TokenMeta",
    "TokenSubject",
    "TokenVerifier",
    "Users",
    "Venue",
    "VenueFeed",
]


class TokenMeta(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a token's ``meta`` that rights hang on.

    Attributes:
        session_id: Which session; every whole ``meta`` has one.
        role: The user's role, out of ``app_metadata``.
        aal: How far the user had proved who they are: ``aal1``, ``aal2``.
        client_id: The OAuth client it was given to, where that is a third party's app.
    """

    session_id: str = ""
    role: str | None = None
    aal: str = ""
    client_id: str | None = None


_meta = msgspec.json.Decoder(TokenMeta)
_NO_META = TokenMeta()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, as the gateway vouches for it.

    Attributes:
        user: The verified token's ``sub``; empty when anonymous.
        address: The client's network address; empty when unknown.
        meta: Raw JSON of the token's ``meta`` claim; empty when absent.
        client: The connection's id; empty when unknown.
        raised: The level the connection was raised to since (``aal2``); empty when it was not.
    """

    user: str = ""
    address: str = ""
    meta: bytes = b""
    client: str = ""
    raised: str = ""

    @property
    def token_meta(self) -> TokenMeta:
        """What ``meta`` says; nothing where it is absent or not of its form."""
        if not self.meta:
            return _NO_META
        try:
            return _meta.decode(self.meta)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _NO_META


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


class Sockets(Protocol):
    """The gateway's connections, as its server API shows them."""

    async def present(self, channels: Sequence[str]) -> Mapping[str, str]:
        """Who is in any of these channels: connection to user."""
        ...

    async def close(self, clients: Mapping[str, str], code: int, reason: str) -> None:
        """Close connections (connection to user) with a code and at most 32 ASCII characters."""
        ...

    async def close_user(self, user: str, code: int, reason: str, *, spare: Sequence[str]) -> None:
        """Close all of a user's connections but some."""
        ...


class Publisher(Protocol):
    """Where publications go. In order; may return before they have arrived."""

    async def publish(self, channel: str, data: bytes, *, tags: Mapping[str, str] | None = None) -> None:
        """Publish JSON to a channel."""
        ...


class SignIns(Protocol):
    """Sessions begun and renewed. Refusals are ``RpcError`` with a code of the contract, here and below."""

    async def signup(self, params: SignupParams, *, address: str = "") -> AuthSession:
        """Make a user; without tokens when the address has to be confirmed first."""
        ...

    async def login(self, email: str, password: str, *, address: str = "") -> AuthSession:
        """Sign in with a password."""
        ...

    async def anonymous(self, *, address: str = "") -> AuthSession:
        """Make a user without name or password."""
        ...

    async def id_token(self, params: IdTokenParams, *, address: str = "") -> AuthSession:
        """Sign in with an ID token that another issuer gave."""
        ...

    async def refresh(self, refresh_token: str, *, address: str = "") -> AuthSession:
        """Trade a refresh token for a new session."""
        ...


class Redirects(Protocol):
    """Sign-ins that lead through a browser."""

    def oauth_url(self, provider: str, redirect_to: str, code_challenge: str) -> str:
        """Where a browser begins to sign in with an OAuth provider."""
        ...

    async def exchange(self, code: str, code_verifier: str, *, address: str = "") -> AuthSession:
        """Trade the code a browser came back with for a session."""
        ...


class OneTimeCodes(Protocol):
    """Codes and links by mail."""

    async def send_code(self, params: SendOtpParams, *, address: str = "") -> None:
        """Mail a code and a link."""
        ...

    async def recover(self, params: RecoverParams, *, address: str = "") -> None:
        """Mail what lets one in without the password."""
        ...

    async def verify_code(self, kind: OtpType, email: str, token: str, *, address: str = "") -> AuthSession:
        """Redeem a code; without tokens after the first one of a change of address."""
        ...

    async def verify_link(self, kind: OtpType, token_hash: str, *, address: str = "") -> AuthSession:
        """Redeem what a link carries."""
        ...

    async def reauthenticate(self, access_token: str, *, address: str = "") -> None:
        """Mail the code that a new password may want."""
        ...


class Users(Protocol):
    """A token's user."""

    async def logout(self, access_token: str, scope: LogoutScope) -> None:
        """End the sessions of a scope."""
        ...

    async def user(self, access_token: str) -> AuthUser:
        """Whose token this is, as the provider knows them now."""
        ...

    async def update_user(self, params: UpdateUserParams, *, address: str = "") -> AuthUser:
        """Change the token's user."""
        ...


class Factors(Protocol):
    """Second factors of a token's user."""

    async def factors(self, access_token: str) -> tuple[MfaFactor, ...]:
        """All of them."""
        ...

    async def enroll(self, params: EnrollMfaParams, *, address: str = "") -> MfaEnrollment:
        """Begin to add an authenticator app."""
        ...

    async def unenroll(self, access_token: str, factor_id: str, *, address: str = "") -> None:
        """Remove one."""
        ...

    async def challenge(self, access_token: str, factor_id: str, *, address: str = "") -> MfaChallenge:
        """Begin to prove one."""
        ...

    async def verify_factor(self, params: VerifyMfaParams, *, address: str = "") -> AuthSession:
        """Prove it: a session at ``aal2``."""
        ...


class IdentityProvider(SignIns, Redirects, OneTimeCodes, Users, Factors, Protocol):
    """The identity provider as the auth methods need it."""


class ConnectionLevels(Protocol):
    """Raises connections; ``backend.levels`` has one."""

    def raise_to(self, client: str, user: str, level: str, *, expires_at: float) -> None:
        """Raise a user's connection until a moment (seconds since the epoch)."""
        ...


class TokenClaims(Protocol):
    """What Supabase Auth says of a session."""

    @property
    def session_id(self) -> str | None:
        """Which session."""
        ...

    @property
    def aal(self) -> str | None:
        """How far its user has proved who they are: ``aal1``, ``aal2``."""
        ...

    @property
    def client_id(self) -> str | None:
        """The OAuth client it was given to, where that is a third party's app."""
        ...


class TokenSubject(Protocol):
    """Whose token it is, until when, and of what session."""

    @property
    def sub(self) -> str:
        """The user's id."""
        ...

    @property
    def exp(self) -> float | None:
        """Seconds since the epoch, ``None`` for a token without end."""
        ...

    @property
    def claims(self) -> TokenClaims:
        """The rest."""
        ...


class TokenVerifier(Protocol):
    """Checks access tokens that travel in params; ``tokens.verifier.Verifier`` by shape."""

    async def verify(self, token: str, /) -> TokenSubject:
        """Return what a good token says; raise one of ``errors``' token errors otherwise."""
        ...
