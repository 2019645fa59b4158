"""Where the identity provider and the backend are, as backend and gateway are both told by the environment.

Above: ``stack.external``, ``stack.centrifugo``. Below: ``client.settings``. No server room, nothing of a network: a
command that only looks at settings starts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cadenza.client.settings import AUTH_PATH, read_environment
from cadenza.errors import ConfigurationError
from cadenza.stack.settings import BACKEND_PORT

__all__ = [
    "DEFAULT_AUDIENCE",
    "ProviderSettings",
    "http_url",
    "port_from_environment",
    "provider_from_environment",
    "required",
]

#: The audience of every Supabase access token of a signed-in user.
DEFAULT_AUDIENCE: Final = "authenticated"
#: Supabase Auth publishes its keys here, below its own address.
_JWKS_PATH: Final = "/.well-known/jwks.json"
_HIGHEST_PORT: Final = 65535
_PORT_DIGITS: Final = 5


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """The identity provider, as backend and gateway are told of it.

    Attributes:
        auth_url: Its address, ``/auth/v1`` included where Supabase's gateway stands in front.
        issuer: The exact ``iss`` of its tokens.
        audience: Their ``aud``.
        jwks_url: Its key set.
    """

    auth_url: str
    issuer: str
    audience: str
    jwks_url: str


def provider_from_environment(environ: Mapping[str, str]) -> ProviderSettings:
    """Read where the provider is: issuer and key set stand below it, unless said otherwise.

    Raises:
        ConfigurationError: A variable is missing, unknown or wrong; ``setting`` names it.
    """
    known = read_environment(environ)
    auth_url = http_url(known.supabase_url or required(environ, "SUPABASE_URL"), "SUPABASE_URL").rstrip("/")
    if not auth_url.endswith(AUTH_PATH):
        auth_url += AUTH_PATH
    return ProviderSettings(
        auth_url=auth_url,
        issuer=known.issuer or auth_url,
        audience=known.audience or DEFAULT_AUDIENCE,
        jwks_url=http_url(environ.get("CADENZA_JWKS_URL") or auth_url + _JWKS_PATH, "CADENZA_JWKS_URL"),
    )


def port_from_environment(environ: Mapping[str, str]) -> int:
    """Return the backend's port: ``PORT``, or its usual one."""
    text = environ.get("PORT")
    if not text:
        return BACKEND_PORT
    if not (text.isascii() and text.isdigit() and len(text) <= _PORT_DIGITS and int(text) <= _HIGHEST_PORT):
        raise ConfigurationError(
            f"PORT is {text[:20]!r}, which is not a TCP port.",
            setting="PORT",
            next_step="Set it to a number from 1 to 65535, or to 0 for a free one.",
        )
    return int(text)


def http_url(url: str, setting: str) -> str:
    """Return an HTTP address as it is.

    Raises:
        ConfigurationError: It is none; ``setting`` names its variable.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"{setting} is not an HTTP address.",
            setting=setting,
            next_step=f"Set {setting} to one such as https://<ref>.supabase.co.",
        )
    return url


def required(environ: Mapping[str, str], name: str) -> str:
    """Return a variable's value.

    Raises:
        ConfigurationError: It is not set.
    """
    value = environ.get(name)
    if not value:
        raise ConfigurationError(
            f"{name} is not set, and the backend cannot do without it.", setting=name, next_step=f"Set {name}."
        )
    return value
