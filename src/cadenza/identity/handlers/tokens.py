"""Coming in: ``/signup`` and ``/token``.

Above: ``parts``. Below: ``users``, the grants.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadenza.identity import errors
from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.grants import Grant
from cadenza.identity.handlers import Table
from cadenza.identity.limits import Limits
from cadenza.identity.users import Users
from cadenza.protocol.auth import SignupBody, endpoints


class TokenEndpoints:
    """See the module.

    Args:
        users: Registers.
        grants: By ``grant_type``.
        limits: Counts requests by address.
    """

    def __init__(
        self,
        *,
        users: Users,
        grants: Mapping[str, Grant],
        limits: Limits,
    ) -> None:
        self._users = users
        self._grants = grants
        self._limits = limits

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {endpoints.SIGNUP: {"POST": self.sign_up}, endpoints.TOKEN: {"POST": self.token}}

    async def sign_up(self, request: Request) -> Response:
        """Register; with neither address nor number it would be an anonymous user, which is not served."""
        body = decode_body(request.body, SignupBody)
        if not body.email and not body.phone:
            raise errors.anonymous_disabled()
        self._limits.sign_up.take(request.address)
        return json_response(await self._users.sign_up(body, agent=request.agent))

    async def token(self, request: Request) -> Response:
        """Trade for a session, by the grant the query names."""
        grant = self._grants.get(request.query.get(endpoints.GRANT_TYPE, ""))
        if grant is None:
            raise errors.unsupported_grant()
        self._limits.token.take(request.address)
        return json_response(await grant.exchange(request))
