"""Proof Key for Code Exchange (RFC 7636): whoever trades a code must be who asked for it. S256 alone.

The client makes a ``Pkce``, sends its ``challenge`` with the request that starts a sign-in, and keeps the ``verifier``
for the exchange; the provider compares with ``matches``. Randomness comes in as an argument.

Above: ``client.auth``, ``cadenza.identity``. Below: the standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

from cadenza.protocol.auth.messages import Discreet
from cadenza.protocol.auth.words import S256

#: 48 bytes are 64 characters; RFC 7636 section 4.1 wants 43 to 128, of at least 32 bytes.
_VERIFIER_BYTES: Final = 48
_FORM: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


class Pkce(Discreet, frozen=True, kw_only=True):
    """One flow's secret and what may be shown of it. Keep it until the code is exchanged, use it once (E9)."""

    verifier: str
    challenge: str
    method: str = S256


def make(random_bytes: Callable[[int], bytes]) -> Pkce:
    """A fresh pair.

    Args:
        random_bytes: So many unguessable bytes: ``secrets.token_bytes``.
    """
    verifier = _base64url(random_bytes(_VERIFIER_BYTES))
    return Pkce(verifier=verifier, challenge=challenge_of(verifier))


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def is_well_formed(text: str) -> bool:
    """Whether a verifier or a challenge has the length and the characters of RFC 7636 sections 4.1 and 4.2."""
    return _FORM.fullmatch(text) is not None


def is_s256(method: str) -> bool:
    """Whether a ``code_challenge_method`` is S256; Supabase Auth looks at no case, and its clients send ``s256``."""
    return method.lower() == S256


def matches(verifier: str, challenge: str) -> bool:
    """Whether the verifier is what the challenge was made of, compared in constant time."""
    return hmac.compare_digest(challenge_of(verifier).encode(), challenge.encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
