"""Time-based one-time passwords (RFC 6238): a secret, its address for an authenticator app, the QR code, the check.

Six digits, thirty seconds, SHA-1, one step of grace on either side: what every authenticator app does, and Supabase
Auth too. Above: ``factors``. Below: pyotp, segno.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import segno
from pyotp.totp import TOTP

#: RFC 4226 section 4 recommends 160 bits.
_SECRET_BYTES: Final = 20
_STEP_SECONDS: Final = 30
_QUIET: Final = 4  # modules around a QR code (ISO/IEC 18004)
_SCALE: Final = 3


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """A secret in base32, as authenticator apps take it by hand."""
    return base64.b32encode(random_bytes(_SECRET_BYTES)).decode()


def address_of(secret: str, *, issuer: str, account: str) -> str:
    """The ``otpauth:`` address (Google Authenticator's Key URI Format), in Supabase Auth's order."""
    label = quote(f"{issuer}:{account}", safe="@:")
    pairs = {"algorithm": "SHA1", "digits": "6", "issuer": issuer, "period": str(_STEP_SECONDS), "secret": secret}
    return f"otpauth://totp/{label}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())


def qr_code(address: str) -> str:
    """The address as a QR code: an SVG without ``#``, which clients put into a data URL as it stands."""
    rows = [bytes(row) for row in segno.make(address, error="h").matrix]
    side = (len(rows) + 2 * _QUIET) * _SCALE
    dark = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    )
    return (
        f'<?xml version="1.0"?>\n<svg width="{side}" height="{side}" viewBox="0 0 {side // _SCALE} {side // _SCALE}" '
        'xmlns="http://www.w3.org/2000/svg">\n'
        '<rect width="100%" height="100%" style="fill:white" />\n'
        f'<path d="{dark}" style="fill:black;stroke:none" shape-rendering="crispEdges" />\n</svg>\n'
    )


def step_of(secret: str, code: str, *, now: float, after: int | None) -> int | None:
    """The time step that a code is of, ``None`` for a wrong one; all are compared, in constant time.

    Args:
        secret: In base32.
        code: As typed.
        now: Seconds since the epoch.
        after: The step of the code used last: that one and older ones are wrong (RFC 6238 section 5.2).
    """
    made, current, found = TOTP(secret), int(now) // _STEP_SECONDS, None
    for step in (current - 1, current, current + 1):
        right = hmac.compare_digest(made.at(step * _STEP_SECONDS).encode(), code.encode())
        if right and (after is None or step > after):
            found = step
    return found
