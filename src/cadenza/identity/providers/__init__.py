"""Other providers who say who somebody is: OAuth 2 and OpenID Connect, one class a preset.

Above: ``handlers.oauth``, ``grants.id_token``, ``linking``. Below: httpx, ``tokens``.
"""

from cadenza.identity.providers.code_flow import CodeFlow, Tokens
from cadenza.identity.providers.issuers import IdToken, IdTokenError
from cadenza.identity.providers.oidc import OidcProvider
from cadenza.identity.providers.profiles import Profile, ProviderEmail
from cadenza.identity.providers.registry import PRESETS, Providers
from cadenza.identity.providers.web import ProviderError, new_client

__all__ = [
    "PRESETS",
    "CodeFlow",
    "IdToken",
    "IdTokenError",
    "OidcProvider",
    "Profile",
    "ProviderEmail",
    "ProviderError",
    "Providers",
    "Tokens",
    "new_client",
]
