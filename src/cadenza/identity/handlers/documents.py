"""What hardly changes while the provider runs: health, settings, keys, discovery.

Above: ``parts``. Below: ``documents``.
"""

from __future__ import annotations

from cadenza.identity import documents, errors
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import Request, Response
from cadenza.identity.handlers import Table
from cadenza.identity.keys import KeyRing
from cadenza.protocol.auth import endpoints


class DocumentEndpoints:
    """Encoded once, the key set whenever the keys have changed.

    Args:
        config: What they say.
        keys: For the key set.
    """

    def __init__(self, config: IdentityConfig, *, keys: KeyRing) -> None:
        self._health = documents.health()
        self._settings = documents.settings(config)
        self._key_set = documents.KeySetDocument(keys)
        self._openid_configuration = documents.openid_configuration(config)

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {
            endpoints.HEALTH: {"GET": self.health},
            endpoints.SETTINGS: {"GET": self.settings},
            endpoints.JWKS: {"GET": self.key_set},
            endpoints.OPENID_CONFIGURATION: {"GET": self.openid_configuration},
            endpoints.OAUTH_AUTHORIZATION_SERVER: {"GET": self.oauth_authorization_server},
        }

    async def health(self, _request: Request) -> Response:
        """The provider lives."""
        return self._health

    async def settings(self, _request: Request) -> Response:
        """Which ways in are open."""
        return self._settings

    async def key_set(self, _request: Request) -> Response:
        """The public keys."""
        return self._key_set.response()

    async def openid_configuration(self, _request: Request) -> Response:
        """Issuer and addresses."""
        return self._openid_configuration

    async def oauth_authorization_server(self, _request: Request) -> Response:
        """Off, as in Supabase Auth unless its own OAuth server is turned on."""
        raise errors.oauth_server_disabled()
