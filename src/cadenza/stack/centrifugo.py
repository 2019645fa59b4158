"""The settings of a real Centrifugo, from the very environment that the backend beside it reads.

Above: ``cli.gateway``. Below: ``gateway.centrifugo``, ``stack.channels``, ``stack.provider``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cadenza.client.settings import refuse_unknown_variables
from cadenza.errors import ConfigurationError
from cadenza.gateway.centrifugo import CentrifugoConfig, Finding, Wanted, check, read_file, secret_environment
from cadenza.stack.channels import CLIENT_CONCURRENCY, NAMESPACES
from cadenza.stack.provider import port_from_environment, provider_from_environment

#: Stands in a change that is to be written by somebody whose provider is not known.
_SOME_PROVIDER: Final = "https://<ref>.supabase.co"
#: The secrets before, which backends take while nodes are given the new ones.
PREVIOUS_SECRETS: Final = ("CADENZA_API_KEY_PREVIOUS", "CADENZA_PROXY_SECRET_PREVIOUS")
#: What an operator knows each of the room's settings by.
_SETTINGS: Final = {
    "issuer": "CADENZA_ISSUER",
    "audience": "CADENZA_AUDIENCE",
    "api_key": "CADENZA_API_KEY",
    "proxy_secret": "CADENZA_PROXY_SECRET",
    "redis_url": "REDIS_URL",
    "allowed_origins": "--allowed-origin or CADENZA_ALLOWED_ORIGINS",
    "backend_url": "--backend-url",
    "port": "--port",
    "internal_port": "--internal-port",
}


@dataclass(frozen=True, kw_only=True)
class CentrifugoOptions:
    """What the command line says; ``None`` and empty: the environment, then the default."""

    backend_url: str | None = None
    allowed_origins: tuple[str, ...] = ()
    address: str | None = None
    port: int | None = None
    internal_address: str | None = None
    internal_port: int | None = None


def centrifugo_config(options: CentrifugoOptions, environ: Mapping[str, str] | None = None) -> CentrifugoConfig:
    """Read options first, the environment second. Secrets come from the environment alone, and may be left out.

    Raises:
        ConfigurationError: A setting is missing or wrong; ``setting`` names the variable or the option.
    """
    environ = os.environ if environ is None else environ
    provider = provider_from_environment(environ)
    given = {name: getattr(options, name) for name in ("address", "port", "internal_address", "internal_port")}
    origins = options.allowed_origins or tuple(environ.get("CADENZA_ALLOWED_ORIGINS", "").replace(",", " ").split())
    with _named_for_the_operator():
        return CentrifugoConfig(
            issuer=provider.issuer,
            audience=provider.audience,
            backend_url=options.backend_url or f"http://127.0.0.1:{port_from_environment(environ)}",
            namespaces=NAMESPACES,
            client_concurrency=CLIENT_CONCURRENCY,
            api_key=environ.get("CADENZA_API_KEY") or None,
            proxy_secret=environ.get("CADENZA_PROXY_SECRET") or None,
            allowed_origins=origins,
            redis_url=environ.get("REDIS_URL") or None,
            **{name: value for name, value in given.items() if value is not None},
        )


def previous_secrets(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the variables of secrets that are being replaced: their backends still take the ones before."""
    environ = os.environ if environ is None else environ
    return tuple(name for name in PREVIOUS_SECRETS if environ.get(name))


def wanted(environ: Mapping[str, str] | None = None) -> Wanted:
    """Return what a configuration is held against: the environment's settings, or any deployment's without them.

    Raises:
        ConfigurationError: A setting is wrong; none at all is not.
    """
    environ = os.environ if environ is None else environ
    if environ.get("SUPABASE_URL"):
        return Wanted(config=centrifugo_config(CentrifugoOptions(), environ), known=True)
    refuse_unknown_variables(environ)
    return Wanted(config=centrifugo_config(CentrifugoOptions(), {"SUPABASE_URL": _SOME_PROVIDER}), known=False)


def findings(file: Path, environ: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Check a configuration file as ``cadenza gateway run`` would start it: secrets it leaves out come from Cadenza's.

    Raises:
        ConfigurationError: The file cannot be read, or a setting is wrong.
    """
    environ = os.environ if environ is None else environ
    expected = wanted(environ)
    return check(read_file(file), expected, {**secret_environment(expected.config), **environ}, file=file)


def require_secrets(config: CentrifugoConfig) -> None:
    """Raise ``ConfigurationError`` naming the variable of a secret that is not set."""
    for name in ("api_key", "proxy_secret"):
        if getattr(config, name) is None:
            raise ConfigurationError(
                f"{_SETTINGS[name]} is not set, and gateway and backend must share it.",
                setting=_SETTINGS[name],
                next_step=f"Set {_SETTINGS[name]} for both: openssl rand -hex 32.",
            )


@contextlib.contextmanager
def _named_for_the_operator() -> Iterator[None]:
    """The room names its own setting; whoever runs this knows the variable or the option."""
    try:
        yield
    except ConfigurationError as refused:
        known = _SETTINGS.get(refused.setting, refused.setting)
        message = refused.message
        if message.startswith(f"{refused.setting} "):
            message = known + message.removeprefix(refused.setting)
        raise ConfigurationError(message, setting=known, next_step=refused.next_step) from None
