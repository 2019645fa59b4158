"""What second factors must be.

Above: ``main``. Below: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MfaPolicy:
    """Time-based one-time passwords (RFC 6238). The numbers are Supabase Auth's."""

    totp_enroll: bool = True
    totp_verify: bool = True
    #: Verified and unverified together, of one user.
    most_factors: int = 10
    challenge_lifetime_seconds: float = 300
