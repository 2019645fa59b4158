"""An authenticator app (RFC 6238 with the defaults of ``otpauth:``: SHA-1, six digits, thirty seconds)."""

from __future__ import annotations

import base64
import hashlib
import hmac

STEP_SECONDS = 30


def totp(secret: str, at: float) -> str:
    """The code that an app shows at a moment, in seconds since the epoch."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(at) // STEP_SECONDS).to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
