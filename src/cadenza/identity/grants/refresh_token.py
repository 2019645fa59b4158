"""The refresh-token grant: an old refresh token for a session's next one.

Above: ``parts``. Below: ``sessions`` has the rules.
"""

from __future__ import annotations

from cadenza.identity.errors import refresh_token_invalid
from cadenza.identity.exchange import Request, decode_body
from cadenza.identity.refresh_tokens import has_form
from cadenza.identity.sessions import Sessions
from cadenza.protocol.auth import RefreshTokenGrantBody, Session


class RefreshTokenGrant:
    """See the module."""

    def __init__(self, *, sessions: Sessions) -> None:
        self._sessions = sessions

    async def exchange(self, request: Request) -> Session:
        """The session of the token the body holds, with new tokens."""
        token = decode_body(request.body, RefreshTokenGrantBody).refresh_token or ""
        if not has_form(token):
            raise refresh_token_invalid()
        return await self._sessions.refresh(token, agent=request.agent)
