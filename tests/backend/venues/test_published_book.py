"""Snapshot plus numbered changes is the venue's own book, at every number (``decisions.md``, "A whole book")."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.backend.events import publications_of
from cadenza.backend.venues.participants import Participants, Temper
from cadenza.backend.venues.published_book import PublishedBook
from cadenza.backend.venues.randomness import stream
from cadenza.backend.venues.scale import Scale
from cadenza.schema.market import OrderBook
from cadenza.schema.scalars import UpdateType, Venue

Levels = dict[Decimal, Decimal]


class Reader:
    """What a subscriber does, from bytes alone, with decimals and dicts: nothing shared with the book under test."""

    def __init__(self, snapshot: Any) -> None:
        body = json.loads(msgspec.json.encode(snapshot))
        self.seq: str = body["seq"]
        assert body["book"]["updateType"] == "SNAPSHOT"
        self.bids, self.asks = self._levels(body["book"]["bids"]), self._levels(body["book"]["asks"])

    def read(self, data: bytes, tags: Any) -> None:
        run, n = self.seq.split(":")
        assert tags == {"seq": f"{run}:{int(n) + 1}"}, "a hole"
        body = json.loads(data)
        assert body["updateType"] == "DIFF"
        for mine, rows in ((self.bids, body["bids"]), (self.asks, body["asks"])):
            for price, quantity in self._levels(rows).items():
                mine[price] = quantity
                if not quantity:
                    del mine[price]
        self.seq = tags["seq"]

    @staticmethod
    def _levels(rows: list[list[str]]) -> Levels:
        return {Decimal(price): Decimal(quantity) for price, quantity in rows}

    def sides(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())


def new_book(run: str = "r") -> PublishedBook:
    return PublishedBook(Venue.PAPER, "BTC/USDT", price=Scale(digits=1), quantity=Scale(digits=5), run=run)


def sides_of(book: PublishedBook) -> Any:
    whole = book.snapshot().book
    return tuple([(Decimal(price), Decimal(quantity)) for price, quantity in rows] for rows in (whole.bids, whole.asks))


@settings(deadline=None)
@given(seed=st.integers(), joined_at=st.lists(st.integers(min_value=0, max_value=40), max_size=6))
def test_snapshot_and_changes_are_the_venues_book_at_every_number(seed: int, joined_at: list[int]) -> None:
    book = new_book()
    people = Participants(book.levels, fair=50_000, temper=Temper(depth=12, typical_lots=30), rng=stream(seed))
    book.commit(0)
    readers: list[Reader] = []
    for step in range(40):
        readers += [Reader(book.snapshot()) for _ in range(joined_at.count(step))]
        people.act()
        change = book.commit(step)
        if change is not None:
            [publication] = publications_of(change)
            for reader in readers:
                reader.read(publication.data, publication.tags)
        for reader in readers:
            assert reader.seq == book.seq
            assert reader.sides() == sides_of(book)


flows = st.lists(
    st.tuples(st.booleans(), st.integers(min_value=1, max_value=9), st.integers(min_value=0, max_value=3)), max_size=40
)


@given(before=flows, batches=st.lists(flows, max_size=5))
def test_any_flow_of_settings_is_followed(
    before: list[tuple[bool, int, int]], batches: list[list[tuple[bool, int, int]]]
) -> None:
    book = new_book()

    def play(flow: list[tuple[bool, int, int]]) -> None:
        for bids, price, quantity in flow:
            (book.levels.bids if bids else book.levels.asks).set(price, quantity)

    play(before)
    book.commit(1)
    reader = Reader(book.snapshot())
    for batch in batches:
        play(batch)
        change = book.commit(2)
        if change is not None:
            [publication] = publications_of(change)
            reader.read(publication.data, publication.tags)
    assert reader.sides() == sides_of(book)


def test_nothing_changed_is_nothing_published_and_the_number_stays() -> None:
    book = new_book()
    book.levels.bids.set(5, 1)
    assert book.commit(1) is not None
    assert (book.commit(2), book.seq) == (None, "r:1")


def test_a_change_is_a_diff_of_the_contract_with_zero_for_what_is_gone() -> None:
    book = new_book()
    book.levels.bids.set(972_500, 150_000)
    book.levels.bids.set(972_499, 7)
    book.levels.asks.set(972_501, 1)
    book.commit(1)
    book.levels.bids.set(972_500, 0)
    book.levels.asks.set(972_502, 3)
    change = book.commit(1_795_438_037_125)
    assert change is not None
    assert json.loads(msgspec.json.encode(change.book)) == {
        "updateType": "DIFF",
        "instrumentId": "PAPER:BTC/USDT",
        "venue": "PAPER",
        "symbol": "BTC/USDT",
        "orderBookType": "L2",
        "columns": ["price", "quantity"],
        "bids": [["97250.0", "0.00000"]],
        "asks": [["97250.2", "0.00003"]],
        "timestamp": 1_795_438_037_125,
    }


def test_a_snapshot_of_some_depth_holds_the_best_levels_in_order() -> None:
    book = new_book()
    for price in (10, 30, 20):
        book.levels.bids.set(price, 1)
        book.levels.asks.set(price + 100, 1)
    book.commit(1)
    shown = book.snapshot(2).book
    assert [price for price, _ in shown.bids] == ["3.0", "2.0"]
    assert [price for price, _ in shown.asks] == ["11.0", "12.0"]


def test_another_run_is_told_apart() -> None:
    assert new_book("a").seq.split(":")[0] != new_book("b").seq.split(":")[0]


RECORDING = Path(__file__).parents[4] / "shared" / "market-data" / "xrpusdt-orderbook-500.jsonl"


def apply_recorded(levels: Levels, rows: list[list[str]]) -> None:
    for price, quantity in rows:
        levels[Decimal(price)] = Decimal(quantity)
        if not Decimal(quantity):
            del levels[Decimal(price)]


@pytest.mark.market_data
@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recorded market data at {RECORDING}")
def test_recorded_bybit_messages_are_followed_from_snapshot_to_last_delta() -> None:
    """After each of the 50 messages, whoever joined at whichever of them holds the book computed independently."""
    price, quantity = Scale(digits=4), Scale(digits=0)
    book = PublishedBook(Venue.MOCK, "XRP/USDT", price=price, quantity=quantity, run="bybit")
    bids: Levels = {}
    asks: Levels = {}
    readers: list[Reader] = []
    messages = [json.loads(line) for line in RECORDING.read_text().splitlines()]
    assert len(messages) == 50
    changes = 0
    for message in messages:
        rows = {side: message["data"][key] for side, key in (("bids", "b"), ("asks", "a"))}
        if message["type"] == "snapshot":
            bids, asks = {}, {}
        for side, mine in ((book.levels.bids, rows["bids"]), (book.levels.asks, rows["asks"])):
            levels = [(price.units(at), quantity.units(lots)) for at, lots in mine]
            if message["type"] == "snapshot":
                side.replace(levels)
            else:
                for ticks, lots in levels:
                    side.set(ticks, lots)
        apply_recorded(bids, rows["bids"])
        apply_recorded(asks, rows["asks"])
        change = book.commit(message["ts"])
        assert change is not None
        [publication] = publications_of(change)
        assert publication.channel == "market:orderbook:MOCK:XRP/USDT"
        assert msgspec.json.decode(publication.data, type=OrderBook).update_type is UpdateType.DIFF
        for reader in readers:
            reader.read(publication.data, publication.tags)
            changes += 1
        readers.append(Reader(book.snapshot()))
        for reader in readers:
            assert reader.sides() == (sorted(bids.items(), reverse=True), sorted(asks.items()))
    assert changes == 49 * 50 // 2
    assert len(bids) == len(asks) == 500
