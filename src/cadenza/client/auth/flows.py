"""``api.auth``: signing in, up and out, and who is signed in.

Above: the user. Below: ``ports`` (who signs in), ``tokens`` (keeps the session), through the client as host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from cadenza.client.auth.ports import SignIn
from cadenza.client.auth.session import Session
from cadenza.errors import IdentityError, SignInRequiredError, TokenFormatError, UsageError
from cadenza.protocol.auth import LogoutScope
from cadenza.schema.auth import AuthUser

#: Answers to a sign-out that say that the session is gone already (HTTP).
_GONE_ALREADY = frozenset({401, 403, 404})


class AuthHost(Protocol):
    """What signing in does to the client."""

    @property
    def session(self) -> Session | None:
        """The session as it is now."""
        ...

    def sign_in(self, *, over_websocket: bool | None = None) -> SignIn:
        """Who signs in: the provider or the backend. None: the provider if its address is known."""
        ...

    async def begin_session(self, session: Session) -> None:
        """Keep it, and connect with it from now on."""
        ...

    async def end_session(self) -> None:
        """Forget it, and close its connection."""
        ...

    async def access_token(self, *, refused: str | None = None) -> str:
        """The token as it is now, or another one than ``refused``."""
        ...


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sign-up.

    Attributes:
        session: The session, already in use; None when the address must be confirmed first.
    """

    session: Session | None

    @property
    def needs_confirmation(self) -> bool:
        """Whether the user must first follow the link in their mail."""
        return self.session is None


class Auth:
    """Sign-in and sign-out. One user at a time: signing in anew replaces the session.

    Args:
        host: The client.
    """

    def __init__(self, host: AuthHost) -> None:
        self._host = host

    @property
    def session(self) -> Session | None:
        """Who is signed in and until when; None if nobody is."""
        return self._host.session

    async def sign_in_with_password(self, email: str, password: str) -> Session:
        """Sign in at the identity provider.

        Raises:
            IdentityError: Refused; ``error_code`` says why (``invalid_credentials``, ``email_not_confirmed``).
            TransportError: The provider cannot be reached.
            ConfigurationError: The provider's address is not known.
        """
        return await self._begin(await self._host.sign_in(over_websocket=False).password(email, password))

    async def sign_in_over_websocket(self, email: str, password: str) -> Session:
        """Sign in through the gateway, over an anonymous connection that is closed after it (the mission's step 1).

        Raises:
            IdentityError: Refused, as above.
            TransportError: The gateway cannot be reached.
        """
        return await self._begin(await self._host.sign_in(over_websocket=True).password(email, password))

    async def sign_up(self, email: str, password: str, *, metadata: Mapping[str, object] | None = None) -> SignUp:
        """Make a user at the identity provider and, unless the address must be confirmed first, sign in.

        Args:
            email: The address.
            password: Eight characters or more.
            metadata: The user's own data.

        Raises:
            IdentityError: Refused (``user_already_exists``, ``weak_password``).
            TransportError: The provider cannot be reached.
        """
        return await self._sign_up(self._host.sign_in(over_websocket=False), email, password, metadata)

    async def sign_up_over_websocket(
        self, email: str, password: str, *, metadata: Mapping[str, object] | None = None
    ) -> SignUp:
        """The same through the gateway."""
        return await self._sign_up(self._host.sign_in(over_websocket=True), email, password, metadata)

    async def use_session(self, session: Session) -> Session:
        """Take over a session that was had elsewhere: it is checked, stored and kept fresh like any other.

        Raises:
            TokenFormatError: Its access token is none.
        """
        return await self._begin(session)

    async def refresh(self) -> Session:
        """Refresh the session now, ahead of its time.

        Raises:
            SignInRequiredError: Nobody is signed in, or the session is over.
            TransportError: Out of reach; the session stays as it is.
        """
        session = self._require_session()
        await self._host.access_token(refused=session.access_token)
        return self._require_session()

    async def sign_out(self, scope: str | LogoutScope = LogoutScope.LOCAL) -> None:
        """Sign out: end sessions at the provider, forget this one here, close its connection.

        Args:
            scope: ``local`` this session, ``global`` all of the user's, ``others`` all but this one, which goes on.

        Raises:
            TransportError: The provider cannot be reached; nothing was forgotten, so that it can be tried again.
            UsageError: There is no such scope.
        """
        wanted = _scope(scope)
        try:
            token = await self._host.access_token()
            await self._host.sign_in().sign_out(token, wanted)
        except (SignInRequiredError, TokenFormatError):
            pass  # there is nothing the provider could end
        except IdentityError as error:
            if error.status not in _GONE_ALREADY:
                raise
        if wanted is not LogoutScope.OTHERS:
            await self._host.end_session()

    async def user(self) -> AuthUser:
        """The signed-in user, as the provider knows them now.

        Raises:
            SignInRequiredError: Nobody is signed in.
        """
        token = await self._host.access_token()
        return await self._host.sign_in().user(token)

    async def _sign_up(
        self, sign_in: SignIn, email: str, password: str, metadata: Mapping[str, object] | None
    ) -> SignUp:
        session = await sign_in.sign_up(email, password, metadata)
        return SignUp(session=None if session is None else await self._begin(session))

    async def _begin(self, session: Session) -> Session:
        await self._host.begin_session(session)
        return session

    def _require_session(self) -> Session:
        session = self._host.session
        if session is None:
            raise SignInRequiredError("Nobody is signed in.")
        return session


def _scope(scope: str | LogoutScope) -> LogoutScope:
    try:
        return LogoutScope(scope)
    except ValueError:
        raise UsageError(f"A sign-out's scope is one of {', '.join(LogoutScope)}.") from None
