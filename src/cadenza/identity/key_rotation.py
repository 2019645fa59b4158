"""Changing the signing keys: a new one published before it signs, an old one kept until its tokens have run out.

Works on the file alone, so it does the same whether a provider runs on it or not; one that runs sees it at once.

Above: ``cli``. Below: ``key_file``, ``tokens.signer``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cadenza.errors import ConfigurationError
from cadenza.identity.config import SIGNING_ALGORITHMS
from cadenza.identity.key_file import (
    SKEW_SECONDS,
    KeyState,
    KeyStatus,
    StoredKey,
    StoredKeys,
    change_key_file,
    read_key_file,
)
from cadenza.tokens.signer import SigningKey

#: Longer than anybody keeps the published set (``max-age`` 600), so that the new key is known when it begins to sign.
DEFAULT_LEAD_SECONDS: Final = 900


class KeyRotation:
    """The signing keys of one provider.

    Args:
        path: The file of signing keys.
        clock: Seconds since the epoch.

    Raises:
        ConfigurationError: There is no such file.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        if not path.exists():
            raise ConfigurationError(
                f"There are no signing keys in {path.parent} yet.",
                setting="data_dir",
                next_step="They are made at the provider's first start; or name its folder with --data-dir.",
            )

    def statuses(self) -> tuple[KeyStatus, ...]:
        """Every key and what it is now.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        return read_key_file(self._path).at(self._clock())

    def rotate(
        self, *, algorithm: str | None = None, lead_seconds: float = DEFAULT_LEAD_SECONDS
    ) -> tuple[KeyStatus, ...]:
        """Publish a new key, which signs after ``lead_seconds``, and drop those that nobody needs any more.

        Args:
            algorithm: Of the new key; ``None``: that of the present one.
            lead_seconds: 0: it signs at once, and whoever has kept the published set must fetch it again.

        Raises:
            ConfigurationError: A new key waits already, or the algorithm is none of ours.
        """
        now = self._clock()

        def changed(stored: StoredKeys) -> StoredKeys:
            waiting = _first(stored, now, KeyState.STANDBY)
            if waiting is not None:
                raise ConfigurationError(
                    f"A new key is published and waits to sign: {waiting.kid}.",
                    setting="rotate-keys",
                    next_step="Let it take over first, or revoke it with --revoke.",
                )
            new = _new_key(algorithm or _present(stored, now).alg, signs_from=now + lead_seconds)
            return _with(stored, [*stored.keys, new], now)

        return change_key_file(self._path, changed).at(now)

    def revoke(self, kid: str, *, algorithm: str | None = None) -> tuple[KeyStatus, ...]:
        """Stop believing a key, now and for ever. If it is the one that signs, the waiting one or a new one does.

        Raises:
            ConfigurationError: There is no such key, or it was revoked before.
        """
        now = self._clock()

        def changed(stored: StoredKeys) -> StoredKeys:
            revoked = next((key for key in stored.keys if key.kid == kid and key.revoked_at is None), None)
            if revoked is None:
                raise ConfigurationError(
                    f"No key in force has the kid {kid!r}.",
                    setting="--revoke",
                    next_step="See: cadenza identity keys",
                )
            keys = [_without_material(key, now) if key is revoked else key for key in stored.keys]
            if revoked is _present(stored, now):
                waiting = _first(stored, now, KeyState.STANDBY)
                keys = [dataclasses.replace(key, signs_from=now) if key is waiting else key for key in keys]
                if waiting is None:
                    keys.append(_new_key(algorithm or revoked.alg, signs_from=now))
            return _with(stored, keys, now)

        return change_key_file(self._path, changed).at(now)


def _present(stored: StoredKeys, now: float) -> StoredKey:
    return next(status.key for status in stored.at(now) if status.state is KeyState.CURRENT)


def _first(stored: StoredKeys, now: float, state: KeyState) -> StoredKey | None:
    return next((status.key for status in stored.at(now) if status.state is state), None)


def _new_key(algorithm: str, *, signs_from: float) -> StoredKey:
    if algorithm not in SIGNING_ALGORITHMS:
        raise ConfigurationError(
            f"A new key cannot be for {algorithm!r}.",
            setting="--algorithm",
            next_step=f"Choose one of {', '.join(SIGNING_ALGORITHMS)}.",
        )
    return StoredKey(jwk=SigningKey.generate(algorithm).private_jwk(), signs_from=signs_from)


def _without_material(key: StoredKey, now: float) -> StoredKey:
    """What is left of a revoked key: enough to say that it was."""
    return StoredKey(jwk={"kid": key.kid, "alg": key.alg}, signs_from=key.signs_from, revoked_at=now)


def _with(stored: StoredKeys, keys: list[StoredKey], now: float) -> StoredKeys:
    """The set with these keys, but for those whose tokens have all run out."""
    changed = dataclasses.replace(stored, keys=tuple(keys))
    forgotten = now - stored.access_token_lifetime_seconds - SKEW_SECONDS
    kept = (
        status.key
        for status in changed.at(now)
        if status.state is not KeyState.EXPIRED and (status.key.revoked_at is None or status.key.revoked_at > forgotten)
    )
    return dataclasses.replace(changed, keys=tuple(kept))
