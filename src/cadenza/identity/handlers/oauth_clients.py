"""Third-party applications (``/admin/oauth/clients``), where the provider is told that they may be.

What they would then ask themselves (``/oauth``: registering on their own, consent, tokens) is not served; it is refused
as Supabase Auth refuses it while its OAuth server is off.

Above: ``parts``. Below: ``oauth_clients``, ``callers``.
"""

from __future__ import annotations

import dataclasses
from typing import Final, NoReturn

from cadenza.identity import errors
from cadenza.identity.audit import Admin
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import Request, Response, decode_body, json_response, no_content
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Admins, Callers
from cadenza.identity.oauth_clients import OAuthClients
from cadenza.protocol.auth import ErrorCode, OAuthClientBody, OAuthClientList, endpoints

_BAD_REQUEST: Final = 400
_CREATED: Final = 201


class OAuthClientEndpoints:
    """See the module.

    Args:
        config: Whether there may be any.
        admins: Says who calls.
        callers: The same, of users.
        clients: The rules.
    """

    def __init__(self, config: IdentityConfig, *, admins: Admins, callers: Callers, clients: OAuthClients) -> None:
        self._config = config
        self._admins = admins
        self._callers = callers
        self._clients = clients

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        client = f"{endpoints.ADMIN_OAUTH_CLIENTS}/{{client_id}}"
        return {
            endpoints.ADMIN_OAUTH_CLIENTS: {"GET": self.list_clients, "POST": self.register},
            client: {"GET": self.get, "PUT": self.update, "DELETE": self.remove},
            f"{client}/regenerate_secret": {"POST": self.regenerate_secret},
            "/oauth/clients/register": {"POST": self.not_served},
            "/oauth/token": {"POST": self.not_served},
            "/oauth/userinfo": {"GET": self.not_served},
            "/oauth/authorize": {"GET": self.not_served},
            "/oauth/authorizations/{authorization_id}": {"GET": self.not_served},
            "/oauth/authorizations/{authorization_id}/consent": {"POST": self.not_served},
            "/user/oauth/grants": {"GET": self.no_grants, "DELETE": self.no_grants},
        }

    async def list_clients(self, request: Request) -> Response:
        """All of them, newest first."""
        await self._admin(request)
        return json_response(OAuthClientList(clients=await self._clients.all()))

    async def register(self, request: Request) -> Response:
        """Take one in."""
        admin = await self._admin(request)
        client = await self._clients.register(admin, _body(request))
        return dataclasses.replace(json_response(client), status=_CREATED)

    async def get(self, request: Request) -> Response:
        """One of them."""
        await self._admin(request)
        return json_response(await self._clients.get(request.values["client_id"]))

    async def update(self, request: Request) -> Response:
        """Change one."""
        admin, client_id = await self._admin(request), request.values["client_id"]
        await self._clients.get(client_id)  # whether there is one is said before what is wrong with the body
        return json_response(await self._clients.update(admin, client_id, _body(request)))

    async def regenerate_secret(self, request: Request) -> Response:
        """Give one another secret."""
        admin = await self._admin(request)
        return json_response(await self._clients.new_secret(admin, request.values["client_id"]))

    async def remove(self, request: Request) -> Response:
        """Remove one."""
        admin = await self._admin(request)
        await self._clients.remove(admin, request.values["client_id"])
        return no_content()

    async def not_served(self, _request: Request) -> NoReturn:
        """What applications would ask."""
        raise errors.oauth_server_disabled()

    async def no_grants(self, request: Request) -> NoReturn:
        """What users would have allowed them."""
        await self._callers.of(request)
        raise errors.oauth_server_disabled()

    async def _admin(self, request: Request) -> Admin:
        admin = await self._admins.of(request)
        if not self._config.oauth_server:
            raise errors.oauth_server_disabled()
        return admin


def _body(request: Request) -> OAuthClientBody:
    try:
        return decode_body(request.body, OAuthClientBody)
    except RefusalError:
        # In its own words, as all of Supabase Auth's OAuth server.
        raise RefusalError(_BAD_REQUEST, ErrorCode.BAD_JSON, "Invalid JSON body") from None
