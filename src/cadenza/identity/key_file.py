"""The file of signing keys: its form, and what it says of each key at a given time.

A JWK set (RFC 7517) with members of ours, which other readers ignore as the RFC tells them to:

- ``signs_from`` of a key: seconds since the epoch. The key signs from then on, until another one's time has come.
- ``revoked_at`` of a key: it is not believed any more. Nothing of it is kept but ``kid`` and ``alg``.
- ``access_token_lifetime_seconds`` of the set: the longest that a token signed here may live. A key that no longer
  signs stays published for that long, and a minute.

So a rotation is one change of the file, and everything after it happens by the clock: in each process that reads it,
and without anybody at a keyboard. A set without these members, as an older Cadenza wrote it and as Supabase Auth's
``GOTRUE_JWT_KEYS`` holds it, has exactly one key with ``sign`` among its ``key_ops``: that one signs.

Above: ``keys`` serves what it says, ``key_rotation`` changes it. Below: ``private_files``, ``tokens.signer``.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filelock
import msgspec

from cadenza.errors import ConfigurationError
from cadenza.identity.private_files import broken, read_private, replace_private
from cadenza.tokens.signer import SigningKey

#: For clocks that do not quite agree, and answers on their way.
SKEW_SECONDS: Final = 60
_DEFAULT_LIFETIME_SECONDS: Final = 3600
_LOCK_SECONDS: Final = 10
_LOCK_MODE: Final = 0o600
#: RFC 7518 section 6, the public ones.
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e", "kid", "alg")
_SHARED_SECRET: Final = "oct"  # noqa: S105  # a type of key
_OURS: Final = frozenset({"signs_from", "revoked_at"})


class KeyState(enum.StrEnum):
    """What a key is for, now."""

    STANDBY = "standby"
    CURRENT = "current"
    RETIRED = "retired"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """One key of the file.

    Attributes:
        jwk: The private key; a revoked one has nothing but ``kid`` and ``alg``.
        signs_from: Seconds since the epoch; ``None`` for one that only verifies.
        revoked_at: Seconds since the epoch.
    """

    jwk: Mapping[str, object]
    signs_from: float | None
    revoked_at: float | None = None

    @property
    def kid(self) -> str:
        """The key's id."""
        return str(self.jwk.get("kid", ""))

    @property
    def alg(self) -> str:
        """Its algorithm."""
        return str(self.jwk.get("alg", ""))

    @property
    def is_shared_secret(self) -> bool:
        """Whether it has no public half, and is never published."""
        return self.jwk.get("kty") == _SHARED_SECRET

    def public_jwk(self) -> dict[str, object]:
        """The public half, by a list of what may be shown, never by a list of what may not."""
        public = {name: self.jwk[name] for name in _PUBLIC_MEMBERS if name in self.jwk}
        return {**public, "use": "sig", "key_ops": ["verify"]}

    def __repr__(self) -> str:
        return f"<StoredKey {self.kid!r}>"


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """A key and what it is at a time. ``until``: when that ends; ``None`` when nothing is arranged."""

    key: StoredKey
    state: KeyState
    until: float | None


@dataclass(frozen=True, kw_only=True)
class StoredKeys:
    """The content of the file."""

    keys: tuple[StoredKey, ...]
    access_token_lifetime_seconds: float = _DEFAULT_LIFETIME_SECONDS

    def at(self, now: float) -> tuple[KeyStatus, ...]:
        """What each key is, in the file's order."""
        current = self._current(now)
        return tuple(self._status(key, current, now) for key in self.keys)

    def next_change_after(self, now: float) -> float:
        """When the first key becomes something else by itself; infinity: none will."""
        return min((status.until for status in self.at(now) if status.until is not None), default=math.inf)

    def _current(self, now: float) -> StoredKey | None:
        able = [key for key in self.keys if key.revoked_at is None and key.signs_from is not None]
        begun = [key for key in able if _start(key) <= now]
        # A clock that was set back must not leave the provider without a key.
        return max(begun, key=_start) if begun else min(able, key=_start, default=None)

    def _status(self, key: StoredKey, current: StoredKey | None, now: float) -> KeyStatus:
        if key.revoked_at is not None:
            return KeyStatus(key=key, state=KeyState.REVOKED, until=None)
        if key is current:
            return KeyStatus(key=key, state=KeyState.CURRENT, until=self._next_start_after(now))
        if key.signs_from is not None and key.signs_from > now:
            return KeyStatus(key=key, state=KeyState.STANDBY, until=key.signs_from)
        ended = self._signs_until(key)
        if key.signs_from is None or ended is None:
            return KeyStatus(key=key, state=KeyState.RETIRED, until=None)
        until = ended + self.access_token_lifetime_seconds + SKEW_SECONDS
        if until <= now:
            return KeyStatus(key=key, state=KeyState.EXPIRED, until=None)
        return KeyStatus(key=key, state=KeyState.RETIRED, until=until)

    def _next_start_after(self, now: float) -> float | None:
        starts = [key.signs_from for key in self.keys if key.revoked_at is None and key.signs_from is not None]
        return min((start for start in starts if start > now), default=None)

    def _signs_until(self, key: StoredKey) -> float | None:
        """When the next key took over; one that was revoked before its time never did."""
        later = [
            other.signs_from
            for other in self.keys
            if other.signs_from is not None
            and other.signs_from > _start(key)
            and (other.revoked_at is None or other.revoked_at > other.signs_from)
        ]
        return min(later, default=None)

    def __repr__(self) -> str:
        return f"<StoredKeys: {len(self.keys)} keys>"


