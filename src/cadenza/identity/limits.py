"""How often an address may ask: a token bucket each, a bounded number of them, one set for each family of endpoints.

Supabase Auth's rule: a burst, then so many in a time, then 429 ``over_request_rate_limit``. Ours says when to come
back. ``attempts`` holds the other half, which counts wrong secrets of an account.

Above: ``app``, ``handlers``, the grants. Below: ``attempts``, ``config``, ``errors``. The clock comes in and must not
jump (monotonic).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cadenza.identity.attempts import Attempts
from cadenza.identity.config import RateLimits
from cadenza.identity.errors import RefusalError, email_rate_exceeded, too_many_requests

_MINUTE_SECONDS: Final = 60.0
_FIVE_MINUTES_SECONDS: Final = 300.0
_HOUR_SECONDS: Final = 3600.0
#: Mails are counted together: Supabase Auth's limit of them is for the whole provider.
_EVERYONE: Final = ""


class RateLimiter:
    """Buckets by address.

    Args:
        requests: That an address regains in ``per_seconds``; ``None`` lets everything through.
        per_seconds: See ``requests``.
        burst: Requests it may make at once.
        addresses: Buckets kept; beyond, the one not asked for longest goes (it was full again, or nearly).
        monotonic: Seconds.
        refusal: What is raised, from the seconds to wait.
    """

    def __init__(
        self,
        *,
        requests: float | None,
        per_seconds: float = _FIVE_MINUTES_SECONDS,
        burst: int,
        addresses: int,
        monotonic: Callable[[], float],
        refusal: Callable[[float], RefusalError] = too_many_requests,
    ) -> None:
        self._per_second = None if requests is None else requests / per_seconds
        self._wait_for_ever = per_seconds
        self._burst = float(burst)
        self._addresses = addresses
        self._monotonic = monotonic
        self._refusal = refusal
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str = _EVERYONE) -> None:
        """Count one request of ``address``.

        Raises:
            RefusalError: It has none left; ``retry_after_seconds`` says when it will have one.
        """
        if self._per_second is None:
            return
        now = self._monotonic()
        left, since = self._buckets.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        allowed = left >= 1
        self._buckets[address] = (left - 1 if allowed else left, now)
        while len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - left) / self._per_second if self._per_second > 0 else self._wait_for_ever
            raise self._refusal(float(math.ceil(wait)))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Every limit of the provider, by the endpoints it is for. Each ``take(address)`` counts one request.

    Attributes:
        token: ``/token``.
        sign_up: ``/signup`` with an address or a number.
        anonymous: ``/signup`` without.
        otp: ``/otp``.
        magic_link: ``/magiclink``.
        recover: ``/recover``.
        resend: ``/resend``.
        user: ``PUT /user``.
        verify: ``/verify``.
        factor_challenge: ``/factors/:id/challenge``.
        factor_verify: ``/factors/:id/verify``.
        email_sent: Mails of the whole provider; ``take()`` before one is sent.
        passwords: Wrong passwords of an account.
        codes: Wrong one-time codes of an account.
        factors: Wrong codes of an account's second factors.
    """

    token: RateLimiter
    sign_up: RateLimiter
    anonymous: RateLimiter
    otp: RateLimiter
    magic_link: RateLimiter
    recover: RateLimiter
    resend: RateLimiter
    user: RateLimiter
    verify: RateLimiter
    factor_challenge: RateLimiter
    factor_verify: RateLimiter
    email_sent: RateLimiter
    passwords: Attempts
    codes: Attempts
    factors: Attempts

    @classmethod
    def of(cls, config: RateLimits, *, monotonic: Callable[[], float]) -> Limits:
        """Build them. Supabase Auth too has one bucket for each endpoint, also where one number is for several."""

        def five_minutes(requests: float | None) -> RateLimiter:
            return RateLimiter(requests=requests, burst=config.burst, addresses=config.addresses, monotonic=monotonic)

        def factor() -> RateLimiter:
            return RateLimiter(
                requests=config.factor_requests_per_minute,
                per_seconds=_MINUTE_SECONDS,
                burst=config.burst,
                addresses=config.addresses,
                monotonic=monotonic,
            )

        def attempts() -> Attempts:
            return Attempts(config.attempts, monotonic=monotonic)

        return cls(
            token=five_minutes(config.token_requests_per_five_minutes),
            sign_up=five_minutes(config.sign_ups_per_five_minutes),
            anonymous=RateLimiter(
                requests=config.anonymous_sign_ups_per_hour,
                per_seconds=_HOUR_SECONDS,
                burst=int(config.anonymous_sign_ups_per_hour or 0),
                addresses=config.addresses,
                monotonic=monotonic,
            ),
            otp=five_minutes(config.otp_requests_per_five_minutes),
            magic_link=five_minutes(config.otp_requests_per_five_minutes),
            recover=five_minutes(config.otp_requests_per_five_minutes),
            resend=five_minutes(config.otp_requests_per_five_minutes),
            user=five_minutes(config.otp_requests_per_five_minutes),
            verify=five_minutes(config.verifications_per_five_minutes),
            factor_challenge=factor(),
            factor_verify=factor(),
            email_sent=RateLimiter(
                requests=config.emails_per_hour,
                per_seconds=_HOUR_SECONDS,
                burst=config.emails_burst,
                addresses=1,
                monotonic=monotonic,
                refusal=email_rate_exceeded,
            ),
            passwords=attempts(),
            codes=attempts(),
            factors=attempts(),
        )
