"""Guessing an account's secret gets slower, and its owner is not locked out by it."""

from __future__ import annotations

import pytest

from cadenza.identity.attempts import Attempts
from cadenza.identity.config import AttemptLimits
from cadenza.identity.errors import RefusalError

ACCOUNT = "ann@example.com"
LIMITS = AttemptLimits(
    free_from_one_address=2,
    longest_wait_seconds=8,
    free_in_all=6,
    longest_wait_in_all_seconds=4,
    forgotten_after_seconds=100,
)


class Hand:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def wait(attempts: Attempts, account: str, address: str) -> float:
    """Seconds until the next attempt is looked at."""
    try:
        attempts.check(account, address)
    except RefusalError as refusal:
        return refusal.retry_after_seconds or -1
    return 0


def waits(attempts: Attempts, hand: Hand, address: str, count: int) -> list[float]:
    """Fail, read the wait, sit it out, and again."""
    seen: list[float] = []
    for _ in range(count):
        attempts.failed(ACCOUNT, address)
        seen.append(wait(attempts, ACCOUNT, address))
        hand.now += seen[-1]
    return seen


def test_a_few_mistakes_are_free_and_then_each_doubles_the_wait_up_to_a_bound() -> None:
    hand = Hand()

    assert waits(Attempts(LIMITS, monotonic=hand), hand, "a", 8) == [0, 0, 1, 2, 4, 8, 8, 8]


def test_somebody_elses_guessing_does_not_make_the_owner_wait() -> None:
    hand = Hand()
    attempts = Attempts(LIMITS, monotonic=hand)
    waits(attempts, hand, "attacker", 5)
    attempts.failed(ACCOUNT, "attacker")

    assert wait(attempts, ACCOUNT, "attacker") == 8
    assert wait(attempts, ACCOUNT, "owner") == 0
    assert wait(attempts, "ben@example.com", "attacker") == 0


def test_guessing_from_many_addresses_is_slowed_down_for_a_short_while() -> None:
    hand = Hand()
    attempts = Attempts(LIMITS, monotonic=hand)
    for number in range(30):
        attempts.failed(ACCOUNT, f"address {number}")

    assert wait(attempts, ACCOUNT, "a new address") == 4


def test_an_address_that_signed_in_before_is_not_slowed_down_by_others() -> None:
    hand = Hand()
    attempts = Attempts(LIMITS, monotonic=hand)
    attempts.succeeded(ACCOUNT, "owner")
    for number in range(30):
        attempts.failed(ACCOUNT, f"address {number}")

    assert wait(attempts, ACCOUNT, "owner") == 0
    assert waits(attempts, hand, "owner", 3) == [0, 0, 1]  # its own mistakes count


def test_a_success_forgets_the_mistakes_of_its_address_alone() -> None:
    hand = Hand()
    attempts = Attempts(LIMITS, monotonic=hand)
    for address in ("owner", "attacker"):
        for _ in range(3):
            attempts.failed(ACCOUNT, address)
    hand.now += 0.5
    assert wait(attempts, ACCOUNT, "owner") == 1

    attempts.succeeded(ACCOUNT, "owner")

    assert wait(attempts, ACCOUNT, "owner") == 0
    assert wait(attempts, ACCOUNT, "attacker") == 1


def test_the_account_is_the_same_in_whatever_case_it_is_written() -> None:
    attempts = Attempts(LIMITS, monotonic=Hand())
    for account in ("Ann@Example.com", " ann@example.com", "ANN@EXAMPLE.COM"):
        attempts.failed(account, "a")

    assert wait(attempts, ACCOUNT, "a") == 1


def test_after_a_quiet_time_everything_begins_anew() -> None:
    hand = Hand()
    attempts = Attempts(LIMITS, monotonic=hand)
    waits(attempts, hand, "a", 6)
    hand.now += 100

    assert waits(attempts, hand, "a", 3) == [0, 0, 1]


def test_what_is_remembered_is_bounded() -> None:
    attempts = Attempts(AttemptLimits(free_from_one_address=0, free_in_all=None, remembered=2), monotonic=Hand())
    for address in "abc":
        attempts.failed(ACCOUNT, address)

    assert [wait(attempts, ACCOUNT, address) for address in "abc"] == [0, 1, 1]


def test_the_refusal_names_neither_account_nor_address() -> None:
    attempts = Attempts(AttemptLimits(free_from_one_address=0), monotonic=Hand())
    attempts.failed(ACCOUNT, "203.0.113.7")

    with pytest.raises(RefusalError) as caught:
        attempts.check(ACCOUNT, "203.0.113.7")

    assert caught.value.status == 429
    assert ACCOUNT not in str(caught.value)
    assert "203.0.113.7" not in str(caught.value)
