"""One caller's calls and joins are limited by class or by method; nobody's calls count for somebody else."""

from typing import Any

import pytest
from tests.backend.conftest import Time

from cadenza.backend import Pace, RateLimits
from cadenza.backend.config import DEFAULT_PACES
from cadenza.backend.ports import Caller
from cadenza.backend.rates import Limits, MemoryCounts
from cadenza.errors import ConfigurationError
from cadenza.schema import methods
from cadenza.schema.codes import Code
from cadenza.schema.rates import Rate

ANN = Caller(user="ann", address="192.0.2.1", client="c1")
SLOW = Pace(per_second=2, burst=3)


@pytest.fixture
def counts(time: Time) -> MemoryCounts:
    return MemoryCounts(monotonic=time)


def limits(counts: MemoryCounts, **changed: Pace | None) -> Limits:
    return Limits(RateLimits(changed={name.replace("_", "."): pace for name, pace in changed.items()}), counts)


async def passed(limits: Limits, caller: Caller, method: methods.Method[Any, Any], times: int = 10) -> int:
    return sum([await limits.call(method, caller) is None for _ in range(times)])


async def test_after_the_burst_a_call_is_refused_as_22020_with_the_time_to_wait(
    counts: MemoryCounts, time: Time
) -> None:
    limited = limits(counts, queries=SLOW)
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST, times=3) == 3
    refused = await limited.call(methods.QUERY_TICKER_LIST, ANN)
    assert refused is not None
    assert (refused.code, refused.temporary) == (Code.RATE_LIMITED, True)
    assert refused.retry_after_seconds == pytest.approx(0.5)
    assert "queries" in refused.message
    time.now += 0.5
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST) == 1


async def test_what_is_refused_does_not_put_off_the_next(counts: MemoryCounts, time: Time) -> None:
    limited = limits(counts, queries=SLOW)
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST, times=500) == 3
    time.now += 0.5
    assert await limited.call(methods.QUERY_TICKER_LIST, ANN) is None


async def test_the_classes_count_by_themselves_and_a_class_counts_its_methods_together(counts: MemoryCounts) -> None:
    limited = limits(counts, queries=SLOW, commands=SLOW, feeds=SLOW)
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST) == 3
    assert await passed(limited, ANN, methods.QUERY_VENUE_LIST) == 0
    assert await passed(limited, ANN, methods.COMMAND_TRADE_ORDER_SUBMIT) == 3
    assert await passed(limited, ANN, methods.COMMAND_TICKER_SAVE) == 3
    assert await passed(limited, ANN, methods.COMMAND_AUTH_LOGIN) == 10


async def test_a_method_with_a_pace_of_its_own_no_longer_counts_with_its_class(counts: MemoryCounts) -> None:
    limited = limits(counts, queries=SLOW, query_venue_list=Pace(per_second=1, burst=1))
    assert await passed(limited, ANN, methods.QUERY_VENUE_LIST) == 1
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST) == 3


async def test_a_user_is_counted_wherever_they_are_and_others_are_not(counts: MemoryCounts) -> None:
    limited = limits(counts, queries=SLOW)
    elsewhere = Caller(user="ann", address="198.51.100.7", client="c2")
    neighbour = Caller(user="bob", address="192.0.2.1", client="c3")
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST) == 3
    assert await passed(limited, elsewhere, methods.QUERY_TICKER_LIST) == 0
    assert await passed(limited, neighbour, methods.QUERY_TICKER_LIST) == 3


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (Caller(address="192.0.2.1", client="c1"), Caller(address="192.0.2.1", client="c2"), True),
        (Caller(address="192.0.2.1", client="c1"), Caller(address="192.0.2.2", client="c1"), False),
        (Caller(address="2001:db8::1"), Caller(address="2001:db8::ffff:1"), True),
        (Caller(address="2001:db8::1"), Caller(address="2001:db8:0:1::1"), False),
        (Caller(client="c1"), Caller(client="c1"), True),
        (Caller(client="c1"), Caller(client="c2"), False),
        (Caller(user="192.0.2.1"), Caller(address="192.0.2.1"), False),
    ],
    ids=["address", "addresses", "IPv6 network", "IPv6 networks", "connection", "connections", "a user is no address"],
)
async def test_who_is_not_signed_in_is_counted_by_address_or_else_by_connection(
    counts: MemoryCounts, first: Caller, second: Caller, *, same: bool
) -> None:
    limited = limits(counts, queries=SLOW)
    assert await passed(limited, first, methods.QUERY_SYSTEM_INFO) == 3
    assert await passed(limited, second, methods.QUERY_SYSTEM_INFO) == (0 if same else 3)


async def test_names_that_are_no_method_count_as_queries(counts: MemoryCounts) -> None:
    limited = limits(counts, queries=SLOW)
    assert [await limited.call(None, ANN) is None for _ in range(5)] == [True, True, True, False, False]


async def test_joins_are_counted_too(counts: MemoryCounts, time: Time) -> None:
    limited = limits(counts, joins=SLOW)
    assert [await limited.join(ANN) for _ in range(5)] == [True, True, True, False, False]
    time.now += 0.5
    assert await limited.join(ANN)


async def test_without_a_pace_nothing_is_counted(counts: MemoryCounts) -> None:
    limited = Limits(RateLimits.off(), counts)
    assert await passed(limited, ANN, methods.QUERY_TICKER_LIST, times=2000) == 2000
    assert all([await limited.join(ANN) for _ in range(2000)])


async def test_no_more_callers_are_remembered_than_are_allowed(time: Time) -> None:
    few = MemoryCounts(monotonic=time, max_callers=2)
    for who in ("a", "b", "c"):
        assert await few.take("queries", Pace(per_second=1, burst=1), who) is None
    assert await few.take("queries", Pace(per_second=1, burst=1), "c") is not None
    assert await few.take("queries", Pace(per_second=1, burst=1), "a") is None


def test_each_class_has_a_default_that_an_operator_can_change_or_take_away() -> None:
    assert set(DEFAULT_PACES) == set(Rate)
    paces = RateLimits(changed={Rate.JOINS: None, "query.ticker.list": SLOW}).paces
    assert paces[Rate.JOINS] is None
    assert paces["query.ticker.list"] is SLOW
    assert paces[Rate.QUERIES] == DEFAULT_PACES[Rate.QUERIES]


def test_a_limit_of_what_there_is_not_names_what_was_meant() -> None:
    with pytest.raises(ConfigurationError, match="querys") as refused:
        RateLimits(changed={"querys": SLOW})
    assert "Did you mean queries?" in refused.value.next_step


@pytest.mark.parametrize(("per_second", "burst"), [(0, 5), (-1, 5), (float("nan"), 5), (float("inf"), 5), (1, 0)])
def test_a_pace_that_lets_nothing_through_is_refused(per_second: float, burst: int) -> None:
    with pytest.raises(ConfigurationError):
        Pace(per_second=per_second, burst=burst)
