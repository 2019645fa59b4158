"""``api.auth``: signing in, up and out, and who is signed in.

Above: the user. Below: ``passwords``, ``codes``, ``redirects`` (ways in), ``account``, ``own_data``, ``mfa``; ``host``
(the client).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from cadenza.client.auth.account import AccountFlows, IdentityFlows
from cadenza.client.auth.codes import CodeFlows
from cadenza.client.auth.host import AuthHost
from cadenza.client.auth.mfa import Mfa
from cadenza.client.auth.own_data import OwnDataFlows
from cadenza.client.auth.passwords import PasswordFlows
from cadenza.client.auth.redirects import LinkFlows, RedirectFlows
from cadenza.client.auth.session import Session
from cadenza.client.auth.state import AuthState
from cadenza.errors import IdentityError, SignInRequiredError, TokenFormatError, UsageError
from cadenza.protocol.auth import LogoutScope
from cadenza.schema.auth import StepUp

#: Answers to a sign-out that say that the session is gone already (HTTP).
_GONE_ALREADY = frozenset({401, 403, 404})


class OverWebSocket(PasswordFlows, CodeFlows, RedirectFlows, AccountFlows):
    """Every way in, through the gateway: an anonymous connection that is closed afterwards (the mission's step 1).

    Args:
        host: The client.
    """

    def __init__(self, host: AuthHost) -> None:
        super().__init__(host, over_websocket=True)
        self.mfa = Mfa(host, over_websocket=True)


class Auth(PasswordFlows, CodeFlows, LinkFlows, AccountFlows, IdentityFlows, OwnDataFlows):
    """Sign-in and sign-out. One user at a time: signing in anew replaces the session.

    Args:
        host: The client.

    Attributes:
        over_websocket: The same ways in through the gateway, where the provider is out of the client's reach.
        mfa: The second factor.
    """

    def __init__(self, host: AuthHost) -> None:
        super().__init__(host)
        self.over_websocket = OverWebSocket(host)
        self.mfa = Mfa(host)

    @property
    def session(self) -> Session | None:
        """Who is signed in and until when; None if nobody is."""
        return self._host.session

    @property
    def state(self) -> AuthState:
        """How it stands with the session: who, until when, last refresh, next refresh and why, clocks, store."""
        return self._host.state

    def watch_state(self) -> AsyncIterator[AuthState]:
        """Watch ``state``: first as it is, then each change, until the client is closed.

        A reader that is 64 changes behind loses the oldest of them.

        ::

            async for state in api.auth.watch_state():
                print(state.phase.value, state.next_attempt_at)
        """
        return self._host.watch_state()

    async def prepare(self) -> None:
        """Make sure that a session could be kept, before anybody is asked for a password. Each way in does it as well.

        Raises:
            SessionStoreError: It could not; the other places are named. Nothing was sent.
        """
        await self._host.prepare_sign_in()

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
            AuthError: Temporary: too many refreshes in a short time; ``state`` says when the next may be.
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

    async def step_up(self) -> StepUp | None:
        """Raise the open connection to the session's level, without making it anew. ``mfa.verify`` does it by itself.

        Returns:
            The connection's level, and until when; None if there is no connection: the next one has the level anyway.

        Raises:
            SignInRequiredError: Nobody is signed in.
            AccessDeniedError: The session is not at ``aal2``, or another one than the connection's.
        """
        self._require_session()
        return await self._host.step_up()


def _scope(scope: str | LogoutScope) -> LogoutScope:
    try:
        return LogoutScope(scope)
    except ValueError:
        raise UsageError(f"A sign-out's scope is one of {', '.join(LogoutScope)}.") from None
