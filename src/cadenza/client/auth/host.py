"""What the flows ask of the client, and the ground they share.

Above: the flows. Below: ``ports``, ``session``, ``pending``, ``browser``. ``engine`` is the host.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from cadenza.client.auth.browser import Surroundings
from cadenza.client.auth.pending import PendingFlows
from cadenza.client.auth.ports import SignIn
from cadenza.client.auth.provider import HttpSignIn
from cadenza.client.auth.session import Session
from cadenza.client.auth.state import AuthState
from cadenza.client.settings import Addresses
from cadenza.client.timing import Timing
from cadenza.errors import SignInRequiredError
from cadenza.schema.auth import StepUp


class SessionHost(Protocol):
    """The client's session."""

    @property
    def session(self) -> Session | None:
        """The session as it is now."""
        ...

    async def prepare_sign_in(self) -> None:
        """Make sure that a session could be kept, before anybody types a password or opens a browser (G4)."""
        ...

    async def begin_session(self, session: Session) -> None:
        """Keep it, and connect with it from now on."""
        ...

    async def renew_session(self, session: Session) -> None:
        """Keep it in place of the one there is, of the same user and the same sign-in: the connection stays."""
        ...

    async def end_session(self) -> None:
        """Forget it, and close its connection."""
        ...

    @property
    def state(self) -> AuthState:
        """Everything there is to know of the session."""
        ...

    def watch_state(self) -> AsyncIterator[AuthState]:
        """The state as it is, then each change."""
        ...

    async def access_token(self, *, refused: str | None = None) -> str:
        """The token as it is now, or another one than ``refused``."""
        ...


class AuthHost(SessionHost, Protocol):
    """What signing in does to the client, and what it needs of it."""

    @property
    def addresses(self) -> Addresses:
        """Where the client connects."""
        ...

    @property
    def pending_flows(self) -> PendingFlows:
        """Where sign-ins wait for a browser."""
        ...

    @property
    def surroundings(self) -> Surroundings:
        """Whether there is a browser."""
        ...

    @property
    def timing(self) -> Timing:
        """Clocks."""
        ...

    def sign_in(self, *, over_websocket: bool | None = None) -> SignIn:
        """Who signs in: the provider or the backend. None: the provider if its address is known."""
        ...

    def provider(self) -> HttpSignIn:
        """The provider itself. Raises ``ConfigurationError`` if its address is not known."""
        ...

    async def step_up(self) -> StepUp | None:
        """Raise the user's open connection with the token as it is now; None if there is no connection."""
        ...


class Flow:
    """What every group of flows has: the client, and whom it asks.

    Args:
        host: The client.
        over_websocket: Whether the backend is asked, through the gateway, rather than the provider itself.
    """

    def __init__(self, host: AuthHost, *, over_websocket: bool = False) -> None:
        self._host = host
        self._over_websocket = over_websocket

    @property
    def _sign_in(self) -> SignIn:
        return self._host.sign_in(over_websocket=self._over_websocket)

    @property
    def _account(self) -> SignIn:
        """Whom a signed-in user asks: the provider if its address is known."""
        return self._host.sign_in(over_websocket=self._over_websocket or None)

    async def _prepare(self) -> SignIn:
        """Whom to ask, once it is certain that the session could be kept."""
        sign_in = self._sign_in
        await self._host.prepare_sign_in()
        return sign_in

    async def _begin(self, session: Session) -> Session:
        await self._host.begin_session(session)
        return session

    def _require_session(self) -> Session:
        session = self._host.session
        if session is None:
            raise SignInRequiredError("Nobody is signed in.")
        return session
