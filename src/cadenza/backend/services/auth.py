"""Signing in over the WebSocket: everything is forwarded to the identity provider; nothing is stored or logged.

Above: ``backend.router``. Below: ``guard``, ``ports`` (identity provider), schema, errors. Second factors stand in
``factors``.

A socket's user cannot change, so these methods hand tokens out and never raise the connection they came over. A token
in params must belong to the connection's own user, where it has one.
"""

from collections.abc import Iterable
from typing import Protocol

from cadenza.backend.ports import Caller, IdentityProvider
from cadenza.backend.services.guard import Guard
from cadenza.errors import RpcError
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    ExchangeOAuthParams,
    GetUserParams,
    IdTokenParams,
    LoginParams,
    LogoutParams,
    LogoutScope,
    OAuthStart,
    ReauthenticateParams,
    RecoverParams,
    RefreshParams,
    SendOtpParams,
    SignupParams,
    StartOAuthParams,
    UpdateUserParams,
    VerifyOtpParams,
)
from cadenza.schema.codes import Code
from cadenza.schema.system import NoParams

__all__ = ["OK", "AuthService", "Endings"]

#: What "simple" answers carry (contract: ``data: "ok"``).
OK = "ok"


class Endings(Protocol):
    """Is told which sessions have ended; ``backend.revocation`` has one."""

    def end(self, session_ids: Iterable[str]) -> None:
        """These have."""
        ...

    def end_user(self, user: str, *, but: str = "") -> None:
        """All of a user's have, or all but one."""
        ...


class AuthService:
    """Serves the auth methods.

    Args:
        provider: The identity provider.
        guard: Limits attempts, and checks the tokens in params.
        endings: Is told which sessions have ended.
    """

    def __init__(self, provider: IdentityProvider, guard: Guard, endings: Endings) -> None:
        self._endings = endings
        self._provider = provider
        self._guard = guard

    async def signup(self, params: SignupParams, caller: Caller) -> AuthSession:
        """Make a user. Limited by address, as it can also find out who exists."""
        self._guard.spend(caller)
        return await self._provider.signup(params, address=caller.address)

    async def login(self, params: LoginParams, caller: Caller) -> AuthSession:
        """Sign in with a password. An attempt that succeeds does not count, nor one the provider could not judge."""
        with self._guard.attempt(caller, purpose="password", account=params.email):
            return await self._provider.login(params.email, params.password, address=caller.address)

    async def anonymous(self, _: NoParams, caller: Caller) -> AuthSession:
        """Make a user without name or password; each one counts against the address."""
        self._guard.spend(caller)
        return await self._provider.anonymous(address=caller.address)

    async def id_token(self, params: IdTokenParams, caller: Caller) -> AuthSession:
        """Sign in with an ID token that another issuer gave. One that is refused counts against the address."""
        with self._guard.attempt(caller):
            return await self._provider.id_token(params, address=caller.address)

    async def refresh(self, params: RefreshParams, caller: Caller) -> AuthSession:
        """Trade a refresh token for a new session.

        A refused one counts against its address: to the provider, all who come through here may be one (row E7), and
        whoever sends it nonsense would use up everyone's share.
        """
        with self._guard.attempt(caller):
            return await self._provider.refresh(params.refresh_token, address=caller.address)

    async def send_otp(self, params: SendOtpParams, caller: Caller) -> str:
        """Mail a code and a link. Every mail counts, against the address and the account it goes to."""
        self._guard.spend(caller, mail_to=params.email)
        await self._provider.send_code(params, address=caller.address)
        return OK

    async def verify_otp(self, params: VerifyOtpParams, caller: Caller) -> AuthSession:
        """Sign in with a code and its address, or with what a link carries."""
        if params.token_hash is not None:
            with self._guard.attempt(caller):
                return await self._provider.verify_link(params.type, params.token_hash, address=caller.address)
        if params.email is None or params.token is None:
            field = "email" if params.email is None else "token"
            raise RpcError(
                "A code needs the address it was sent to; a link's hash goes into tokenHash.",
                code=Code.INVALID_ARGUMENT,
                field=field,
            )
        with self._guard.attempt(caller, purpose="code", account=params.email):
            return await self._provider.verify_code(params.type, params.email, params.token, address=caller.address)

    async def recover(self, params: RecoverParams, caller: Caller) -> str:
        """Mail what lets one in without the password; the answer is the same for an address nobody has."""
        self._guard.spend(caller, mail_to=params.email)
        await self._provider.recover(params, address=caller.address)
        return OK

    async def start_oauth(self, params: StartOAuthParams, _: Caller) -> OAuthStart:
        """Where to send the browser."""
        url = self._provider.oauth_url(params.provider, params.redirect_to, params.code_challenge)
        return OAuthStart(url=url)

    async def exchange_oauth(self, params: ExchangeOAuthParams, caller: Caller) -> AuthSession:
        """Sign in with the code that the browser came back with."""
        with self._guard.attempt(caller):
            return await self._provider.exchange(params.code, params.code_verifier, address=caller.address)

    async def logout(self, params: LogoutParams, caller: Caller) -> str:
        """End the sessions of a scope, and close their sockets."""
        owner = await self._guard.owner(params.access_token, caller)
        await self._provider.logout(params.access_token, params.scope)
        own = owner.claims.session_id or ""
        if params.scope is not LogoutScope.OTHERS:
            self._endings.end([own])
        if params.scope is not LogoutScope.LOCAL:
            self._endings.end_user(owner.sub, but=own if params.scope is LogoutScope.OTHERS else "")
        return OK

    async def user(self, params: GetUserParams, caller: Caller) -> AuthUser:
        """The user a token belongs to."""
        await self._guard.owner(params.access_token, caller)
        return await self._provider.user(params.access_token)

    async def update_user(self, params: UpdateUserParams, caller: Caller) -> AuthUser:
        """Change the user a token belongs to. A refused change counts: it may have been a guess at the old password."""
        owner = await self._guard.owner(params.access_token, caller)
        with self._guard.attempt(caller, purpose="change", account=owner.sub):
            return await self._provider.update_user(params, address=caller.address)

    async def reauthenticate(self, params: ReauthenticateParams, caller: Caller) -> str:
        """Mail the code that a new password may want."""
        owner = await self._guard.owner(params.access_token, caller)
        self._guard.spend(caller, mail_to=owner.sub)
        await self._provider.reauthenticate(params.access_token, address=caller.address)
        return OK
