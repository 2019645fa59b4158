"""The configured providers, by name: presets for those Supabase Auth knows and we do, any OpenID issuer beside them.

Above: ``handlers.oauth``, ``grants.id_token``. Below: the presets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import httpx

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, OAuthProvider
from cadenza.identity.errors import RefusalError
from cadenza.identity.oauth_errors import unsupported_provider
from cadenza.identity.providers.code_flow import CodeFlow, Parts
from cadenza.identity.providers.issuers import Issuers
from cadenza.identity.providers.oidc import Apple, Azure, Google, OidcProvider
from cadenza.identity.providers.plain import Discord, GitHub, GitLab, Keycloak
from cadenza.identity.providers.web import ProviderError, Web, require_safe

PRESETS: Final[Mapping[str, Callable[[Parts], CodeFlow]]] = {
    "apple": Apple,
    "azure": Azure,
    "discord": Discord,
    "github": GitHub,
    "gitlab": GitLab,
    "google": Google,
    "keycloak": Keycloak,
}
#: What Supabase Auth has presets for and we have not.
_OTHERS: Final = frozenset(
    {
        *("bitbucket", "facebook", "figma", "fly", "kakao", "linkedin", "linkedin_oidc", "notion", "snapchat"),
        *("spotify", "slack", "slack_oidc", "twitch", "twitter", "x", "vercel_marketplace", "workos", "zoom"),
    }
)
_NEED_ADDRESS: Final = frozenset({"keycloak"})
#: Names of ways in that are no OAuth providers.
_TAKEN: Final = frozenset({"email", "phone", "anonymous_users"})
_LONGEST_ECHO: Final = 64


class Providers:
    """Finds them.

    Args:
        config: Which there are; ``further`` are beside those.
        further: Providers of our own.
        make_client: What they are asked with.
        clock: Seconds since the epoch.

    Raises:
        ConfigurationError: One cannot be used as it is configured.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        further: tuple[OAuthProvider, ...] = (),
        make_client: Callable[[], httpx.AsyncClient],
        clock: Callable[[], float],
    ) -> None:
        web = self._web = Web(make_client)
        self._issuers = Issuers(web, clock=clock)
        callback = f"{config.base_url}/callback"
        self._by_name: dict[str, CodeFlow] = {}
        for each in (*config.providers, *further):
            _require_usable(each)
            if each.name in self._by_name:
                raise _unusable(each, "stands there twice")
            parts = Parts(config=each, redirect_uri=each.redirect_uri or callback, web=web, issuers=self._issuers)
            self._by_name[each.name] = PRESETS.get(each.name, OidcProvider)(parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those that are configured."""
        return tuple(self._by_name)

    def get(self, name: str) -> CodeFlow | None:
        """The provider of that name, which is not case-sensitive."""
        return self._by_name.get(name.lower())

    def find(self, name: str) -> CodeFlow:
        """The same.

        Raises:
            RefusalError: ``validation_failed``: there is none.
        """
        found = self.get(name)
        if found is None:
            raise self.unknown(name)
        return found

    def unknown(self, name: str) -> RefusalError:
        """Why there is none of that name."""
        lower = name.lower()
        if lower in PRESETS or lower in _OTHERS:
            return unsupported_provider("provider is not enabled")
        shown = lower[:_LONGEST_ECHO].encode("unicode_escape").decode()
        return unsupported_provider(f"Provider {shown} could not be found")

    def of_issuer(self, issuer: str) -> OidcProvider | None:
        """The OpenID provider of that issuer."""
        for each in self._by_name.values():
            if isinstance(each, OidcProvider) and issuer and each.issuer_url.rstrip("/") == issuer.rstrip("/"):
                return each
        return None

    async def close(self) -> None:
        """End what is under way."""
        await self._issuers.close()
        await self._web.close()


def _require_usable(provider: OAuthProvider) -> None:
    if not provider.name or provider.name != provider.name.lower() or provider.name in _TAKEN:
        raise _unusable(provider, "has a name that cannot be used")
    if provider.name in _OTHERS:
        raise _unusable(provider, "is none of those served here")
    if not provider.client_id.split(",")[0].strip():
        raise _unusable(provider, "has no client_id")
    if not provider.url and (provider.name not in PRESETS or provider.name in _NEED_ADDRESS):
        raise _unusable(provider, "has no url")
    if provider.url:
        try:
            require_safe(provider.url)
        except ProviderError:
            raise _unusable(provider, "has a url that is not https, nor on this machine") from None


def _unusable(provider: OAuthProvider, why: str) -> ConfigurationError:
    presets = ", ".join(sorted(PRESETS))
    return ConfigurationError(
        f"The OAuth provider {provider.name!r} {why}.",
        setting="providers",
        next_step=f"Configure one of {presets}, or an OpenID issuer by its url.",
    )
