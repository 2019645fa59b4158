"""Links and codes asked for: ``/otp``, ``/magiclink``, ``/recover``, ``/resend``, ``/reauthenticate``.

Above: ``parts``. Below: ``links``, ``reauthentication``.
"""

from __future__ import annotations

from cadenza.identity.exchange import Request, Response, decode_body, json_response
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.handlers.leading import leads_to
from cadenza.identity.limits import Limits
from cadenza.identity.links import Links
from cadenza.identity.reauthentication import Reauthentication
from cadenza.identity.redirects import Redirects
from cadenza.protocol.auth import MagicLinkBody, OtpBody, RecoverBody, ResendBody, endpoints


class LinkEndpoints:
    """See the module.

    Args:
        callers: Says who calls.
        links: Sends them.
        reauthentication: Sends the proof's.
        redirects: Where links may end.
        limits: Counts requests by address.
    """

    def __init__(
        self,
        *,
        callers: Callers,
        links: Links,
        reauthentication: Reauthentication,
        redirects: Redirects,
        limits: Limits,
    ) -> None:
        self._callers = callers
        self._links = links
        self._reauthentication = reauthentication
        self._redirects = redirects
        self._limits = limits

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.OTP: {"POST": self.otp},
            endpoints.MAGICLINK: {"POST": self.magic_link},
            endpoints.RECOVER: {"POST": self.recover},
            endpoints.RESEND: {"POST": self.resend},
            endpoints.REAUTHENTICATE: {"GET": self.reauthenticate},
        }

    async def otp(self, request: Request) -> Response:
        """A code to come in with."""
        self._limits.otp.take(request.address)
        body = decode_body(request.body, OtpBody)
        return json_response(await self._links.otp(body, redirect_to=leads_to(self._redirects, request)))

    async def magic_link(self, request: Request) -> Response:
        """The same, by its older name."""
        self._limits.magic_link.take(request.address)
        body = decode_body(request.body, MagicLinkBody)
        return json_response(await self._links.magic_link(body, redirect_to=leads_to(self._redirects, request)))

    async def recover(self, request: Request) -> Response:
        """A link for whoever forgot the password."""
        self._limits.recover.take(request.address)
        body = decode_body(request.body, RecoverBody)
        return json_response(await self._links.recover(body, redirect_to=leads_to(self._redirects, request)))

    async def resend(self, request: Request) -> Response:
        """What waits for a confirmation, once more."""
        self._limits.resend.take(request.address)
        body = decode_body(request.body, ResendBody)
        return json_response(await self._links.resend(body, redirect_to=leads_to(self._redirects, request)))

    async def reauthenticate(self, request: Request) -> Response:
        """A code for whoever is signed in and must prove it once more."""
        return json_response(await self._reauthentication.ask(await self._callers.of(request)))
