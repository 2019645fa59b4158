"""What costs, and how often it may be asked for.

Above: ``main``. Below: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PasswordHashing:
    """Cost of one argon2id hash. The defaults are RFC 9106's second recommended option (64 MiB, three passes)."""

    passes: int = 3
    memory_kib: int = 65536
    lanes: int = 4
    #: Hashes computed at once; each takes ``memory_kib``.
    threads: int = 2
    #: Sign-ins that may wait for one; the next is answered with 429.
    queue_limit: int = 64


@dataclass(frozen=True, kw_only=True)
class AttemptLimits:
    """Wrong passwords and codes of one account: so many are free, then each doubles the wait, from one second on.

    ``None``: never a wait.
    """

    free_from_one_address: int | None = 5
    longest_wait_seconds: float = 300
    #: From all addresses together; the owner may meet it too, so it comes late and stays short.
    free_in_all: int | None = 100
    longest_wait_in_all_seconds: float = 30
    #: Without a mistake for so long, an account or address begins anew.
    forgotten_after_seconds: float = 900
    #: Accounts and addresses remembered; the one unheard of longest is forgotten first.
    remembered: int = 10_000


@dataclass(frozen=True, kw_only=True)
class RateLimits:
    """Requests an address may make in a time, after a burst of ``burst``. ``None``: no limit.

    The numbers are Supabase Auth's own (``GOTRUE_RATE_LIMIT_*``, ``GOTRUE_MFA_RATE_LIMIT_CHALLENGE_AND_VERIFY``), and
    so is what each is for: ``limits.Limits`` lists it.
    """

    token_requests_per_five_minutes: float | None = 150
    sign_ups_per_five_minutes: float | None = 30
    otp_requests_per_five_minutes: float | None = 30
    verifications_per_five_minutes: float | None = 30
    #: Also the burst of it.
    anonymous_sign_ups_per_hour: float | None = 30
    factor_requests_per_minute: float | None = 15
    #: Of the whole provider.
    emails_per_hour: float | None = 30
    emails_burst: int = 30
    burst: int = 30
    #: Addresses remembered; the one unheard of longest is forgotten first.
    addresses: int = 10_000
    attempts: AttemptLimits = field(default_factory=AttemptLimits)

    @classmethod
    def off(cls) -> RateLimits:
        """No limit at all: for tests, and for a provider that a limiting proxy stands before."""
        return cls(
            token_requests_per_five_minutes=None,
            sign_ups_per_five_minutes=None,
            otp_requests_per_five_minutes=None,
            verifications_per_five_minutes=None,
            anonymous_sign_ups_per_hour=None,
            factor_requests_per_minute=None,
            emails_per_hour=None,
            attempts=AttemptLimits(free_from_one_address=None, free_in_all=None),
        )
