"""Secrets in files: the signing keys and the refresh-token key, made at the first start, readable by their owner only.

The private key set is a JWK set in which exactly one key has ``sign`` among its ``key_ops`` (as in Supabase Auth's
``GOTRUE_JWT_KEYS``); every key of it shows, without its private half, in the published set.

Above: ``server``. Below: ``tokens.signer``, ``config``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig
from cadenza.identity.refresh_tokens import KEY_BYTES
from cadenza.tokens.signer import Signer, SigningKey

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
#: RFC 7518 section 6, the public ones.
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e", "kid", "alg")


class _KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    keys: list[dict[str, object]]

    def __repr__(self) -> str:
        return f"<{len(self.keys)} private keys>"


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """The provider's keys, loaded. ``public_keys`` are JWKs without private members."""

    signer: Signer
    public_keys: tuple[dict[str, object], ...]
    refresh_token_key: bytes

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self.public_keys)} keys>"


def load_key_ring(config: IdentityConfig, *, random_bytes: Callable[[int], bytes]) -> KeyRing:
    """Read the keys, making what is missing.

    Raises:
        ConfigurationError: A file is unreadable, open to others, or not what it should be.
    """
    make_private_folder(config.data_dir)
    keys = _signing_keys(config)
    return KeyRing(
        signer=Signer(_the_one_that_signs(keys, config.signing_keys_path)),
        public_keys=tuple(_published(key) for key in keys),
        refresh_token_key=_refresh_token_key(config.refresh_token_key_path, random_bytes),
    )


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` with mode 0700 if it is missing.

    Raises:
        ConfigurationError: It cannot be made, or is a file.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {folder} cannot be made: {error.strerror}.", setting="data_dir"
        ) from error


def _signing_keys(config: IdentityConfig) -> list[dict[str, object]]:
    path = config.signing_keys_path
    if not path.exists():
        made = _KeyFile(keys=[SigningKey.generate(config.signing_algorithm).private_jwk()])
        _create(path, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    try:
        return msgspec.json.decode(_read_private(path), type=_KeyFile).keys
    except (msgspec.DecodeError, UnicodeDecodeError):
        # `from None`: what cannot be read here is a private key, and must not be quoted.
        raise _broken(path, "is no JWK set") from None


def _the_one_that_signs(keys: list[dict[str, object]], path: Path) -> SigningKey:
    signing = [key for key in keys if "sign" in _operations(key)]
    if len(signing) != 1:
        raise _broken(path, f"has {len(signing)} keys with 'sign' in key_ops; there must be one")
    try:
        return SigningKey.from_jwk(signing[0])
    except ConfigurationError as error:
        raise _broken(path, f"holds a key that cannot sign ({error.message})") from None


def _operations(key: dict[str, object]) -> list[object]:
    operations = key.get("key_ops")
    return operations if isinstance(operations, list) else []


def _published(key: dict[str, object]) -> dict[str, object]:
    """The public half, by a list of what may be shown, never by a list of what may not."""
    public: dict[str, object] = {name: key[name] for name in _PUBLIC_MEMBERS if name in key}
    return {**public, "use": "sig", "key_ops": ["verify"]}


def _refresh_token_key(path: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    if not path.exists():
        _create(path, random_bytes(KEY_BYTES).hex().encode() + b"\n")
    try:
        key = bytes.fromhex(_read_private(path).decode("ascii").strip())
    except ValueError:
        raise _broken(path, "is not hexadecimal") from None
    if len(key) != KEY_BYTES:
        raise _broken(path, f"does not hold {KEY_BYTES} bytes")
    return key


def _create(path: Path, content: bytes) -> None:
    """Write a new private file whole or not at all; if another process was first, its file stays."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", setting="data_dir") from error


def _read_private(path: Path) -> bytes:
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise ConfigurationError(
                f"{path} can be read by others.", setting="data_dir", next_step=f"Run: chmod 600 {path}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", setting="data_dir") from error


def _broken(path: Path, complaint: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} {complaint}.",
        setting="data_dir",
        next_step="Restore it from a copy, or move it away: a new one is made, and everyone signs in again.",
    )
