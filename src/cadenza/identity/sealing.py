"""Secrets at rest: sealed, or known by a keyed digest, with a key that stands outside the database.

Whoever has the database and not the key file can neither read what is sealed nor test a guess against a digest.

Above: everything that stores a code, a state or a secret. Below: ``keys`` holds the key; cryptography.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12  # NIST SP 800-38D section 8.2.2


class Vault:
    """Seals, opens, digests. ``purpose`` keeps what was made for one use from being taken for another.

    Args:
        key: Secret, kept outside the database.
        random_bytes: Where nonces come from.
    """

    def __init__(self, key: bytes, *, random_bytes: Callable[[int], bytes]) -> None:
        self._aead = AESGCM(hmac.digest(key, b"cadenza sealed secret", hashlib.sha256))
        self._digest_key = hmac.digest(key, b"cadenza keyed digest", hashlib.sha256)
        self._random_bytes = random_bytes

    def seal(self, secret: bytes, *, purpose: str) -> bytes:
        """Encrypt and authenticate (AES-256-GCM, the nonce in front)."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes | None:
        """The secret; ``None`` if it was sealed with another key, for another purpose, or has been altered."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            return None

    def digest(self, secret: str, *, purpose: str) -> bytes:
        """What the database knows a secret by; the same for the same secret, so that it can be looked up."""
        return hmac.digest(self._digest_key, f"{purpose}:{secret}".encode(), hashlib.sha256)
