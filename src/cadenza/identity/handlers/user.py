"""The signed-in user: ``/user`` and ``/logout``.

Above: ``parts``. Below: ``users``, ``sessions``, ``callers``.
"""

from __future__ import annotations

from typing import Final

from cadenza.identity import errors
from cadenza.identity.exchange import Request, Response, decode_body, json_response, no_content
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.sessions import Sessions
from cadenza.identity.users import Users
from cadenza.identity.views import user_view
from cadenza.protocol.auth import LogoutScope, UserUpdateBody, endpoints

_LONGEST_ECHO: Final = 64


class UserEndpoints:
    """See the module.

    Args:
        callers: Says who calls.
        users: Changes them.
        sessions: Ends theirs.
    """

    def __init__(self, *, callers: Callers, users: Users, sessions: Sessions) -> None:
        self._callers = callers
        self._users = users
        self._sessions = sessions

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.USER: {"GET": self.get_user, "PUT": self.put_user},
            endpoints.LOGOUT: {"POST": self.log_out},
        }

    async def get_user(self, request: Request) -> Response:
        """Who calls."""
        caller = await self._callers.of(request)
        return json_response(user_view(caller.user, caller.identities, caller.factors))

    async def put_user(self, request: Request) -> Response:
        """Change who calls."""
        caller = await self._callers.of(request)
        return json_response(await self._users.update(caller, decode_body(request.body, UserUpdateBody)))

    async def log_out(self, request: Request) -> Response:
        """End the caller's session, the others, or all."""
        caller = await self._callers.of(request)
        named = request.query.get(endpoints.SCOPE, "") or LogoutScope.GLOBAL.value
        try:
            scope = LogoutScope(named)
        except ValueError:
            shown = named[:_LONGEST_ECHO].encode("unicode_escape").decode()
            raise errors.validation_failed(f'Unsupported logout scope "{shown}"') from None
        await self._sessions.end(caller, scope)
        return no_content()
