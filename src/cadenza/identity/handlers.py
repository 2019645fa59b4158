"""The endpoints: a request in, a response out, no server and no HTTP details beyond ``exchange``.

Above: ``app`` finds the endpoint and turns refusals into error bodies. Below: the grants, ``users``, ``sessions``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cadenza.identity import documents, errors
from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import Request, Response, decode_body, json_response, no_content
from cadenza.identity.grants import Grant
from cadenza.identity.limits import Limits
from cadenza.identity.sessions import Caller, Sessions
from cadenza.identity.users import Users
from cadenza.identity.views import user_view
from cadenza.protocol.auth import LogoutScope, SignupBody, UserUpdateBody, endpoints

Handler = Callable[[Request], Awaitable[Response]]

_LONGEST_ECHO: Final = 64


class Handlers:
    """Every endpoint of this provider.

    Args:
        config: For the documents.
        public_keys: For the key set.
        users: Registers and changes.
        sessions: Ends.
        access_tokens: Says who calls.
        grants: By ``grant_type``.
        limits: Counts requests by address.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        public_keys: tuple[dict[str, object], ...],
        users: Users,
        sessions: Sessions,
        access_tokens: AccessTokens,
        grants: Mapping[str, Grant],
        limits: Limits,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._access_tokens = access_tokens
        self._grants = grants
        self._limits = limits
        self._health = documents.health()
        self._settings = documents.settings(config)
        self._key_set = documents.key_set(public_keys)
        self._openid_configuration = documents.openid_configuration(config)

    def table(self) -> Mapping[str, Mapping[str, Handler]]:
        """Path -> method -> endpoint."""
        return {
            endpoints.HEALTH: {"GET": self.health},
            endpoints.SETTINGS: {"GET": self.settings},
            endpoints.JWKS: {"GET": self.key_set},
            endpoints.OPENID_CONFIGURATION: {"GET": self.openid_configuration},
            endpoints.OAUTH_AUTHORIZATION_SERVER: {"GET": self.oauth_authorization_server},
            endpoints.SIGNUP: {"POST": self.sign_up},
            endpoints.TOKEN: {"POST": self.token},
            endpoints.USER: {"GET": self.get_user, "PUT": self.put_user},
            endpoints.LOGOUT: {"POST": self.log_out},
        }

    async def health(self, _request: Request) -> Response:
        """The provider lives."""
        return self._health

    async def settings(self, _request: Request) -> Response:
        """Which ways in are open."""
        return self._settings

    async def key_set(self, _request: Request) -> Response:
        """The public keys."""
        return self._key_set

    async def openid_configuration(self, _request: Request) -> Response:
        """Issuer and addresses."""
        return self._openid_configuration

    async def oauth_authorization_server(self, _request: Request) -> Response:
        """Off, as in Supabase Auth unless its own OAuth server is turned on."""
        raise errors.oauth_server_disabled()

    async def sign_up(self, request: Request) -> Response:
        """Register; with neither address nor number it would be an anonymous user, which is not served."""
        body = decode_body(request.body, SignupBody)
        if not body.email and not body.phone:
            raise errors.anonymous_disabled()
        self._limits.sign_up.take(request.address)
        return json_response(await self._users.sign_up(body))

    async def token(self, request: Request) -> Response:
        """Trade for a session, by the grant the query names."""
        grant = self._grants.get(request.query.get(endpoints.GRANT_TYPE, ""))
        if grant is None:
            raise errors.unsupported_grant()
        self._limits.token.take(request.address)
        return json_response(await grant.exchange(request.body))

    async def get_user(self, request: Request) -> Response:
        """Who calls."""
        caller = await self._caller(request)
        return json_response(user_view(caller.user, caller.identities))

    async def put_user(self, request: Request) -> Response:
        """Change who calls."""
        caller = await self._caller(request)
        return json_response(await self._users.update(caller, decode_body(request.body, UserUpdateBody)))

    async def log_out(self, request: Request) -> Response:
        """End the caller's session, the others, or all."""
        caller = await self._caller(request)
        named = request.query.get(endpoints.SCOPE, "") or LogoutScope.GLOBAL.value
        try:
            scope = LogoutScope(named)
        except ValueError:
            shown = named[:_LONGEST_ECHO].encode("unicode_escape").decode()
            raise errors.validation_failed(f'Unsupported logout scope "{shown}"') from None
        await self._sessions.end(caller, scope)
        return no_content()

    async def _caller(self, request: Request) -> Caller:
        return await self._sessions.caller(await self._access_tokens.believe(request.headers))
