"""What an operator may set for the stack, from options first and the environment second.

Above: ``stack.embedded``, ``stack.external``, ``cli.up``. Only here, in ``cli`` and in ``client.settings`` is the
environment read. A misspelt ``CADENZA_*`` variable is refused with the nearest right name.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from cadenza.backend.config import RateLimits
from cadenza.client.settings import default_data_dir, read_environment
from cadenza.errors import ConfigurationError
from cadenza.schema.access import Guarded
from cadenza.stack.limits import limits_from_environment

#: The addresses of the embedded stack (the provider's port is that of Supabase's local stack).
IDENTITY_PORT = 54321
GATEWAY_PORT = 8000
BACKEND_PORT = 8080

#: What a browser sends as ``Origin`` (RFC 6454, 6.2), ``*`` standing for any text; never a path.
_ORIGIN = re.compile(r"\*|[a-z*][a-z0-9+.*-]*://[^\s/?#@]+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """The embedded stack's settings. A port of 0 asks the system for a free one.

    Attributes:
        data_dir: Folder of the databases, keys and the ready user's password.
        host: Address of loopback that all three servers listen on.
        identity_port: TCP port of the identity provider.
        gateway_port: TCP port of WebSocket, server API, health and metrics.
        backend_port: TCP port of the backend's proxy endpoints, health and readiness.
        allowed_origins: Browser origins that may connect; the stack's own addresses are always among them.
        access_token_lifetime_seconds: How long an access token is good.
        book_updates_per_second: Pace of the simulated venue, per instrument. 0 pauses the feed.
        venue_seed: Seed of the simulated venue.
        second_factor_for: Commands that demand a second factor.
        oauth_clients: Third parties' OAuth clients whose tokens the backend takes.
        limits: How much one caller may ask in a time.
        environment: ``CADENZA_ENV``; ``production`` is refused without ``allow_production``.
        allow_production: Run embedded parts in production all the same.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    identity_port: int = IDENTITY_PORT
    gateway_port: int = GATEWAY_PORT
    backend_port: int = BACKEND_PORT
    allowed_origins: tuple[str, ...] = ()
    access_token_lifetime_seconds: int = 3600
    book_updates_per_second: float = 10.0
    venue_seed: int = 724
    second_factor_for: frozenset[Guarded] = frozenset()
    oauth_clients: frozenset[str] = frozenset()
    limits: RateLimits = field(default_factory=RateLimits)
    environment: str = "development"
    allow_production: bool = False

    def __post_init__(self) -> None:
        for name in ("identity_port", "gateway_port", "backend_port"):
            port = getattr(self, name)
            if not 0 <= port <= 65535:  # noqa: PLR2004  # TCP's range
                raise ConfigurationError(
                    f"{port} is not a TCP port.",
                    setting=option_of(name),
                    next_step=f"Give {option_of(name)} a number from 1 to 65535, or 0 for a free one.",
                )
        if not is_loopback_address(self.host):
            raise ConfigurationError(
                f"The embedded stack is for development on one machine, and {self.host!r} is no address of loopback.",
                setting="--host",
                next_step="Listen on 127.0.0.1, or run real Supabase Auth and Centrifugo.",
            )
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f"{origin!r} is not the origin of a web page.",
                    setting="--allowed-origin or CADENZA_ALLOWED_ORIGINS",
                    next_step="It has a scheme and a host and no path: https://app.example, or * for any page.",
                )
        if self.environment == "production" and not self.allow_production:
            raise ConfigurationError(
                "The embedded stack is for development and CADENZA_ENV is 'production'.",
                setting="CADENZA_ENV",
                next_step="Run real Supabase Auth and Centrifugo, or insist with --allow-production.",
            )


def is_loopback_address(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def option_of(setting: str) -> str:
    """Name the command-line option of a setting, ``--gateway-port`` of ``gateway_port``."""
    return "--" + setting.replace("_", "-")


def settings_from_environment(environ: Mapping[str, str] | None = None, **options: object) -> StackSettings:
    """Build settings from the environment; ``options`` that are not None win.

    Raises:
        ConfigurationError: An unknown ``CADENZA_*`` variable, or a value out of range.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {
        "data_dir": default_data_dir(read_environment(environ)),
        "limits": limits_from_environment(environ),
        **access_settings(environ),
    }
    if "CADENZA_ENV" in environ:
        values["environment"] = environ["CADENZA_ENV"]
    if "CADENZA_ALLOWED_ORIGINS" in environ:
        values["allowed_origins"] = tuple(words(environ, "CADENZA_ALLOWED_ORIGINS"))
    values.update({name: value for name, value in options.items() if value is not None})
    return StackSettings(**values)  # type: ignore[arg-type]  # names are checked by the dataclass, values by the CLI


class AccessSettings(TypedDict):
    """What goes beyond the contract's own access rules: the fields of ``AccessConfig``."""

    second_factor_for: frozenset[Guarded]
    oauth_clients: frozenset[str]


def access_settings(environ: Mapping[str, str]) -> AccessSettings:
    """Read what goes beyond the contract's own access rules.

    Raises:
        ConfigurationError: Commands that there are not.
    """
    return {
        "second_factor_for": frozenset(map(_guarded, words(environ, "CADENZA_SECOND_FACTOR_FOR"))),
        "oauth_clients": frozenset(words(environ, "CADENZA_OAUTH_CLIENTS")),
    }


def words(environ: Mapping[str, str], name: str) -> list[str]:
    """Return a variable's words, with commas or spaces between."""
    return environ.get(name, "").replace(",", " ").split()


def _guarded(word: str) -> Guarded:
    try:
        return Guarded(word)
    except ValueError:
        raise ConfigurationError(
            f"{word[:40]!r} is no group of commands.",
            setting="CADENZA_SECOND_FACTOR_FOR",
            next_step=f"Name any of {', '.join(Guarded)}, with commas between.",
        ) from None
