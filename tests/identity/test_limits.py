"""A bucket for each address: a burst, then a trickle, never more."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.identity.config import RateLimits
from cadenza.identity.errors import RefusalError
from cadenza.identity.limits import Limits, RateLimiter


class Hand:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limiter(hand: Hand, *, per_five_minutes: float | None = 30, burst: int = 3, addresses: int = 100) -> RateLimiter:
    return RateLimiter(requests=per_five_minutes, burst=burst, addresses=addresses, monotonic=hand)


def allowed(limiter: RateLimiter, address: str) -> bool:
    try:
        limiter.take(address)
    except RefusalError:
        return False
    return True


def test_after_the_burst_one_request_comes_back_at_a_time() -> None:
    hand = Hand()
    limits = limiter(hand)

    assert [allowed(limits, "a") for _ in range(4)] == [True, True, True, False]
    hand.now += 9.9
    assert not allowed(limits, "a")
    hand.now += 0.1
    assert [allowed(limits, "a") for _ in range(2)] == [True, False]


def test_the_refusal_says_when_to_come_back_and_then_it_works() -> None:
    hand = Hand()
    limits = limiter(hand, burst=1)
    limits.take("a")
    hand.now += 2.5

    with pytest.raises(RefusalError) as caught:
        limits.take("a")

    assert caught.value.retry_after_seconds == 8
    hand.now += 8
    assert allowed(limits, "a")


def test_addresses_do_not_share_a_bucket() -> None:
    limits = limiter(Hand(), burst=1)

    assert [allowed(limits, address) for address in "aabb"] == [True, False, True, False]


def test_without_a_limit_everything_passes() -> None:
    limits = limiter(Hand(), per_five_minutes=None, burst=0)

    assert all(allowed(limits, "a") for _ in range(1000))


def test_a_limit_of_nothing_lets_the_burst_through_and_no_more() -> None:
    hand = Hand()
    limits = limiter(hand, per_five_minutes=0, burst=2)

    assert [allowed(limits, "a") for _ in range(3)] == [True, True, False]
    hand.now += 1e9
    assert not allowed(limits, "a")


def test_the_addresses_remembered_are_bounded_and_the_one_unheard_of_longest_goes() -> None:
    limits = limiter(Hand(), burst=1, addresses=2)
    for address in "abac":
        allowed(limits, address)

    assert not allowed(limits, "a")  # still remembered
    assert allowed(limits, "b")  # forgotten


@settings(deadline=None)
@given(st.lists(st.floats(0, 40), max_size=60), st.integers(1, 5))
def test_no_pattern_of_asking_yields_more_than_the_burst_and_the_trickle(waits: list[float], burst: int) -> None:
    hand = Hand()
    limits = limiter(hand, burst=burst)
    passed = 0
    for wait in waits:
        hand.now += wait
        passed += allowed(limits, "a")

    assert passed <= burst + sum(waits) * 30 / 300 + 1e-6


def test_mails_are_counted_for_the_whole_provider_and_refused_with_a_code_of_their_own() -> None:
    hand = Hand()
    limits = Limits.of(RateLimits(emails_per_hour=2, emails_burst=2), monotonic=hand)
    limits.email_sent.take()
    limits.email_sent.take()

    with pytest.raises(RefusalError) as caught:
        limits.email_sent.take()

    assert caught.value.error_code == "over_email_send_rate_limit"
    assert caught.value.retry_after_seconds == 1800
    hand.now += 1800
    limits.email_sent.take()


def test_each_family_of_endpoints_has_a_bucket_of_its_own() -> None:
    limits = Limits.of(RateLimits(burst=1, anonymous_sign_ups_per_hour=1), monotonic=Hand())
    families = [getattr(limits, field.name) for field in dataclasses.fields(limits) if field.type == "RateLimiter"]

    assert [allowed(family, "a") for family in families] == [True] * 12
    del families[-1]  # mails: 30, by no address
    assert [allowed(family, "a") for family in families] == [False] * 11


def test_anonymous_sign_ups_are_counted_by_the_hour() -> None:
    hand = Hand()
    limits = Limits.of(RateLimits(anonymous_sign_ups_per_hour=2), monotonic=hand)

    assert [allowed(limits.anonymous, "a") for _ in range(3)] == [True, True, False]
    hand.now += 1800
    assert [allowed(limits.anonymous, "a") for _ in range(2)] == [True, False]


def test_what_is_off_never_refuses() -> None:
    limits = Limits.of(RateLimits.off(), monotonic=Hand())

    for _ in range(200):
        limits.token.take("a")
        limits.email_sent.take()
        limits.passwords.failed("ann@example.com", "a")
        limits.passwords.check("ann@example.com", "a")
