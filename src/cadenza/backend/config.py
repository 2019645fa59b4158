"""The backend's settings: one frozen object, checked when it is made; nothing here reads the environment.

Above: ``service`` and ``app``; ``stack`` fills it in. Below: schema, errors.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from cadenza.errors import ConfigurationError
from cadenza.schema.access import Guarded
from cadenza.schema.methods import METHODS
from cadenza.schema.rates import Rate

#: A secret shorter than this can be guessed, or was a placeholder.
SHORTEST_SECRET = 16


def _demand_secret(setting: str, text: str | None) -> None:
    if text is not None and not _is_secret(text):
        raise ConfigurationError(
            f"The {setting.replace('_', ' ')} must be {SHORTEST_SECRET} or more printable ASCII characters without "
            "spaces.",
            setting=setting,
            next_step="Make one, for example with: openssl rand -hex 32",
        )


def _is_secret(text: str) -> bool:
    return len(text) >= SHORTEST_SECRET and text.isascii() and text.isprintable() and " " not in text


def _demand_number(setting: str, value: float, *, least: float) -> None:
    if not (math.isfinite(value) and value >= least):
        raise ConfigurationError(f"{setting} must be a number of at least {least}, not {value}.", setting=setting)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperConfig:
    """The simulated venue.

    Attributes:
        seed: Decides its past and everything that happens on it.
        book_updates_per_second: Per instrument; 0 pauses it.
        bar_updates_per_second: How often a forming bar is published at most, per instrument and interval.
        bars_kept: Closed bars remembered per instrument and interval.
        symbols: Which of its instruments are traded; empty is all.
    """

    seed: int = 724
    book_updates_per_second: float = 10.0
    bar_updates_per_second: float = 1.0
    bars_kept: int = 500
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _demand_number("book_updates_per_second", self.book_updates_per_second, least=0)
        _demand_number("bar_updates_per_second", self.bar_updates_per_second, least=0.001)
        _demand_number("bars_kept", self.bars_kept, least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptLimits:
    """How often signing in may be tried: ``burst`` at once, then one every ``refill_seconds``."""

    account_burst: int = 5
    account_refill_seconds: float = 30.0
    address_burst: int = 30
    address_refill_seconds: float = 2.0

    def __post_init__(self) -> None:
        _demand_number("account_burst", self.account_burst, least=1)
        _demand_number("address_burst", self.address_burst, least=1)
        _demand_number("account_refill_seconds", self.account_refill_seconds, least=0.001)
        _demand_number("address_refill_seconds", self.address_refill_seconds, least=0.001)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """``burst`` at once, when nothing came for a while, and ``per_second`` in the long run."""

    per_second: float
    burst: int

    def __post_init__(self) -> None:
        _demand_number("per_second", self.per_second, least=0.001)
        _demand_number("burst", self.burst, least=1)


#: What no honest client comes near. The bursts are for those that come back: an application that fills its screens
#: anew, a user's ten connections that join 100 channels each, an office of 200 people behind one address.
DEFAULT_PACES: Final[Mapping[str, Pace]] = MappingProxyType(
    {
        Rate.QUERIES: Pace(per_second=50, burst=500),
        Rate.COMMANDS: Pace(per_second=20, burst=200),
        Rate.SIGN_IN: Pace(per_second=10, burst=200),
        Rate.FEEDS: Pace(per_second=200, burst=2000),
        Rate.JOINS: Pace(per_second=50, burst=1000),
    }
)


@dataclass(frozen=True, kw_only=True)
class RateLimits:
    """How much one caller may ask in a time.

    Attributes:
        changed: Other paces, by the name of a class (``schema.rates.Rate``) or of a method, which is then counted by
            itself and no longer with its class; None for no limit.
    """

    changed: Mapping[str, Pace | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*DEFAULT_PACES, *METHODS)
        for name in self.changed:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                raise ConfigurationError(
                    f"{name[:80]!r} is neither a class of limits nor a method.",
                    setting="limits",
                    next_step=f"Did you mean {near}? The classes are {', '.join(Rate)}.",
                )

    @classmethod
    def off(cls) -> "RateLimits":
        """None at all."""
        return cls(changed=dict.fromkeys(DEFAULT_PACES))

    @cached_property
    def paces(self) -> Mapping[str, Pace | None]:
        """The pace of each class, and of each method that has one of its own."""
        return {**DEFAULT_PACES, **self.changed}


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessConfig:
    """What goes beyond the rules that stand beside each method and channel.

    Attributes:
        second_factor_for: Commands that demand a second factor.
        oauth_clients: Ids of third parties' OAuth clients whose tokens are taken; ``*`` is any, and then the backend
            does not ask for ``meta`` either.
    """

    second_factor_for: frozenset[Guarded] = frozenset()
    oauth_clients: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendConfig:
    """The backend.

    Attributes:
        proxy_secret: What the gateway must send with each proxied call, 16 characters or more. None: there are no
            proxy endpoints, as in the embedded stack, where the gateway calls in process.
        previous_proxy_secret: Taken too, while gateways are being given another.
        max_body_bytes: The largest body a proxy endpoint reads.
        allowed_hosts: ``Host`` headers answered, without port; ``*`` is any. Loopback counts too: a page in a browser
            can reach it by DNS rebinding.
        trusted_proxies: Networks whose ``X-Forwarded-For`` is believed: the gateway's, and those of the proxies before
            it. With none, addresses are unknown and signing in is limited by account only.
        publish_queue: Publications that wait for the publisher at most; the oldest go first.
        attempts: Limits on signing in that failed, and on mails.
        limits: Limits on calls and joins of any kind.
        token_lifetime_seconds: As long as the provider's access tokens live (``GOTRUE_JWT_EXP``): so long an ended
            session's may come back.
        access: Who may do what, beyond the contract's own rules.
        paper: The simulated venue.
    """

    proxy_secret: str | None = field(default=None, repr=False)
    previous_proxy_secret: str | None = field(default=None, repr=False)
    max_body_bytes: int = 262_144
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    trusted_proxies: tuple[str, ...] = ()
    publish_queue: int = 10_000
    attempts: AttemptLimits = field(default_factory=AttemptLimits)
    limits: RateLimits = field(default_factory=RateLimits)
    token_lifetime_seconds: float = 3600.0
    access: AccessConfig = field(default_factory=AccessConfig)
    paper: PaperConfig = field(default_factory=PaperConfig)

    def __post_init__(self) -> None:
        _demand_number("max_body_bytes", self.max_body_bytes, least=1)
        _demand_number("publish_queue", self.publish_queue, least=1)
        _demand_number("token_lifetime_seconds", self.token_lifetime_seconds, least=1)
        _demand_secret("proxy_secret", self.proxy_secret)
        _demand_secret("previous_proxy_secret", self.previous_proxy_secret)
        for network in self.trusted_proxies:
            try:
                ip_network(network)
            except ValueError:
                raise ConfigurationError(
                    f"{network!r} is not an IP network such as 10.0.0.0/8 or 127.0.0.1.", setting="trusted_proxies"
                ) from None
