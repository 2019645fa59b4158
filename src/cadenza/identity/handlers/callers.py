"""Who calls: the user and session of a request's bearer.

Above: the other files here. Below: ``access_tokens``, ``sessions``.
"""

from __future__ import annotations

from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.exchange import Request
from cadenza.identity.sessions import Caller, Sessions


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
