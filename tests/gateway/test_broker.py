"""What every broker must do; each implementation passes this one class."""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.gateway.broker import MemoryBroker
from cadenza.gateway.ports import Broker, PublishOptions, PublishResult
from cadenza.protocol.client import Publication

KEPT = PublishOptions(history_size=3, history_ttl_seconds=10.0)
META_TTL = 100.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def publication(number: int) -> Publication:
    return Publication(data=msgspec.Raw(b"%d" % number))


def numbers(publications: list[Publication]) -> list[int]:
    return [int(bytes(p.data)) for p in publications]


def memory_broker(clock: Clock) -> Broker:
    return MemoryBroker(clock=clock, choice=Random(7).choice, meta_ttl_seconds=META_TTL)  # noqa: S311


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[memory_broker], ids=["memory"])
def broker(request: pytest.FixtureRequest, clock: Clock) -> Broker:
    make: Callable[[Clock], Broker] = request.param
    return make(clock)


class TestBroker:
    def test_publications_are_numbered_from_one_in_one_epoch(self, broker: Broker) -> None:
        results = [broker.place("a", publication(n), KEPT).result for n in (1, 2, 3)]
        assert [result.offset for result in results] == [1, 2, 3]
        assert len({result.epoch for result in results}) == 1
        assert len(results[0].epoch) == 8
        assert set(results[0].epoch) <= set(string.ascii_letters)

    def test_epoch_stands_only_on_the_first_publication(self, broker: Broker) -> None:
        placed = [broker.place("a", publication(n), KEPT).publication for n in (1, 2)]
        assert [bool(p.epoch) for p in placed] == [True, False]

    def test_channels_do_not_share_a_stream(self, broker: Broker) -> None:
        first = broker.place("a", publication(1), KEPT).result
        second = broker.place("b", publication(1), KEPT).result
        assert (second.offset, second.epoch != first.epoch) == (1, True)

    def test_without_history_a_publication_has_no_place(self, broker: Broker) -> None:
        placed = broker.place("a", publication(1), PublishOptions())
        assert placed.result == PublishResult()
        assert placed.publication.offset == 0
        assert broker.top("a").offset == 0

    def test_top_opens_the_stream_that_later_publications_continue(self, broker: Broker) -> None:
        top = broker.top("a")
        assert (top.offset, broker.place("a", publication(1), KEPT).result.epoch) == (0, top.epoch)

    def test_history_is_bounded_and_offsets_go_on(self, broker: Broker) -> None:
        for n in range(1, 6):
            broker.place("a", publication(n), KEPT)
        history = broker.since("a", 0, limit=10)
        assert (history.offset, numbers(history.publications)) == (5, [3, 4, 5])

    def test_since_gives_what_comes_after_up_to_the_limit(self, broker: Broker) -> None:
        for n in range(1, 4):
            broker.place("a", publication(n), KEPT)
        assert numbers(broker.since("a", 1, limit=10).publications) == [2, 3]
        assert numbers(broker.since("a", 1, limit=1).publications) == [2]
        assert numbers(broker.since("a", 3, limit=10).publications) == []
        assert numbers(broker.since("a", 99, limit=10).publications) == []

    def test_old_publications_go_and_the_position_stays(self, broker: Broker, clock: Clock) -> None:
        epoch = broker.place("a", publication(1), KEPT).result.epoch
        clock.now += 10
        history = broker.since("a", 0, limit=10)
        assert (history.publications, history.offset, history.epoch) == ([], 1, epoch)
        assert broker.place("a", publication(2), KEPT).result.offset == 2

    def test_silent_stream_is_forgotten_and_begins_a_new_epoch(self, broker: Broker, clock: Clock) -> None:
        epoch = broker.place("a", publication(1), KEPT).result.epoch
        clock.now += META_TTL
        broker.sweep()
        top = broker.top("a")
        assert (top.offset, top.epoch != epoch) == (0, True)

    def test_repeated_idempotency_key_gives_the_first_result(self, broker: Broker, clock: Clock) -> None:
        options = msgspec.structs.replace(KEPT, idempotency_key="k")
        first = broker.place("a", publication(1), options)
        again = broker.place("a", publication(1), options)
        assert (first.is_repeat, again.is_repeat, again.result) == (False, True, first.result)
        assert broker.place("b", publication(1), options).is_repeat is False
        clock.now += 301
        broker.sweep()
        assert broker.place("a", publication(1), options).is_repeat is False

    @given(sizes=st.lists(st.integers(1, 5), max_size=30), asked=st.integers(0, 40), limit=st.integers(1, 10))
    def test_what_is_given_back_is_always_a_run_up_to_the_limit(self, sizes: list[int], asked: int, limit: int) -> None:
        broker = memory_broker(Clock())
        for number, size in enumerate(sizes, 1):
            broker.place("a", publication(number), PublishOptions(history_size=size, history_ttl_seconds=10.0))
        history = broker.since("a", asked, limit=limit)
        offsets = [p.offset for p in history.publications]
        assert history.offset == len(sizes)
        assert offsets == list(range(offsets[0], offsets[0] + len(offsets))) if offsets else True
        assert len(offsets) <= limit
        assert all(asked < offset <= history.offset for offset in offsets)
        assert numbers(history.publications) == offsets