class _File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    keys: list[dict[str, object]]
    access_token_lifetime_seconds: float = _DEFAULT_LIFETIME_SECONDS

    def __repr__(self) -> str:
        return f"<{len(self.keys)} private keys>"


def read_key_file(path: Path) -> StoredKeys:
    """Read the file, and make sure that a key of it can sign.

    Raises:
        ConfigurationError: It is unreadable, open to others, or not what it should be.
    """
    try:
        file = msgspec.json.decode(read_private(path), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # `from None`: what cannot be read here is a private key, and must not be quoted.
        raise broken(path, "is no JWK set") from None
    try:
        return stored_keys(file.keys, access_token_lifetime_seconds=file.access_token_lifetime_seconds)
    except ConfigurationError as error:
        raise broken(path, error.message.rstrip(".")) from None


def stored_keys(jwks: Sequence[Mapping[str, object]], *, access_token_lifetime_seconds: float) -> StoredKeys:
    """Read a set of private keys.

    Raises:
        ConfigurationError: The message is a complaint about the set, and quotes nothing of it.
    """
    keys = tuple(_stored(jwk) for jwk in jwks)
    beginnings = [key.signs_from for key in keys if key.signs_from is not None and key.revoked_at is None]
    most = max((beginnings.count(beginning) for beginning in beginnings), default=0)
    if most != 1:
        raise _complaint(f"has {most} keys with 'sign' in key_ops; there must be one")
    if len({key.kid for key in keys}) != len(keys):
        raise _complaint("has two keys with one kid")
    for key in keys:
        if key.signs_from is not None and key.revoked_at is None:
            signing_key(key)
    return StoredKeys(keys=keys, access_token_lifetime_seconds=access_token_lifetime_seconds)


def signing_key(key: StoredKey) -> SigningKey:
    """What signs with it.

    Raises:
        ConfigurationError: It cannot sign.
    """
    try:
        return SigningKey.from_jwk({**key.jwk, "key_ops": ["sign"]})
    except ConfigurationError as error:
        raise _complaint(f"holds a key that cannot sign ({error.message})") from None


def change_key_file(path: Path, change: Callable[[StoredKeys], StoredKeys]) -> StoredKeys:
    """Replace the file's content by what ``change`` makes of it, one process at a time; returned is what it made.

    Raises:
        ConfigurationError: The file cannot be read or written, or is being changed for too long.
    """
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS, mode=_LOCK_MODE)
    try:
        with lock:
            before = read_key_file(path)
            after = change(before)
            if after != before:
                replace_private(path, encode_key_file(after))
            return after
    except filelock.Timeout:
        raise ConfigurationError(
            f"{path} is being changed by another process.", setting="data_dir", next_step="Try again in a moment."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be changed: {error.strerror}.", setting="data_dir") from error


def encode_key_file(stored: StoredKeys) -> bytes:
    """The file's content."""
    keys = [_in_file(key) for key in stored.keys]
    file = _File(keys=keys, access_token_lifetime_seconds=stored.access_token_lifetime_seconds)
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def _stored(members: Mapping[str, object]) -> StoredKey:
    jwk = {name: value for name, value in members.items() if name not in _OURS}
    signs_from, revoked_at = _time(members, "signs_from"), _time(members, "revoked_at")
    if signs_from is None and "sign" in _operations(jwk):
        signs_from = 0.0
    return StoredKey(jwk=jwk, signs_from=signs_from, revoked_at=revoked_at)


def _in_file(key: StoredKey) -> dict[str, object]:
    # Zero is what ``sign`` among the key_ops says already: until it is rotated the file is a plain JWK set.
    times = {"signs_from": key.signs_from or None, "revoked_at": key.revoked_at}
    return {**key.jwk, **{name: time for name, time in times.items() if time is not None}}


def _time(members: Mapping[str, object], name: str) -> float | None:
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _complaint(f"has a {name} that is no time")
    return float(value)


def _operations(jwk: Mapping[str, object]) -> list[object]:
    operations = jwk.get("key_ops")
    return operations if isinstance(operations, list) else []


def _start(key: StoredKey) -> float:
    return -math.inf if key.signs_from is None else key.signs_from


def _complaint(words: str) -> ConfigurationError:
    return ConfigurationError(f"{words}.", setting="data_dir")
