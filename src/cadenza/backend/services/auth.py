"""Signing in over the WebSocket: everything is forwarded to the identity provider; nothing is stored or logged.

Above: ``backend.router``. Below: ``ports`` (identity provider, token verifier, limiter), schema, errors.

A socket's user cannot change, so these methods hand tokens out and never raise the connection they came over. A token
in params must belong to the connection's own user, where it has one.
"""

import contextlib
from collections.abc import Hashable, Iterator
from typing import Protocol

from cadenza.backend.address import counted_as
from cadenza.backend.ports import Caller, IdentityProvider, TokenVerifier
from cadenza.errors import (
    KeysUnavailableError,
    RpcError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    GetUserParams,
    LoginParams,
    LogoutParams,
    RefreshParams,
    SignupParams,
)
from cadenza.schema.codes import Code

__all__ = ["Attempts", "AuthService"]

#: What "simple" answers carry (contract: ``data: "ok"``).
OK = "ok"
#: Longer texts are no addresses (RFC 5321 section 4.5.3.1), and no key of a limiter should be that long.
_LONGEST_EMAIL = 320


class Attempts(Protocol):
    """Counts attempts by key; ``backend.limits`` has one."""

    def take(self, key: Hashable) -> float | None:
        """Use up an attempt; seconds to wait when there is none."""
        ...

    def give_back(self, key: Hashable) -> None:
        """Return an attempt that succeeded."""
        ...


class AuthService:
    """Serves the auth methods.

    Args:
        provider: The identity provider.
        verifier: Checks the access tokens that come in params.
        by_address: Limits attempts from one network address; addresses that are unknown are not limited.
        by_account: Limits attempts on one account.
    """

    def __init__(
        self, provider: IdentityProvider, verifier: TokenVerifier, *, by_address: Attempts, by_account: Attempts
    ) -> None:
        self._provider = provider
        self._verifier = verifier
        self._by_address = by_address
        self._by_account = by_account

    async def signup(self, params: SignupParams, caller: Caller) -> AuthSession:
        """Make a user. Limited by address, as it can also find out who exists."""
        self._take(self._by_address, counted_as(caller.address))
        return await self._provider.signup(params.email, params.password, params.metadata, address=caller.address)

    async def login(self, params: LoginParams, caller: Caller) -> AuthSession:
        """Sign in with a password. An attempt that succeeds does not count, nor one the provider could not judge."""
        account = params.email.strip().casefold()[:_LONGEST_EMAIL]
        with self._attempt((self._by_address, counted_as(caller.address)), (self._by_account, account)):
            return await self._provider.login(params.email, params.password, address=caller.address)

    async def refresh(self, params: RefreshParams, caller: Caller) -> AuthSession:
        """Trade a refresh token for a new session.

        A refused one counts against its address: to the provider, all who come through here may be one (row E7), and
        whoever sends it nonsense would use up everyone's share.
        """
        with self._attempt((self._by_address, counted_as(caller.address))):
            return await self._provider.refresh(params.refresh_token, address=caller.address)

    async def logout(self, params: LogoutParams, caller: Caller) -> str:
        """End the sessions of a scope."""
        await self._check_owner(params.access_token, caller)
        await self._provider.logout(params.access_token, params.scope)
        return OK

    async def user(self, params: GetUserParams, caller: Caller) -> AuthUser:
        """The user a token belongs to."""
        await self._check_owner(params.access_token, caller)
        return await self._provider.user(params.access_token)

    @contextlib.contextmanager
    def _attempt(self, *counted: tuple[Attempts, str]) -> Iterator[None]:
        """One attempt of each; given back unless the provider judged and refused it."""
        for attempts, key in counted:
            self._take(attempts, key)
        counts = False
        try:
            yield
        except RpcError as error:
            counts = not error.temporary
            raise
        finally:
            if not counts:
                for attempts, key in counted:
                    attempts.give_back(key)

    def _take(self, attempts: Attempts, key: str) -> None:
        wait = attempts.take(key) if key else None
        if wait is not None:
            raise RpcError(
                "Too many attempts; wait before the next.",
                code=Code.TOO_MANY_ATTEMPTS,
                temporary=True,
                retry_after_seconds=wait,
            )

    async def _check_owner(self, access_token: str, caller: Caller) -> None:
        """The token must be good, and its user the connection's, where that has one."""
        try:
            verified = await self._verifier.verify(access_token)
        except TokenExpiredError as error:
            raise _refused("The access token has expired.", Code.TOKEN_EXPIRED) from error
        except (TokenFormatError, TokenNotYetValidError, TokenInvalidError) as error:
            raise _refused("The access token is not valid.", Code.TOKEN_INVALID) from error
        except KeysUnavailableError as error:
            raise RpcError(
                "The identity provider's keys cannot be had now.", code=Code.SERVICE_UNAVAILABLE, temporary=True
            ) from error
        if caller.user and verified.sub != caller.user:
            raise _refused("The access token belongs to another user than this connection.", Code.ACCESS_DENIED)


def _refused(message: str, code: int) -> RpcError:
    return RpcError(message, code=code, field="accessToken")
