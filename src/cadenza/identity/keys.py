"""The provider's keys while it runs: what signs now, what is published and believed now, and the refresh tokens' key.

The file of signing keys is looked at (one ``stat``, two microseconds) whenever a key is wanted, so a rotation and,
above all, a revocation count from the next request on: no signal to send (SIGHUP already ends ``cadenza up``), no
timer that a revoked key could outlive, no restart.

Above: ``server``. Below: ``key_file``, ``private_files``, ``tokens``.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError, TokenInvalidError
from cadenza.identity.config import GivenKeys, IdentityConfig
from cadenza.identity.key_file import (
    KeyState,
    KeyStatus,
    StoredKey,
    StoredKeys,
    change_key_file,
    encode_key_file,
    read_key_file,
    signing_key,
    stored_keys,
)
from cadenza.identity.private_files import broken, create_private, make_private_folder, read_private
from cadenza.identity.refresh_tokens import KEY_BYTES
from cadenza.tokens.jwks import Believed, StaticKeySet
from cadenza.tokens.keys import VerificationKey
from cadenza.tokens.signer import Signer, SigningKey

_LOG: Final = logging.getLogger(__name__)

_PUBLISHED: Final = frozenset({KeyState.CURRENT, KeyState.STANDBY, KeyState.RETIRED})


@dataclass(frozen=True, kw_only=True)
class _Ring:
    """What holds from ``believed.since`` to ``believed.until``."""

    signer: Signer
    public_keys: tuple[dict[str, object], ...]
    believed: Believed


class KeyRing:
    """The keys, live. It is also the ``tokens.jwks.KeySet`` that the provider's own verifier asks.

    Args:
        source: The file of signing keys; or the keys themselves, which then never change.
        shared_secret: Bearers signed with it are believed too; a shared secret among the keys goes before it.
        refresh_token_key: What refresh tokens are derived with.
        clock: Seconds since the epoch.

    Raises:
        ConfigurationError: The file is not what it should be. While running such a file is only logged, and what was
            known before stays in force.
    """

    def __init__(
        self,
        source: Path | StoredKeys,
        *,
        refresh_token_key: bytes,
        clock: Callable[[], float],
        shared_secret: bytes | None = None,
    ) -> None:
        self.refresh_token_key = refresh_token_key
        self._path = source if isinstance(source, Path) else None
        self._clock = clock
        self._seen = _stamp(self._path)
        self._stored = read_key_file(source) if isinstance(source, Path) else source
        self._ring = self._made({})
        shared = (signing_key(key).secret() for key in self._stored.keys if key.is_shared_secret)
        self.shared_secret = next(shared, shared_secret)

    @property
    def signer(self) -> Signer:
        """Signs with the key that is current now."""
        return self._now().signer

    @property
    def public_keys(self) -> tuple[dict[str, object], ...]:
        """What is published now: JWKs without private members. The same object until something changes."""
        return self._now().public_keys

    @property
    def believed(self) -> Believed:
        """What signatures are checked with now."""
        return self._now().believed

    async def find(self, kid: str) -> VerificationKey:
        """The key of that id. Raises TokenInvalidError."""
        key = self._now().believed.keys.get(kid)
        if key is None:
            raise TokenInvalidError("The token's key is not in the provider's key set.")
        return key

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._ring.public_keys)} keys>"

    def _now(self) -> _Ring:
        stamp = _stamp(self._path)
        if stamp != self._seen:
            self._seen = stamp
            self._reload()
        elif not self._ring.believed.since <= self._clock() < self._ring.believed.until:
            self._ring = self._made(self._ring.believed.keys)
        return self._ring

    def _reload(self) -> None:
        if self._path is None:
            return
        try:
            self._stored = read_key_file(self._path)
        except ConfigurationError as error:
            _LOG.error("The signing keys were not read again: %s", error.message)  # says enough
            return
        self._ring = self._made(self._ring.believed.keys)

    def _made(self, held: Mapping[str, VerificationKey]) -> _Ring:
        now = self._clock()
        statuses = self._stored.at(now)
        public = tuple(
            status.key.public_jwk()
            for status in statuses
            if status.state in _PUBLISHED and not status.key.is_shared_secret
        )
        try:
            keys = StaticKeySet(public).believed.keys
        except ConfigurationError as error:
            complaint = f"holds a key that cannot be used ({error.message})"
            raise ConfigurationError(f"The key set {complaint}.", setting="given_keys") from None
        # An unchanged key stays the same object: what was verified with it is still good.
        same = {kid: _unchanged(key, held.get(kid)) for kid, key in keys.items()}
        return _Ring(
            signer=Signer(signing_key(_current(statuses))),
            public_keys=public,
            believed=Believed(same, -math.inf, self._stored.next_change_after(now)),
        )


def load_key_ring(
    config: IdentityConfig, *, random_bytes: Callable[[int], bytes], clock: Callable[[], float] = time.time
) -> KeyRing:
    """Read the keys, making what is missing.

    Raises:
        ConfigurationError: A file is unreadable, open to others, or not what it should be.
    """
    make_private_folder(config.data_dir)
    return KeyRing(
        _made_key_file(config) if config.given_keys is None else _given(config.given_keys, config),
        refresh_token_key=_refresh_token_key(config.refresh_token_key_path, random_bytes),
        clock=clock,
        shared_secret=config.shared_secret.text.encode() or None,
    )


def _made_key_file(config: IdentityConfig) -> Path:
    """The file, with a first key in it if there was none."""
    path = config.signing_keys_path
    if not path.exists():
        first = StoredKey(jwk=SigningKey.generate(config.signing_algorithm).private_jwk(), signs_from=0)
        lifetime = config.access_token_lifetime_seconds
        create_private(path, encode_key_file(StoredKeys(keys=(first,), access_token_lifetime_seconds=lifetime)))
    _note_lifetime(path, config.access_token_lifetime_seconds)
    return path


def _given(keys: GivenKeys, config: IdentityConfig) -> StoredKeys:
    try:
        return stored_keys(keys.jwks, access_token_lifetime_seconds=config.access_token_lifetime_seconds)
    except ConfigurationError as error:
        raise ConfigurationError(f"The given key set {error.message}", setting="given_keys") from None


def _note_lifetime(path: Path, seconds: float) -> None:
    """Have the file know how long a token may live: whoever rotates the keys need not know this configuration."""
    if read_key_file(path).access_token_lifetime_seconds < seconds:
        change_key_file(path, lambda stored: dataclasses.replace(stored, access_token_lifetime_seconds=seconds))


def _current(statuses: tuple[KeyStatus, ...]) -> StoredKey:
    return next(status.key for status in statuses if status.state is KeyState.CURRENT)


def _unchanged(key: VerificationKey, held: VerificationKey | None) -> VerificationKey:
    return held if held is not None and held.is_same_as(key) else key


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """Changes with the file: it is replaced, never written in place."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _refresh_token_key(path: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    if not path.exists():
        create_private(path, random_bytes(KEY_BYTES).hex().encode() + b"\n")
    try:
        key = bytes.fromhex(read_private(path).decode("ascii").strip())
    except ValueError:
        raise broken(path, "is not hexadecimal") from None
    if len(key) != KEY_BYTES:
        raise broken(path, f"does not hold {KEY_BYTES} bytes")
    return key
