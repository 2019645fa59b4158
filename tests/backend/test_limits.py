"""Attempts are limited, come back with time, and never cost unbounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend.limits import AttemptLimiter


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limiter(time: Time, burst: int = 3, refill_seconds: float = 10, max_keys: int = 100) -> AttemptLimiter:
    return AttemptLimiter(burst=burst, refill_seconds=refill_seconds, monotonic=time, max_keys=max_keys)


def test_a_burst_passes_and_the_next_attempt_is_told_how_long_to_wait() -> None:
    time = Time()
    attempts = limiter(time)
    assert [attempts.take("a") for _ in range(3)] == [None, None, None]
    assert attempts.take("a") == pytest.approx(10)
    time.now += 4
    assert attempts.take("a") == pytest.approx(6)
    time.now += 6
    assert attempts.take("a") is None
    assert attempts.take("a") == pytest.approx(10)


@given(
    start=st.floats(min_value=0, max_value=1e7),
    refill=st.floats(min_value=0.01, max_value=100),
    burst=st.integers(min_value=1, max_value=40),
)
def test_a_whole_burst_always_passes_at_once(start: float, refill: float, burst: int) -> None:
    time = Time()
    time.now = start
    attempts = limiter(time, burst=burst, refill_seconds=refill)
    assert [attempts.take("a") for _ in range(burst)] == [None] * burst
    assert attempts.take("a") is not None


def test_keys_do_not_share_their_attempts() -> None:
    attempts = limiter(Time(), burst=1)
    assert attempts.take("a") is None
    assert attempts.take("b") is None
    assert attempts.take("a") is not None


def test_an_attempt_given_back_can_be_used_again() -> None:
    attempts = limiter(Time(), burst=1)
    for _ in range(50):
        assert attempts.take("a") is None
        attempts.give_back("a")
    attempts.give_back("never seen")
    assert attempts.take("a") is None
    assert attempts.take("a") is not None


def test_giving_back_never_saves_up_more_than_a_burst() -> None:
    attempts = limiter(Time(), burst=2)
    attempts.take("a")
    for _ in range(10):
        attempts.give_back("a")
    assert [attempts.take("a") is None for _ in range(4)] == [True, True, False, False]


def test_the_key_used_longest_ago_is_forgotten_first() -> None:
    attempts = limiter(Time(), burst=1, max_keys=2)
    attempts.take("a")
    attempts.take("b")
    attempts.take("c")
    assert len(attempts) == 2
    assert attempts.take("b") is not None
    assert attempts.take("a") is None


@given(
    waits=st.lists(st.floats(min_value=0, max_value=30), max_size=60),
    burst=st.integers(min_value=1, max_value=5),
)
def test_never_more_than_the_burst_and_the_refills_pass(waits: list[float], burst: int) -> None:
    time = Time()
    attempts = limiter(time, burst=burst, refill_seconds=7)
    passed = 0
    for wait in waits:
        time.now += wait
        passed += attempts.take("a") is None
    assert passed <= burst + (time.now - 1_000.0) / 7 + 1e-6
