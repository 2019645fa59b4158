"""What ``connect()`` was told, in one frozen object, and what follows from it for each address.

Above: ``_client``. Below: ``settings``, ``events``, ``timing``.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from cadenza.client.auth.stepping import SecondFactorCallback
from cadenza.client.auth.stores import SessionStore
from cadenza.client.events import Handlers
from cadenza.client.settings import AUTH_PATH, Environment, StoreKind, is_loopback
from cadenza.client.timing import Timing
from cadenza.errors import ConfigurationError

#: ``connect(proxy=DIRECT)``: no proxy, whatever the environment says.
DIRECT: Final = "direct"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything a client is told. The docstring of ``connect()`` explains each."""

    environment: Environment
    ws_url: str | None = None
    supabase_url: str | None = None
    auth_path: str = AUTH_PATH
    anon_key: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    session_store: SessionStore | StoreKind | None = None
    profile: str | None = None
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    ca_file: Path | None = None
    allow_insecure: bool = False
    deadline_seconds: float = 10.0
    second_factor: SecondFactorCallback | None = field(default=None, repr=False)
    handlers: Handlers = field(default_factory=Handlers)
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.deadline_seconds <= 0:
            raise ConfigurationError(
                "A deadline of no seconds lets nothing be answered.",
                setting="deadline_seconds",
                next_step="Give it more than 0.",
            )

    def websocket_proxy(self, url: str) -> str | Literal[True] | None:
        """How centrifuge-python is told: an address, True for the environment's, None for none."""
        if self.proxy is None:
            return None if is_loopback(url) else True
        return None if self.proxy == DIRECT else self.proxy

    def http_proxy(self, url: str) -> tuple[str | None, bool]:
        """How httpx is told: an address, and whether to look into the environment."""
        if self.proxy is None:
            return None, not is_loopback(url)
        return (None if self.proxy == DIRECT else self.proxy), False

    def ssl_context(self, url: str) -> ssl.SSLContext | None:
        """The authority to trust at an encrypted address; None for the system's.

        Raises:
            ConfigurationError: The file is not a certificate, or not there.
        """
        if self.ca_file is None or not url.startswith(("https:", "wss:")):
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"The certificate authority in {self.ca_file} cannot be read ({type(error).__name__}).",
                setting="ca_file",
                next_step="Give the path of a PEM file with the authority's certificate.",
            ) from error
