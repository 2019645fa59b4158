"""A user's ways in: added through a provider, removed by hand.

Above: ``parts``. Below: ``oauth``, ``linking``, ``callers``.
"""

from __future__ import annotations

from cadenza.identity import oauth_errors as errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import Request, Response, json_response
from cadenza.identity.handlers import Table
from cadenza.identity.handlers.callers import Callers
from cadenza.identity.handlers.oauth import redirect_asked_for
from cadenza.identity.ids import uuid_of
from cadenza.identity.linking import Linking
from cadenza.identity.oauth import OAuth
from cadenza.identity.records import Records, UserRow
from cadenza.identity.returning import send_on
from cadenza.identity.sessions import Caller
from cadenza.identity.store import Store
from cadenza.protocol.auth import Empty, ProviderUrl, endpoints


class IdentityEndpoints:
    """See the module.

    Args:
        config: Whether this is allowed.
        callers: Says who calls.
        oauth: Sends a browser to the provider.
        linking: Removes.
        store: For transactions.
    """

    def __init__(
        self, config: IdentityConfig, *, callers: Callers, oauth: OAuth, linking: Linking, store: Store
    ) -> None:
        self._config = config
        self._callers = callers
        self._oauth = oauth
        self._linking = linking
        self._store = store

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.LINK_IDENTITY: {"GET": self.authorize},
            f"{endpoints.IDENTITIES}/{{identity_id}}": {"DELETE": self.delete},
        }

    async def authorize(self, request: Request) -> Response:
        """Begin to add a way in: a redirect to the provider, or its address where a page asked for that."""
        caller = await self._allowed(request)
        begun = await self._oauth.begin(
            request.query,
            redirect_to=redirect_asked_for(request),
            referer=request.headers.get("referer", ""),
            linking_user_id=caller.user.id,
        )
        if request.query.get(endpoints.SKIP_HTTP_REDIRECT) == "true":
            return json_response(ProviderUrl(url=begun.url))
        return send_on(begun.url)

    async def delete(self, request: Request) -> Response:
        """Remove a way in; never the last one."""
        caller = await self._allowed(request)
        identity_id = uuid_of(request.values["identity_id"])
        if identity_id is None:
            raise errors.identity_id_malformed()

        def unlink(records: Records) -> UserRow:
            user = records.users.by_id(caller.user.id)
            return self._linking.unlink(
                records, caller.user if user is None else user, identity_id, agent=request.agent
            )

        await self._store.write(unlink)
        return json_response(Empty())

    async def _allowed(self, request: Request) -> Caller:
        caller = await self._callers.of(request)
        if not self._config.manual_linking:
            raise errors.manual_linking_disabled()
        return caller
