"""Invitations and links that administrators make: ``/invite``, ``/admin/generate_link``.

Above: ``parts``. Below: ``invitations``, ``callers``.
"""

from __future__ import annotations

from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Admins
from cadenza.identity.handlers.leading import leads_to
from cadenza.identity.invitations import Invitations
from cadenza.identity.redirects import Redirects
from cadenza.protocol.auth import GenerateLinkBody, InviteBody, endpoints


class AdminLinkEndpoints:
    """See the module.

    Args:
        admins: Says who calls.
        invitations: The rules.
        redirects: Where links may end.
    """

    def __init__(self, *, admins: Admins, invitations: Invitations, redirects: Redirects) -> None:
        self._admins = admins
        self._invitations = invitations
        self._redirects = redirects

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.INVITE: {"POST": self.invite},
            endpoints.ADMIN_GENERATE_LINK: {"POST": self.generate_link},
        }

    async def invite(self, request: Request) -> Response:
        """Make a user and send them an invitation."""
        admin = await self._admins.of(request)
        body = decode_body(request.body, InviteBody)
        redirect_to = leads_to(self._redirects, request)
        return json_response(await self._invitations.invite(admin, body, redirect_to=redirect_to))

    async def generate_link(self, request: Request) -> Response:
        """Make a link and a code for the administrator to hand over."""
        admin = await self._admins.of(request)
        body = decode_body(request.body, GenerateLinkBody)
        wanted = body.redirect_to or ""
        redirect_to = wanted if self._redirects.allows(wanted) else leads_to(self._redirects, request)
        return json_response(await self._invitations.link(admin, body, redirect_to=redirect_to))
