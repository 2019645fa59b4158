"""The identity provider alone, on the stack's data folder: what ``cadenza identity serve`` runs.

Above: ``cli.identity``. Below: ``identity``, ``stack.folder``. It keeps its files where the whole stack keeps them, so
either can be started on what the other left, one at a time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cadenza.client.settings import default_data_dir
from cadenza.client.settings import read_environment as read_own_environment
from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, TlsFiles
from cadenza.identity.environment import read_env_file, read_environment
from cadenza.identity.server import IdentityServer
from cadenza.stack.folder import DataFolder
from cadenza.stack.settings import option_of

#: Of the data folder.
IDENTITY_FOLDER: Final = "identity"
_OPTIONS: Final = frozenset({"port", "data_dir"})


@dataclass(frozen=True, kw_only=True)
class IdentityOptions:
    """What the command line says; ``None`` and empty: the environment, then the default."""

    data_dir: Path | None = None
    env_file: Path | None = None
    host: str | None = None
    port: int | None = None
    tls: TlsFiles | None = None
    allowed_origins: Sequence[str] = ()
    allow_beyond_loopback: bool = False
    allow_production: bool = False
    test_provider: bool = False


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """The provider's settings, where its folder is, and what the operator is to be told."""

    config: IdentityConfig
    data_dir: Path
    warnings: tuple[str, ...]


def identity_settings(options: IdentityOptions, environ: Mapping[str, str] | None = None) -> IdentitySettings:
    """Read options first, ``--env-file`` second, the environment third: as Supabase Auth has it, the file wins.

    Raises:
        ConfigurationError: A variable is refused, or settings contradict each other.
    """
    whole = dict(os.environ if environ is None else environ)
    if options.env_file is not None:
        whole.update(read_env_file(options.env_file))
    data_dir = options.data_dir or default_data_dir(read_own_environment(whole))
    if whole.get("CADENZA_ENV") == "production" and not options.allow_production:
        raise ConfigurationError(
            "The embedded identity provider is for development and CADENZA_ENV is 'production'.",
            setting="CADENZA_ENV",
            next_step="Run Supabase Auth, or insist with --allow-production.",
        )
    reading = read_environment(whole)
    given = {"host": options.host, "port": options.port, "tls": options.tls}
    origins = tuple(options.allowed_origins) or tuple(
        whole.get("CADENZA_ALLOWED_ORIGINS", "").replace(",", " ").split()
    )
    with _named_by_option():
        config = reading.config(
            data_dir=data_dir / IDENTITY_FOLDER,
            allow_beyond_loopback=options.allow_beyond_loopback,
            allowed_origins=origins or None,
            test_provider=options.test_provider,
            **{name: value for name, value in given.items() if value is not None},
        )
    return IdentitySettings(config=config, data_dir=data_dir, warnings=reading.warnings)


@contextlib.asynccontextmanager
async def identity_alone(settings: IdentitySettings) -> AsyncIterator[IdentityServer]:
    """Run it.

    Raises:
        ConfigurationError: The folder is in use or damaged, the port is taken, a file is not what it should be.
    """
    with contextlib.closing(DataFolder(settings.data_dir)), _named_by_option():
        async with IdentityServer(settings.config) as server:
            yield server


@contextlib.contextmanager
def _named_by_option() -> Iterator[None]:
    """The room names its own setting; whoever started it knows the option."""
    try:
        yield
    except ConfigurationError as refused:
        if refused.setting in {"host", "GOTRUE_API_HOST"}:
            raise _beyond_loopback(refused) from None
        if refused.setting == "test_provider":
            raise ConfigurationError(
                refused.message, setting="--test-provider", next_step=refused.next_step
            ) from refused
        if refused.setting in _OPTIONS:
            setting = option_of(refused.setting)
            raise ConfigurationError(refused.message, setting=setting, next_step=refused.next_step) from refused
        raise


def _beyond_loopback(refused: ConfigurationError) -> ConfigurationError:
    return ConfigurationError(
        refused.message,
        setting="--host",
        next_step="Listen on 127.0.0.1, use Supabase Auth, or insist with --allow-beyond-loopback.",
    )
