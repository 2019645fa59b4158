"""The level book against a plain dict: order, absolute changes, fills."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cadenza.backend.venues.book import BookSide, LevelBook

prices = st.integers(min_value=1, max_value=40)
quantities = st.integers(min_value=0, max_value=9)
settings = st.lists(st.tuples(prices, quantities), max_size=60)


class _AgainstADict(RuleBasedStateMachine):
    """Whatever is done to a side, it equals a dict the same was done to, and a mirror fed only by its changes."""

    highest_first = True

    def __init__(self) -> None:
        super().__init__()
        self.side = BookSide(highest_first=self.highest_first)
        self.model: dict[int, int] = {}
        self.mirror: dict[int, int] = {}

    def ordered(self) -> list[tuple[int, int]]:
        return sorted(self.model.items(), reverse=self.highest_first)

    @rule(price=prices, quantity=quantities)
    def put(self, price: int, quantity: int) -> None:
        self.side.set(price, quantity)
        self.model[price] = quantity
        if not quantity:
            del self.model[price]

    @rule(levels=st.dictionaries(prices, st.integers(min_value=1, max_value=9)))
    def replace(self, levels: dict[int, int]) -> None:
        self.side.replace(levels.items())
        self.model = dict(levels)

    @rule(quantity=quantities, limit=st.none() | prices)
    def take(self, quantity: int, limit: int | None) -> None:
        fills = self.side.take(quantity, limit)
        reachable = [
            (price, there)
            for price, there in self.ordered()
            if limit is None or (price >= limit if self.highest_first else price <= limit)
        ]
        assert sum(lots for _, lots in fills) == min(quantity, sum(there for _, there in reachable))
        assert [price for price, _ in fills] == [price for price, _ in reachable[: len(fills)]]
        for price, lots in fills:
            self.model[price] -= lots
            if not self.model[price]:
                del self.model[price]

    @rule()
    def publish_changes(self) -> None:
        for price, quantity in self.side.take_changes():
            assert self.mirror.get(price, 0) != quantity, "a level that did not change was published"
            self.mirror[price] = quantity
            if not quantity:
                del self.mirror[price]
        assert self.mirror == self.model

    @invariant()
    def equals_the_dict_in_order(self) -> None:
        assert self.side.levels() == self.ordered()
        assert self.side.levels(3) == self.ordered()[:3]
        assert len(self.side) == len(self.model)

    @precondition(lambda self: self.model)
    @invariant()
    def knows_its_ends(self) -> None:
        assert self.side.best() == self.ordered()[0][0]
        assert self.side.worst() == self.ordered()[-1][0]


class _Asks(_AgainstADict):
    highest_first = False


TestBidsAgainstADict = _AgainstADict.TestCase
TestAsksAgainstADict = _Asks.TestCase


def test_an_empty_side_has_no_ends() -> None:
    side = BookSide(highest_first=True)
    assert (side.best(), side.worst(), side.levels(), side.take(5)) == (None, None, [], [])


def test_a_level_cannot_hold_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        BookSide(highest_first=True).set(1, -1)


def test_a_level_that_came_and_went_is_no_change() -> None:
    side = BookSide(highest_first=False)
    side.set(5, 3)
    side.set(5, 0)
    assert side.take_changes() == []


@given(bids=settings, asks=settings)
def test_a_book_is_crossed_only_when_its_best_prices_meet(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    book = LevelBook()
    for side, levels in ((book.bids, bids), (book.asks, asks)):
        for price, quantity in levels:
            side.set(price, quantity)
    best: Callable[[BookSide], set[int]] = lambda side: {price for price, _ in side.levels()}  # noqa: E731 - one use
    expected = bool(best(book.bids) and best(book.asks)) and max(best(book.bids)) >= min(best(book.asks))
    assert book.is_crossed() is expected
