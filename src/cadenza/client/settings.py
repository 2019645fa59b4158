"""Where the client connects: from arguments first, the environment second, the stored session third.

Above: ``client._client`` (``connect()``); ``stack`` and ``cli`` use the list of variables. Below: errors.
This is the only file of the SDK that reads the environment.

The order, for each of the two addresses (identity provider, gateway):

1. an argument of ``connect()``;
2. ``SUPABASE_URL`` and ``CADENZA_WS_URL``;
3. the addresses the stored session was made with, or the profile's last one, unless the other address is given and is
   not theirs;
4. the embedded stack on this machine, as long as the other address is on this machine too.
"""

from __future__ import annotations

import difflib
import enum
import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from cadenza.client.auth.browser import Surroundings
from cadenza.errors import ConfigurationError

#: Every variable any part of Cadenza reads under this prefix, and what it is for.
KNOWN_VARIABLES: Final[Mapping[str, str]] = {
    "CADENZA_WS_URL": "the gateway's WebSocket address",
    "CADENZA_DATA_DIR": "the folder of the stored session and of the embedded stack",
    "CADENZA_PROFILE": "which of several sessions is meant, each with its own addresses",
    "CADENZA_SESSION_STORE": "where the session is kept: keyring, file, memory or environment",
    "CADENZA_SESSION": "a whole session as a JSON object, in place of a stored one",
    "CADENZA_ACCESS_TOKEN": "an access token, in place of a stored session",
    "CADENZA_REFRESH_TOKEN": "a refresh token, in place of a stored session",
    "CADENZA_EMAIL": "the address that examples and the command line sign in with",
    "CADENZA_PASSWORD": "the password that examples and the command line sign in with",
    "CADENZA_ISSUER": "the issuer every access token must name",
    "CADENZA_AUDIENCE": "the audience every access token must name",
    "CADENZA_JWKS_URL": "the provider's key set",
    "CADENZA_ADDRESS_HEADER": "the header in which the backend tells the provider a client's address",
    "CADENZA_SECOND_FACTOR_FOR": "commands that demand a second factor: credentials, orders, wallets",
    "CADENZA_OAUTH_CLIENTS": "ids of third parties' OAuth clients whose tokens the backend takes; * is any",
    "CADENZA_LIMITS": "how much one caller may ask of the backend in a time: queries=100:1000, or off",
    "CADENZA_API_URL": "the gateway's server API, where it does not stand beside the WebSocket",
    "CADENZA_API_KEY": "the key of the gateway's server API",
    "CADENZA_API_KEY_PREVIOUS": "the key before, while gateways are given another",
    "CADENZA_PROXY_SECRET": "the secret between gateway and backend",
    "CADENZA_PROXY_SECRET_PREVIOUS": "the secret before, while gateways are given another",
    "CADENZA_ALLOWED_HOSTS": "names of the backend, beyond loopback",
    "CADENZA_TRUSTED_PROXIES": "networks whose X-Forwarded-For the backend believes: the gateway's",
    "CADENZA_ALLOWED_ORIGINS": "browser origins the gateway lets in",
    "CADENZA_DEBUG": "show the traceback of a command that failed",
    "CADENZA_ENV": "the environment's name; production refuses the embedded stack",
}

