"""Second factors over the WebSocket, and raising a connection by one.

Above: ``backend.router``. Below: ``guard``, ``ports`` (identity provider, levels), schema, errors.

``mfa.verify`` hands out a session at ``aal2``, as the provider does; ``stepup`` shows such a token and raises the
connection it comes over, because a socket's own token cannot change.
"""

from cadenza.backend.ports import Caller, ConnectionLevels, IdentityProvider
from cadenza.backend.services.auth import OK
from cadenza.backend.services.guard import Guard, refused
from cadenza.errors import RpcError
from cadenza.schema.auth import (
    AuthSession,
    ChallengeMfaParams,
    EnrollMfaParams,
    ListMfaParams,
    MfaChallenge,
    MfaEnrollment,
    MfaFactor,
    StepUp,
    StepUpParams,
    UnenrollMfaParams,
    VerifyMfaParams,
)
from cadenza.schema.codes import Code

__all__ = ["FactorService"]

#: NIST SP 800-63's second level, as Supabase Auth names it.
_AAL2 = "aal2"


class FactorService:
    """Serves ``*.auth.mfa.*`` and ``command.auth.stepup``.

    Args:
        provider: The identity provider.
        guard: Limits attempts, and checks the tokens in params.
        levels: Where connections are raised.
    """

    def __init__(self, provider: IdentityProvider, guard: Guard, levels: ConnectionLevels) -> None:
        self._provider = provider
        self._guard = guard
        self._levels = levels

    async def list(self, params: ListMfaParams, caller: Caller) -> tuple[MfaFactor, ...]:
        """The factors of the token's user."""
        await self._guard.owner(params.access_token, caller)
        return await self._provider.factors(params.access_token)

    async def enroll(self, params: EnrollMfaParams, caller: Caller) -> MfaEnrollment:
        """Begin to add an authenticator app."""
        await self._guard.owner(params.access_token, caller)
        return await self._provider.enroll(params, address=caller.address)

    async def unenroll(self, params: UnenrollMfaParams, caller: Caller) -> str:
        """Remove a factor."""
        await self._guard.owner(params.access_token, caller)
        await self._provider.unenroll(params.access_token, params.factor_id, address=caller.address)
        return OK

    async def challenge(self, params: ChallengeMfaParams, caller: Caller) -> MfaChallenge:
        """Begin the second factor."""
        await self._guard.owner(params.access_token, caller)
        with self._guard.attempt(caller):
            return await self._provider.challenge(params.access_token, params.factor_id, address=caller.address)

    async def verify(self, params: VerifyMfaParams, caller: Caller) -> AuthSession:
        """Finish it. A wrong code counts against the address and the user: six digits are soon tried."""
        owner = await self._guard.owner(params.access_token, caller)
        with self._guard.attempt(caller, purpose="factor", account=owner.sub):
            return await self._provider.verify_factor(params, address=caller.address)

    async def stepup(self, params: StepUpParams, caller: Caller) -> StepUp:
        """Raise this connection until the token expires. The token must be of the same user and the same session."""
        if not caller.user:
            raise RpcError("Sign in first: this connection has no user.", code=Code.SIGN_IN_REQUIRED)
        token = await self._guard.owner(params.access_token, caller)
        if token.claims.aal != _AAL2 or token.exp is None:
            raise refused("The access token does not prove a second factor (aal2).", Code.SECOND_FACTOR_REQUIRED)
        session = caller.token_meta.session_id
        # A connection whose session is not known cannot be held against the token's, so it is not raised either.
        if not session or token.claims.session_id != session:
            raise refused("The access token is of another session than this connection.", Code.ACCESS_DENIED)
        self._levels.raise_to(caller.client, caller.user, _AAL2, expires_at=token.exp)
        return StepUp(aal=_AAL2, expires_at=int(token.exp))
