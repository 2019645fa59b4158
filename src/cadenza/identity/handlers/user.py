"""The signed-in user: ``/user``, ``/user/export`` and ``/logout``.

Above: ``parts``. Below: ``changes``, ``own_data``, ``sessions``, ``callers``.
"""

from __future__ import annotations

from typing import Final

from cadenza.identity import errors
from cadenza.identity.changes import Changes
from cadenza.identity.exchange import Request, Response, decode_body, json_response, no_content
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.handlers.leading import leads_to
from cadenza.identity.limits import Limits
from cadenza.identity.own_data import OwnData
from cadenza.identity.redirects import Redirects
from cadenza.identity.sessions import Sessions
from cadenza.identity.views import user_view
from cadenza.protocol.auth import DeleteAccountBody, LogoutScope, UserUpdateBody, endpoints

_LONGEST_ECHO: Final = 64


class UserEndpoints:
    """See the module.

    Args:
        callers: Says who calls.
        changes: Changes them.
        redirects: Where a mail's link may end.
        limits: Counts changes by address.
        sessions: Ends theirs.
        own_data: Copies what is theirs, and lets them go.
    """

    def __init__(
        self,
        *,
        callers: Callers,
        changes: Changes,
        sessions: Sessions,
        redirects: Redirects,
        limits: Limits,
        own_data: OwnData,
    ) -> None:
        self._callers = callers
        self._changes = changes
        self._redirects = redirects
        self._limits = limits
        self._sessions = sessions
        self._own_data = own_data

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.USER: {"GET": self.get_user, "PUT": self.put_user, "DELETE": self.delete_user},
            endpoints.EXPORT: {"GET": self.export_user},
            endpoints.LOGOUT: {"POST": self.log_out},
        }

    async def get_user(self, request: Request) -> Response:
        """Who calls."""
        caller = await self._callers.of(request)
        return json_response(user_view(caller.user, caller.identities, caller.factors))

    async def put_user(self, request: Request) -> Response:
        """Change who calls."""
        caller = await self._callers.of(request)
        self._limits.user.take(request.address)
        body = decode_body(request.body, UserUpdateBody)
        url = leads_to(self._redirects, request)
        return json_response(await self._changes.apply(caller, body, redirect_to=url, address=request.address))

    async def export_user(self, request: Request) -> Response:
        """All that is kept of who calls."""
        caller = await self._callers.of(request)
        self._limits.user.take(request.address)
        return json_response(await self._own_data.export(caller))

    async def delete_user(self, request: Request) -> Response:
        """Delete who calls."""
        caller = await self._callers.of(request)
        self._limits.user.take(request.address)
        body = decode_body(request.body, DeleteAccountBody) if request.body else DeleteAccountBody()
        gone = await self._own_data.delete(caller, nonce=body.nonce or "", address=request.address)
        return json_response(gone)

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