PREFIX: Final = "CADENZA_"
DEFAULT_SUPABASE_URL: Final = "http://127.0.0.1:54321"
DEFAULT_WS_URL: Final = "ws://127.0.0.1:8000/connection/websocket"
WS_PATH: Final = "/connection/websocket"
AUTH_PATH: Final = "/auth/v1"


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The two places a session belongs to. ``supabase_url`` is None when sign-in goes over the WebSocket alone."""

    ws_url: str
    supabase_url: str | None


class StoreKind(enum.StrEnum):
    """Where a session can be kept: the words of ``connect(session_store=...)`` and ``CADENZA_SESSION_STORE``."""

    KEYRING = "keyring"
    FILE = "file"
    MEMORY = "memory"
    ENVIRONMENT = "environment"


class SessionVariables(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the environment: ``CADENZA_SESSION``, or a token or both. Secrets: nothing of it is ever shown."""

    session: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"<SessionVariables, {'one is set' if self else 'none set'}>"

    def __bool__(self) -> bool:
        return any((self.session, self.access_token, self.refresh_token))

    def __rich_repr__(self) -> list[tuple[str, str]]:  # msgspec gives structs one; rich would print every field
        return []


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says. Empty text counts as unset, as it does in a shell's ``VAR= command``."""

    ws_url: str | None = None
    supabase_url: str | None = None
    anon_key: str | None = None
    data_dir: Path | None = None
    issuer: str | None = None
    audience: str | None = None
    surroundings: Surroundings = Surroundings()
    profile: str | None = None
    session_store: StoreKind | None = None
    session: SessionVariables = SessionVariables()

    def __repr__(self) -> str:
        return f"<Environment ws_url={self.ws_url!r} supabase_url={self.supabase_url!r}>"


def read_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Read the client's variables.

    Raises:
        ConfigurationError: A ``CADENZA_*`` variable that no part of Cadenza knows, or a store that there is not.
    """
    environ = os.environ if environ is None else environ
    refuse_unknown_variables(environ)
    data_dir = environ.get("CADENZA_DATA_DIR")
    return Environment(
        ws_url=environ.get("CADENZA_WS_URL") or None,
        supabase_url=environ.get("SUPABASE_URL") or None,
        anon_key=environ.get("SUPABASE_PUBLISHABLE_KEY") or environ.get("SUPABASE_ANON_KEY") or None,
        data_dir=Path(data_dir).expanduser() if data_dir else None,
        issuer=environ.get("CADENZA_ISSUER") or None,
        audience=environ.get("CADENZA_AUDIENCE") or None,
        surroundings=Surroundings.of(environ, sys.platform),
        profile=environ.get("CADENZA_PROFILE") or None,
        session_store=store_kind(environ.get("CADENZA_SESSION_STORE") or None, setting="CADENZA_SESSION_STORE"),
        session=SessionVariables(
            session=environ.get("CADENZA_SESSION") or None,
            access_token=environ.get("CADENZA_ACCESS_TOKEN") or None,
            refresh_token=environ.get("CADENZA_REFRESH_TOKEN") or None,
        ),
    )


def store_kind(word: str | None, *, setting: str) -> StoreKind | None:
    """Read a store's name. Raises ``ConfigurationError`` for one that there is not."""
    if word is None:
        return None
    try:
        return StoreKind(word.strip().lower())
    except ValueError:
        raise ConfigurationError(
            f"{setting} is no place for a session.", setting=setting, next_step=f"One of: {', '.join(StoreKind)}."
        ) from None


def refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """Raise ``ConfigurationError`` for the first ``CADENZA_*`` variable that is not known, naming the nearest."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in KNOWN_VARIABLES:
            continue
        near = difflib.get_close_matches(name, KNOWN_VARIABLES, n=1, cutoff=0.0)[0]
        raise ConfigurationError(
            f"{name} is not a setting of Cadenza.",
            setting=name,
            next_step=f"Did you mean {near} ({KNOWN_VARIABLES[near]})? Otherwise unset it.",
        )


def default_data_dir(environment: Environment) -> Path:
    """Return ``CADENZA_DATA_DIR``, or the platform's folder for a program's data."""
    if environment.data_dir is not None:
        return environment.data_dir
    import platformdirs  # not needed by whoever brings a store of their own

    return Path(platformdirs.user_data_dir("cadenza", appauthor=False))


def resolve_addresses(
    *,
    ws_url: str | None,
    supabase_url: str | None,
    environment: Environment,
    stored: Addresses | None,
    allow_insecure: bool = False,
) -> Addresses:
    """Settle where to connect (the order stands at the head of this file).

    Args:
        ws_url: Argument of ``connect()``.
        supabase_url: Argument of ``connect()``.
        environment: What the environment says.
        stored: The addresses of the stored session, or else of the profile's last one.
        allow_insecure: Let tokens travel unencrypted beyond this machine.

    Raises:
        ConfigurationError: An address that cannot be used, or one that is missing.
    """
    gateway, gateway_setting = _first(ws_url, "ws_url", environment.ws_url, "CADENZA_WS_URL")
    provider, provider_setting = _first(supabase_url, "supabase_url", environment.supabase_url, "SUPABASE_URL")
    if gateway is not None:
        gateway = _gateway_url(gateway, gateway_setting, allow_insecure=allow_insecure)
    if provider is not None:
        provider = _provider_url(provider, provider_setting, allow_insecure=allow_insecure)
    if stored is not None and gateway in {None, stored.ws_url} and provider in {None, stored.supabase_url}:
        return _checked(stored, allow_insecure=allow_insecure)
    if gateway is None:
        if provider is not None and not is_loopback(provider):
            raise ConfigurationError(
                f"{provider_setting} is set, but the gateway's address is not.",
                setting="CADENZA_WS_URL",
                next_step="Set CADENZA_WS_URL, wss://…/connection/websocket, or give ws_url to connect().",
            )
        gateway = DEFAULT_WS_URL
    if provider is None and is_loopback(gateway):
        provider = DEFAULT_SUPABASE_URL
    return Addresses(ws_url=gateway, supabase_url=provider)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine, judged by its text alone: no name is looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(stored: Addresses, *, allow_insecure: bool) -> Addresses:
    gateway = _gateway_url(stored.ws_url, "the stored session's ws_url", allow_insecure=allow_insecure)
    provider = stored.supabase_url
    if provider is not None:
        provider = _provider_url(provider, "the stored session's supabase_url", allow_insecure=allow_insecure)
    return Addresses(ws_url=gateway, supabase_url=provider)


def _first(argument: str | None, name: str, variable: str | None, variable_name: str) -> tuple[str | None, str]:
    if argument is not None:
        return argument, name
    return variable, variable_name


def _gateway_url(url: str, setting: str, *, allow_insecure: bool) -> str:
    parts = _parts(url, setting, schemes=("ws", "wss"), example=DEFAULT_WS_URL)
    _demand_encryption(parts, setting, secure="wss", allow_insecure=allow_insecure)
    path = parts.path if parts.path not in {"", "/"} else WS_PATH
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _provider_url(url: str, setting: str, *, allow_insecure: bool) -> str:
    parts = _parts(url, setting, schemes=("http", "https"), example=DEFAULT_SUPABASE_URL)
    _demand_encryption(parts, setting, secure="https", allow_insecure=allow_insecure)
    # Supabase's base address is asked for; one that names the auth service already means the same.
    path = parts.path.rstrip("/").removesuffix(AUTH_PATH)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _parts(url: str, setting: str, *, schemes: tuple[str, str], example: str) -> SplitResult:
    next_step = f"Give it an address such as {example}."
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises on a port that is none
    except ValueError:
        raise ConfigurationError(f"{setting} is not an address.", setting=setting, next_step=next_step) from None
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigurationError(
            f"{setting} must begin with {schemes[0]}:// or {schemes[1]}:// and name a host.",
            setting=setting,
            next_step=next_step,
        )
    if parts.username is not None or parts.password is not None:
        # The text of an address ends up in logs and errors; a credential must not.
        raise ConfigurationError(
            f"{setting} must not contain a user or a password.", setting=setting, next_step=next_step
        )
    return parts


def _demand_encryption(parts: SplitResult, setting: str, *, secure: str, allow_insecure: bool) -> None:
    if parts.scheme == secure or allow_insecure or is_loopback(urlunsplit(parts)):
        return
    raise ConfigurationError(
        f"{setting} would send access tokens unencrypted to {parts.hostname}.",
        setting=setting,
        next_step=f"Use {secure}://, or insist with connect(allow_insecure=True).",
    )
