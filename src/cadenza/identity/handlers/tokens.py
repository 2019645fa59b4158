"""Coming in: ``/signup`` and ``/token``.

Above: ``parts``. Below: ``sign_up``, the grants.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadenza.identity import errors
from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.grants import Grant
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.leading import leads_to
from cadenza.identity.limits import Limits
from cadenza.identity.redirects import Redirects
from cadenza.identity.sign_up import SignUp
from cadenza.protocol.auth import SignupBody, endpoints


class TokenEndpoints:
    """See the module.

    Args:
        sign_up: Registers.
        redirects: Where the mail's link may end.
        grants: By ``grant_type``.
        limits: Counts requests by address.
        anonymous_users: Whether there may be any; those who ask in vain are not counted.
    """

    def __init__(
        self,
        *,
        sign_up: SignUp,
        redirects: Redirects,
        grants: Mapping[str, Grant],
        limits: Limits,
        anonymous_users: bool,
    ) -> None:
        self._sign_up = sign_up
        self._redirects = redirects
        self._grants = grants
        self._limits = limits
        self._anonymous_users = anonymous_users

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {endpoints.SIGNUP: {"POST": self.sign_up}, endpoints.TOKEN: {"POST": self.token}}

    async def sign_up(self, request: Request) -> Response:
        """Register; with neither address nor number as an anonymous user."""
        body = decode_body(request.body, SignupBody)
        if not body.email and not body.phone:
            if self._anonymous_users:
                self._limits.anonymous.take(request.address)
            return json_response(await self._sign_up.sign_up_anonymously(body, agent=request.agent))
        self._limits.sign_up.take(request.address)
        return json_response(
            await self._sign_up.sign_up(body, redirect_to=leads_to(self._redirects, request), agent=request.agent)
        )

    async def token(self, request: Request) -> Response:
        """Trade for a session, by the grant the query names."""
        grant = self._grants.get(request.query.get(endpoints.GRANT_TYPE, ""))
        if grant is None:
            raise errors.unsupported_grant()
        self._limits.token.take(request.address)
        return json_response(await grant.exchange(request))
