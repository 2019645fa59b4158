"""Refresh tokens: derived, never stored.

The database keeps, for each token, a random seed and a keyed digest. The token itself is a keyed MAC of the seed, so
the provider can say an active token again (the rule for the parent of the active token demands it) while someone who
has the database and not the key file has nothing: a digest cannot be turned round, and the seed is no token.

Form, as recorded: twelve characters of the lower-case base32 alphabet, sixty bits.

Above: ``sessions``. Below: ``keys`` holds the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

#: Of the key and of a seed.
KEY_BYTES: Final = 32
SEED_BYTES: Final = 16
TOKEN_CHARACTERS: Final = 12

_FORM: Final = re.compile(rf"[a-z0-9]{{{TOKEN_CHARACTERS}}}")
_TOKEN_BYTES: Final = 10  # 16 characters of base32, of which twelve are taken


class RefreshTokenMint:
    """Makes, remakes and recognises refresh tokens.

    Args:
        key: Secret, kept outside the database.
        random_bytes: Where seeds come from.
    """

    def __init__(self, key: bytes, *, random_bytes: Callable[[int], bytes]) -> None:
        self._token_key = hmac.digest(key, b"cadenza refresh token", hashlib.sha256)
        self._digest_key = hmac.digest(key, b"cadenza refresh token digest", hashlib.sha256)
        self._random_bytes = random_bytes

    def new_seed(self) -> bytes:
        """A seed for a new token."""
        return self._random_bytes(SEED_BYTES)

    def token_of(self, seed: bytes) -> str:
        """The token of a seed, always the same."""
        mac = hmac.digest(self._token_key, seed, hashlib.sha256)
        return base64.b32encode(mac[:_TOKEN_BYTES]).decode().lower()[:TOKEN_CHARACTERS]

    def digest_of(self, token: str) -> bytes:
        """What the database knows a token by."""
        return hmac.digest(self._digest_key, token.encode(), hashlib.sha256)


def has_form(token: str) -> bool:
    """Whether this can be a refresh token at all."""
    return _FORM.fullmatch(token) is not None
