"""The provider's settings as one frozen object: units in the names, refused at once when contradictory.

Above: ``server`` and the parts it builds; ``stack`` fills it from the environment and the command line.
Below: ``cadenza.errors``.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError
from cadenza.identity.config.keys import GivenKeys, Secret
from cadenza.identity.config.limits import PasswordHashing, RateLimits
from cadenza.identity.config.mail import MailConfig
from cadenza.identity.config.policy import MfaPolicy
from cadenza.identity.config.providers import OAuthProvider
from cadenza.identity.config.tls import TlsFiles
from cadenza.protocol.auth.endpoints import GATEWAY_PREFIX, LOOPBACK_REDIRECTS

#: The port of Supabase's local stack.
DEFAULT_PORT: Final = 54321
#: Supabase Auth signs with these; ES256 keys are small and quick.
SIGNING_ALGORITHMS: Final = ("ES256", "RS256", "EdDSA")
#: Every browser page may call: what Supabase Auth itself does. Ours must be asked for.
ANY_ORIGIN: Final = "*"

_HIGHEST_PORT: Final = 65535
#: bcrypt's limit in Supabase Auth, kept so that a password that works here works there.
LONGEST_PASSWORD_BYTES: Final = 72


@dataclass(frozen=True, kw_only=True)
class IdentityConfig:
    """Everything the embedded provider can be told.

    Attributes:
        data_dir: Database and keys live here; made with mode 0700 when missing.
        host: Address to listen on. Beyond loopback only with ``allow_beyond_loopback``.
        port: 0 picks a free one.
        tls: Certificate and key to speak TLS with; ``None``: plain HTTP.
        path_prefixes: Where the endpoints stand; ``""`` is the bare service, as Supabase Auth itself has it.
        external_url: The service's address as clients see it, prefix included. Empty: from host, port and prefix.
        issuer: The ``iss`` claim. Empty: ``external_url``.
        audience: The ``aud`` claim and the users' ``aud``.
        access_token_lifetime_seconds: From ``iat`` to ``exp``.
        session_lifetime_seconds: After this a session cannot be refreshed any more. ``None``: it can, for ever.
        refresh_token_reuse_interval_seconds: A revoked refresh token still works this long.
        signing_algorithm: Of keys made at the first start.
        given_keys: The signing keys, when they are not to be made and kept in the data folder.
        shared_secret: Bearers signed with it (HS256) are believed too, as administrators' are with Supabase.
        session_channel_claim: Put ``channels: ["session:<id>"]`` into access tokens, as the hook for Supabase does.
        site_url: Where mails and sign-ins lead when nothing allowed was asked for.
        uri_allow_list: Further addresses they may lead to; patterns as Supabase Auth has them (``redirects``).
        admin_roles: Roles whose bearers may use ``/admin``.
        oauth_server: Third-party applications can be administered; signing in for them is not served.
        default_role: The role of new users, in PostgreSQL's sense.
        anonymous_users: Sign-ups with neither address nor number make anonymous users.
        email_sign_in: Addresses can sign up and in.
        manual_linking: Signed-in users may add and remove ways in.
        password_change_needs_reauthentication: A nonce from a mail, unless the session is younger than a day.
        session_inactivity_seconds: A session not refreshed for so long is over. ``None``: it never is.
        single_session_per_user: A new sign-in ends the user's other sessions.
        autoconfirm: A sign-up yields a session at once; otherwise the address must be confirmed first.
        disable_sign_up: Refuse new users.
        password_min_length: In bytes, as Supabase Auth counts.
        password_required_characters: A password needs one of each of these sets.
        flow_lifetime_seconds: From leaving for a provider or a mail to coming back with its code.
        user_metadata_limit_bytes: The access token carries it, and headers and frames have limits.
        body_limit_bytes: A longer request body is refused with 413.
        body_deadline_seconds: A body that is not whole by then is refused with 408.
        allowed_origins: Browser origins that may call; ``None``: pages served from loopback; ``("*",)``: all.
        allowed_hosts: Further ``Host`` names answered on loopback, against DNS rebinding.
        allowed_headers: Further headers that browser pages may send.
        trusted_proxies: Peer addresses whose ``X-Forwarded-For`` is believed.
        address_header: A header whose first value is the caller's address, from whatever peer it comes: name one only
            behind a proxy that always sets it. Empty: none is believed but what ``trusted_proxies`` send.
        mail: Mails and the codes in them.
        mfa: Second factors.
        providers: OAuth providers.
        test_provider: Serve a provider of our own, with a consent page, under the name ``test``.
        test_otps: Telephone numbers and the codes that work for them; there is no other telephone.
        phone_autoconfirm: A telephone number counts as confirmed without its code.
        hashing: Cost of a password hash.
        limits: Rate limits.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allow_beyond_loopback: bool = False
    tls: TlsFiles | None = None
    path_prefixes: tuple[str, ...] = (GATEWAY_PREFIX, "")
    external_url: str = ""
    issuer: str = ""
    audience: str = "authenticated"
    access_token_lifetime_seconds: int = 3600
    session_lifetime_seconds: float | None = None
    refresh_token_reuse_interval_seconds: float = 10
    signing_algorithm: str = "ES256"
    given_keys: GivenKeys | None = None
    shared_secret: Secret = field(default_factory=Secret)
    session_channel_claim: bool = True
    site_url: str = "http://127.0.0.1:3000"
    uri_allow_list: tuple[str, ...] = LOOPBACK_REDIRECTS
    admin_roles: frozenset[str] = frozenset({"service_role", "supabase_admin"})
    oauth_server: bool = False
    default_role: str = "authenticated"
    anonymous_users: bool = True
    email_sign_in: bool = True
    manual_linking: bool = True
    password_change_needs_reauthentication: bool = False
    session_inactivity_seconds: float | None = None
    single_session_per_user: bool = False
    autoconfirm: bool = True
    disable_sign_up: bool = False
    password_min_length: int = 8
    password_required_characters: tuple[str, ...] = ()
    flow_lifetime_seconds: float = 300
    user_metadata_limit_bytes: int = 8_192
    body_limit_bytes: int = 1_048_576
    body_deadline_seconds: float = 30
    allowed_origins: tuple[str, ...] | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_headers: frozenset[str] = frozenset()
    trusted_proxies: frozenset[str] = frozenset()
    address_header: str = ""
    mail: MailConfig = field(default_factory=MailConfig)
    mfa: MfaPolicy = field(default_factory=MfaPolicy)
    providers: tuple[OAuthProvider, ...] = ()
    test_provider: bool = False
    test_otps: Mapping[str, str] = field(default_factory=dict)
    phone_autoconfirm: bool = False
    hashing: PasswordHashing = field(default_factory=PasswordHashing)
    limits: RateLimits = field(default_factory=RateLimits)

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: ``setting`` names the field.
        """
        _require(0 <= self.port <= _HIGHEST_PORT, "port", "is no port number")
        _require(self.access_token_lifetime_seconds > 0, "access_token_lifetime_seconds", "must be positive")
        _require(self.refresh_token_reuse_interval_seconds >= 0, "refresh_token_reuse_interval_seconds", "is negative")
        _require(
            self.session_lifetime_seconds is None or self.session_lifetime_seconds > 0,
            "session_lifetime_seconds",
            "must be positive",
        )
        _require(
            1 <= self.password_min_length <= LONGEST_PASSWORD_BYTES,
            "password_min_length",
            f"must be between 1 and {LONGEST_PASSWORD_BYTES}",
        )
        _require(
            self.signing_algorithm in SIGNING_ALGORITHMS,
            "signing_algorithm",
            f"must be one of {', '.join(SIGNING_ALGORITHMS)}",
        )
        _require(bool(self.path_prefixes), "path_prefixes", "must name at least one")
        for prefix in self.path_prefixes:
            well_formed = prefix == "" or (prefix.startswith("/") and not prefix.endswith("/"))
            _require(well_formed, "path_prefixes", "must begin with a slash and not end with one")
        _require(
            self.allow_beyond_loopback or is_loopback(self.host),
            "host",
            "is not a loopback address, and this provider is for development",
            next_step="Listen on 127.0.0.1, use Supabase Auth, or say allow_beyond_loopback explicitly.",
        )
        _require(
            not self.test_provider or is_loopback(self.host),
            "test_provider",
            "lets anybody be anybody, and this service listens beyond loopback",
            next_step="Listen on 127.0.0.1, or configure a real OpenID issuer.",
        )

    @property
    def database_path(self) -> Path:
        """Users, sessions and refresh-token digests."""
        return self.data_dir / "identity.db"

    @property
    def signing_keys_path(self) -> Path:
        """The private key set."""
        return self.data_dir / "signing-keys.json"

    @property
    def refresh_token_key_path(self) -> Path:
        """What refresh tokens are derived with; without it the database reveals none."""
        return self.data_dir / "refresh-token.key"

    @property
    def base_url(self) -> str:
        """The service's address as clients see it, prefix included, without a slash at the end."""
        if self.external_url:
            return self.external_url.rstrip("/")
        return f"{self.listening_url}{self.path_prefixes[0]}"

    @property
    def listening_url(self) -> str:
        """Where it listens, without a prefix and without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{host}:{self.port}"

    @property
    def token_issuer(self) -> str:
        """The ``iss`` claim, to the letter."""
        return self.issuer or self.base_url


@functools.lru_cache(maxsize=256)  # the Host of every request: a few names, and strangers push each other out
def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address: ``localhost``, 127.0.0.0/8, ``::1``."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require(condition: bool, setting: str, complaint: str, *, next_step: str | None = None) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ConfigurationError(
            f"The identity provider's {setting} {complaint}.", setting=setting, next_step=next_step
        )
