"""Signing in over the WebSocket (the mission's step 1): an anonymous connection and the ``*.auth.*`` methods.

Above: ``_client``. Below: schema. Refusals become the same exceptions as when the provider is asked directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from cadenza.client.auth.session import Session
from cadenza.errors import AccessDeniedError, IdentityError, ProtocolError, SignInRequiredError, TokenInvalidError
from cadenza.protocol.auth import ErrorCode, LogoutScope
from cadenza.schema import auth as contract
from cadenza.schema import methods
from cadenza.schema.methods import Method

P = TypeVar("P")
D = TypeVar("D")


class AuthCall(Protocol):
    """Calls a method of ``*.auth.*``, which needs no signed-in connection."""

    async def __call__(self, method: Method[P, D], params: P, /) -> D:
        """Call it."""
        ...


class SocketSignIn:
    """The backend's auth methods.

    Args:
        call: Calls over an anonymous connection.
    """

    def __init__(self, call: AuthCall) -> None:
        self._call = call

    async def password(self, email: str, password: str) -> Session:
        """Sign in with a password."""
        params = contract.LoginParams(email=email, password=password)
        return _session(await self._call(methods.COMMAND_AUTH_LOGIN, params))

    async def sign_up(self, email: str, password: str, metadata: Mapping[str, object] | None) -> Session | None:
        """Make a user. None: the address must be confirmed first."""
        params = contract.SignupParams(
            email=email, password=password, metadata=None if metadata is None else dict(metadata)
        )
        made = await self._call(methods.COMMAND_AUTH_SIGNUP, params)
        return None if made.access_token is None else _session(made)

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session."""
        try:
            answer = await self._call(methods.COMMAND_AUTH_REFRESH, contract.RefreshParams(refresh_token=refresh_token))
        except (SignInRequiredError, TokenInvalidError) as error:
            raise _session_over(error, ErrorCode.SESSION_NOT_FOUND) from error
        except AccessDeniedError as error:
            raise _session_over(error, ErrorCode.USER_BANNED) from error
        return _session(answer)

    async def sign_out(self, access_token: str, scope: LogoutScope) -> None:
        """End sessions."""
        params = contract.LogoutParams(access_token=access_token, scope=contract.LogoutScope(scope.value))
        await self._call(methods.COMMAND_AUTH_LOGOUT, params)

    async def user(self, access_token: str) -> contract.AuthUser:
        """Whose token it is."""
        return await self._call(methods.QUERY_AUTH_USER, contract.GetUserParams(access_token=access_token))


def _session(answer: contract.AuthSession) -> Session:
    if not answer.access_token or answer.expires_in is None or answer.expires_at is None:
        raise ProtocolError("The backend's session lacks a token or its lifetime.")
    user = answer.user or contract.AuthUser()
    return Session(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or "",
        expires_in=answer.expires_in,
        expires_at=answer.expires_at,
        user_id=user.id or "",
        email=user.email or "",
    )


def _session_over(error: SignInRequiredError | TokenInvalidError | AccessDeniedError, word: str) -> IdentityError:
    """The refusal as the provider words it, which is what the token manager decides by."""
    return IdentityError(error.message, status=400, error_code=word, code=error.code, temporary=False)
