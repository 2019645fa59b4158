"""Who calls: the user and session of a request's bearer, or an administrator.

Above: the other files here. Below: ``access_tokens``, ``sessions``.
"""

from __future__ import annotations

from typing import Final

from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.audit import Admin
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import Request
from cadenza.identity.sessions import Caller, Sessions
from cadenza.protocol.auth import ErrorCode

_FORBIDDEN: Final = 403


class Callers:
    """Recognises callers.

    Args:
        access_tokens: Believes tokens.
        sessions: Knows whether what they name is there still.
    """

    def __init__(self, *, access_tokens: AccessTokens, sessions: Sessions) -> None:
        self._access_tokens = access_tokens
        self._sessions = sessions

    async def of(self, request: Request) -> Caller:
        """The user who calls, and their session if the bearer names one.

        Raises:
            RefusalError: No bearer, not believed, or it outlived its user or session.
        """
        return await self._sessions.caller(await self._access_tokens.believe(request.headers))


class Admins:
    """Recognises administrators: bearers whose role is one of ``admin_roles``, of a user or of none.

    Args:
        config: Which roles those are.
        access_tokens: Believes tokens.
    """

    def __init__(self, config: IdentityConfig, *, access_tokens: AccessTokens) -> None:
        self._roles = config.admin_roles
        self._access_tokens = access_tokens

    async def of(self, request: Request) -> Admin:
        """The administrator who calls.

        Raises:
            RefusalError: No bearer, not believed, or of another role (``not_admin``).
        """
        claims = await self._access_tokens.believe_anyone(request.headers)
        if claims.role not in self._roles:
            raise RefusalError(_FORBIDDEN, ErrorCode.NOT_ADMIN, "User not allowed")
        return Admin(role=claims.role or "", user_id=claims.sub) if claims.sub else Admin(role=claims.role or "")
