"""The documents that hardly change while the provider runs, encoded once: health, settings, keys, discovery.

Above: ``handlers``. Below: ``config``, ``keys``, ``protocol.auth``. Source: the recorded exchanges of the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from cadenza._version import __version__
from cadenza.identity.config import IdentityConfig
from cadenza.identity.exchange import Response, json_response
from cadenza.identity.keys import KeyRing
from cadenza.protocol.auth import Health, OpenIdConfiguration, Settings, endpoints

#: What Supabase Auth says of keys and discovery.
_TEN_MINUTES: Final[Mapping[str, str]] = {"Cache-Control": "public, max-age=600"}

#: Every provider Supabase Auth's settings name; which are open is configured.
_EXTERNAL: Final = (
    "anonymous_users",
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "email",
    "phone",
    "zoom",
)


class _KeySet(msgspec.Struct, frozen=True, kw_only=True):
    keys: tuple[dict[str, object], ...]


def health() -> Response:
    """``GET /health``. The name is Supabase Auth's, whose place this takes."""
    return json_response(
        Health(
            version=f"cadenza-{__version__}",
            name="GoTrue",
            description="Cadenza's embedded identity provider, with Supabase Auth's REST API",
        ),
        headers={},
    )


def settings(config: IdentityConfig) -> Response:
    """``GET /settings``."""
    return json_response(
        Settings(
            external={
                **dict.fromkeys(_EXTERNAL, False),
                **_ways_in(config),
                **dict.fromkeys(_configured(config), True),
            },
            disable_signup=config.disable_sign_up,
            mailer_autoconfirm=config.autoconfirm,
            phone_autoconfirm=config.phone_autoconfirm,
            sms_provider="",
            saml_enabled=False,
        ),
        headers={},
    )


def _ways_in(config: IdentityConfig) -> dict[str, bool]:
    """Those that are no OAuth providers."""
    return {
        "email": config.email_sign_in,
        "phone": bool(config.test_otps),
        "anonymous_users": config.anonymous_users,
    }


class KeySetDocument:
    """``GET /.well-known/jwks.json`` (RFC 7517 section 5), encoded again when the keys have changed."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._encoded: tuple[dict[str, object], ...] | None = None
        self._response = Response(status=200)

    def response(self) -> Response:
        """The keys published now."""
        public = self._keys.public_keys
        if public is not self._encoded:
            self._response = json_response(_KeySet(keys=public), headers=_TEN_MINUTES)
            self._encoded = public
        return self._response


def _configured(config: IdentityConfig) -> tuple[str, ...]:
    """The OAuth providers there are, those beside Supabase Auth's names too."""
    return (*(provider.name for provider in config.providers), *(("test",) if config.test_provider else ()))


def openid_configuration(config: IdentityConfig) -> Response:
    """``GET /.well-known/openid-configuration``. As with Supabase Auth: endpoints of an OAuth server that is off."""
    url = config.base_url
    algorithms = ("RS256", "HS256", "ES256")
    extra = () if config.signing_algorithm in algorithms else (config.signing_algorithm,)
    return json_response(
        OpenIdConfiguration(
            issuer=config.token_issuer,
            authorization_endpoint=f"{url}/oauth/authorize",
            token_endpoint=f"{url}/oauth/token",
            jwks_uri=f"{url}{endpoints.JWKS}",
            userinfo_endpoint=f"{url}/oauth/userinfo",
            scopes_supported=("openid", "profile", "email", "phone", "offline_access"),
            response_types_supported=("code",),
            response_modes_supported=("query",),
            grant_types_supported=("authorization_code", "refresh_token"),
            subject_types_supported=("public",),
            id_token_signing_alg_values_supported=(*algorithms, *extra),
            token_endpoint_auth_methods_supported=("client_secret_basic", "client_secret_post", "none"),
            claims_supported=(
                "sub",
                "aud",
                "iss",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "email",
                "email_verified",
                "phone_number",
                "phone_number_verified",
                "name",
                "picture",
                "preferred_username",
                "updated_at",
            ),
            code_challenge_methods_supported=("S256", "plain"),
        ),
        headers=_TEN_MINUTES,
    )
