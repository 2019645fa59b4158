"""What the provider that serves a data folder calls itself, written at each start: for tools that work beside it.

Port, issuer and audience may come from options and the environment of another process; whoever signs a token that the
provider is to believe must know them to the letter.

Above: ``server`` writes it, ``admin_tokens`` and ``key_acts`` read it. Below: ``private_files``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig
from cadenza.identity.private_files import broken, read_private, replace_private

_NAME: Final = "serving.json"


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """The provider as it serves, or did last. ``keys_given``: they do not stand in the folder."""

    url: str
    issuer: str
    audience: str
    admin_roles: tuple[str, ...]
    keys_given: bool = False


def write_serving(config: IdentityConfig) -> None:
    """Say what the provider is, its port settled. Raises ``ConfigurationError``: it cannot be written."""
    serving = Serving(
        url=config.base_url,
        issuer=config.token_issuer,
        audience=config.audience,
        admin_roles=tuple(sorted(config.admin_roles)),
        keys_given=config.given_keys is not None,
    )
    replace_private(_path(config), msgspec.json.encode(serving) + b"\n")


def is_served(config: IdentityConfig) -> bool:
    """Whether a provider has served the folder."""
    return _path(config).exists()


def read_serving(config: IdentityConfig) -> Serving:
    """Read it.

    Raises:
        ConfigurationError: No provider has served that folder, or the file is not what it should be.
    """
    path = _path(config)
    if not is_served(config):
        raise ConfigurationError(
            f"No identity provider has served {config.data_dir} yet.",
            setting="data_dir",
            next_step="Start it once with cadenza up or cadenza identity serve, or name its folder.",
        )
    try:
        return msgspec.json.decode(read_private(path), type=Serving)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise broken(path, "cannot be read") from None


def _path(config: IdentityConfig) -> Path:
    return config.data_dir / _NAME
