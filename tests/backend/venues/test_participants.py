"""The simulated participants keep a market that looks like one, whatever chance does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.backend.venues.book import LevelBook
from cadenza.backend.venues.participants import Participants, Temper
from cadenza.backend.venues.randomness import stream


def market(seed: int, temper: Temper, fair: int = 100_000) -> tuple[LevelBook, Participants]:
    book = LevelBook()
    return book, Participants(book, fair=fair, temper=temper, rng=stream(seed, "test"))


@settings(deadline=None)
@given(
    seed=st.integers(),
    depth=st.integers(min_value=1, max_value=30),
    swing=st.integers(min_value=0, max_value=60),
    gap=st.integers(min_value=1, max_value=5),
    noise=st.integers(min_value=0, max_value=100),
)
def test_the_book_is_never_crossed_and_never_short_of_levels(
    seed: int, depth: int, swing: int, gap: int, noise: int
) -> None:
    book, people = market(seed, Temper(depth=depth, swing=swing, gap=gap, noise_percent=noise, typical_lots=20))
    for _ in range(60):
        for fill in people.act():
            assert fill.quantity > 0
            assert fill.price > 0
        assert not book.is_crossed()
        assert len(book.bids) == len(book.asks) == depth


def test_the_same_seed_gives_the_same_market() -> None:
    def run(seed: int) -> tuple[object, ...]:
        book, people = market(seed, Temper())
        fills = [people.act() for _ in range(200)]
        return fills, book.bids.levels(), book.asks.levels()

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_market_is_lively() -> None:
    book, people = market(3, Temper())
    book.bids.take_changes()
    book.asks.take_changes()
    trades = quiet = 0
    for _ in range(500):
        trades += len(people.act())
        quiet += not (book.bids.take_changes() or book.asks.take_changes())
    assert trades > 200
    assert quiet < 25


@pytest.mark.parametrize("seed", range(5))
def test_the_price_wanders_but_stays_in_sight_of_its_beginning(seed: int) -> None:
    book, people = market(seed, Temper(swing=400, gap=40), fair=100_000)
    seen = set()
    for _ in range(3_000):
        people.act()
        seen.add(book.bids.best())
    lowest, highest = min(filter(None, seen)), max(filter(None, seen))
    assert 65_000 < lowest < highest < 140_000
    assert highest - lowest > 2_000
