"""Book assembly: whole, or not shown. Never wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Items
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenza.client.books import BookAssembly, Outcome, Sequence
from cadenza.errors import ProtocolError
from cadenza.schema.market import BookRow, OrderBook
from cadenza.schema.scalars import OrderBookType, UpdateType, Venue

RECORDING = Path(__file__).resolve().parents[3] / "shared" / "market-data" / "xrpusdt-orderbook-500.jsonl"


def book(
    bids: Iterable[Items[str]] = (),
    asks: Iterable[Items[str]] = (),
    *,
    update_type: UpdateType = UpdateType.SNAPSHOT,
    kind: OrderBookType = OrderBookType.L2,
    columns: tuple[str, ...] = ("price", "quantity"),
    timestamp: int = 1,
) -> OrderBook:
    return OrderBook(
        update_type=update_type,
        instrument_id="PAPER:BTC/USDT",
        venue=Venue.PAPER,
        symbol="BTC/USDT",
        order_book_type=kind,
        columns=columns,
        bids=tuple(tuple(row) for row in bids),
        asks=tuple(tuple(row) for row in asks),
        timestamp=timestamp,
    )


def diff(bids: Iterable[Items[str]] = (), asks: Iterable[Items[str]] = (), timestamp: int = 2) -> OrderBook:
    return book(bids, asks, update_type=UpdateType.DIFF, timestamp=timestamp)


def at(n: int, run: str = "a") -> Sequence:
    return Sequence(run, n)


@pytest.fixture
def assembly() -> BookAssembly:
    assembly = BookAssembly()
    assembly.snapshot(at(10), book([("100", "1"), ("99", "2")], [("101", "3"), ("102.5", "4")]))
    return assembly


class TestChanges:
    def test_levels_are_added_replaced_and_removed_in_order(self, assembly: BookAssembly) -> None:
        change = diff([("99.5", "7"), ("99", "0"), ("100", "5")], [("100.5", "6"), ("103", "1")], timestamp=9)
        assert assembly.apply(at(11), change) is Outcome.APPLIED
        assert assembly.book() == book(
            [("100", "5"), ("99.5", "7")], [("100.5", "6"), ("101", "3"), ("102.5", "4"), ("103", "1")], timestamp=9
        )
        assert assembly.sequence == at(11)

    def test_one_price_written_two_ways_is_one_level(self, assembly: BookAssembly) -> None:
        assembly.apply(at(11), diff([("100.00", "8"), ("99.0", "0.000")]))
        assert assembly.book().bids == (("100.00", "8"),)

    def test_prices_are_compared_exactly_however_long(self, assembly: BookAssembly) -> None:
        high, low = "1.00000000000000000000000000000000002", "1.00000000000000000000000000000000001"
        assembly.apply(at(11), diff([(low, "1"), (high, "2")], [(high, "3"), (low, "4")]))
        assert assembly.book().bids[-2:] == ((high, "2"), (low, "1"))
        assert assembly.book().asks[:2] == ((low, "4"), (high, "3"))

    def test_prices_are_compared_as_numbers_not_as_text(self, assembly: BookAssembly) -> None:
        assembly.snapshot(at(20), book([("9", "1"), ("10", "1"), ("-3", "1"), ("-20.5", "1")]))
        assert [row[0] for row in assembly.book().bids] == ["10", "9", "-3", "-20.5"]

    def test_removing_what_is_not_there_changes_nothing(self, assembly: BookAssembly) -> None:
        before = assembly.book()
        assert assembly.apply(at(11), diff([("98", "0")], timestamp=1)) is Outcome.APPLIED
        assert assembly.book() == before

    def test_depth_cuts_both_sides(self, assembly: BookAssembly) -> None:
        assert assembly.book(1) == book([("100", "1")], [("101", "3")])

    def test_a_snapshot_publication_replaces_even_over_a_hole(self, assembly: BookAssembly) -> None:
        assert assembly.apply(at(15), book([("1", "1")])) is Outcome.APPLIED
        assert assembly.book() == book([("1", "1")])
        assert assembly.apply(at(16), diff(asks=[("2", "2")])) is Outcome.APPLIED

    def test_a_book_handed_out_does_not_change(self, assembly: BookAssembly) -> None:
        before = assembly.book()
        assembly.apply(at(11), diff([("100", "0")]))
        assert before.bids == (("100", "1"), ("99", "2"))


class TestSequence:
    def test_what_is_not_newer_is_dropped(self, assembly: BookAssembly) -> None:
        before = assembly.book()
        for n in (1, 9, 10):
            assert assembly.apply(at(n), diff([("100", "99")])) is Outcome.STALE
        assert assembly.book() == before
        assert assembly.apply(at(11), diff()) is Outcome.APPLIED

    def test_a_hole_stops_everything_until_a_snapshot_and_keeps_the_last_whole_book(
        self, assembly: BookAssembly
    ) -> None:
        before = assembly.book()
        assert assembly.apply(at(12), diff([("100", "99")])) is Outcome.HOLE
        assert not assembly.in_step
        assert assembly.apply(at(11), diff([("100", "99")])) is Outcome.HOLE
        assert assembly.apply(at(13), book([("1", "1")])) is Outcome.HOLE
        assert (assembly.book(), assembly.sequence) == (before, at(10))
        assert assembly.snapshot(at(13), book([("5", "5")])) is Outcome.APPLIED
        assert assembly.apply(at(14), diff([("6", "6")])) is Outcome.APPLIED
        assert assembly.book().bids == (("6", "6"), ("5", "5"))

    def test_another_run_is_a_hole(self, assembly: BookAssembly) -> None:
        assert assembly.apply(at(11, "b"), diff()) is Outcome.HOLE
        assert assembly.snapshot(at(2, "b"), book()) is Outcome.APPLIED
        assert assembly.apply(at(3, "b"), diff()) is Outcome.APPLIED

    def test_a_straggler_of_the_run_before_is_dropped(self, assembly: BookAssembly) -> None:
        """Recovered publications of a publisher that has restarted since come before those of the new run."""
        assembly.snapshot(at(2, "b"), book())
        assert assembly.apply(at(11, "a"), diff([("1", "1")])) is Outcome.STALE
        assert assembly.apply(at(3, "b"), diff()) is Outcome.APPLIED

    def test_an_older_snapshot_does_not_turn_a_whole_book_back(self, assembly: BookAssembly) -> None:
        before = assembly.book()
        assert assembly.snapshot(at(8), book()) is Outcome.STALE
        assert (assembly.book(), assembly.sequence) == (before, at(10))

    def test_an_older_snapshot_does_not_mend_a_hole(self, assembly: BookAssembly) -> None:
        assembly.apply(at(12), diff())
        assert assembly.snapshot(at(8), book()) is Outcome.HOLE
        assert not assembly.in_step

    def test_without_a_snapshot_nothing_is_applied(self) -> None:
        assembly = BookAssembly()
        assert assembly.apply(at(1), diff()) is Outcome.HOLE
        with pytest.raises(ValueError, match="no snapshot"):
            assembly.book()

    @pytest.mark.parametrize("text", ["", "a", "a:", ":1", "a:-1", "a:1x", "a:1:", "a: 1", "a:" + "9" * 30])
    def test_what_is_no_sequence_is_refused(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            Sequence.parse(text)

    @given(run=st.text(min_size=1).filter(lambda run: "\n" not in run), n=st.integers(0, 10**17))
    def test_a_sequence_survives_its_text(self, run: str, n: int) -> None:
        assert Sequence.parse(str(Sequence(run, n))) == Sequence(run, n)


class TestBadInput:
    @pytest.mark.parametrize(
        "row",
        [("abc", "1"), ("1", "NaN"), ("1e5", "1"), ("Infinity", "1"), ("1", "-2"), ("", "1"), ("1",), ("1", "1", "1")],
    )
    def test_a_row_that_cannot_be_read_leaves_the_book_as_it_was_and_asks_for_a_new_one(
        self, assembly: BookAssembly, row: tuple[str, ...]
    ) -> None:
        before = assembly.book()
        with pytest.raises(ProtocolError):
            assembly.apply(at(11), diff([("100", "77"), row], [("101", "77")]))
        assert (assembly.book(), assembly.sequence) == (before, at(10))
        assert not assembly.in_step
        with pytest.raises(ProtocolError):
            assembly.snapshot(at(12), book([row]))
        assert assembly.book() == before

    def test_a_snapshot_that_names_a_level_twice_is_refused(self, assembly: BookAssembly) -> None:
        with pytest.raises(ProtocolError, match="twice"):
            assembly.snapshot(at(11), book([("1", "1"), ("1.0", "2")]))

    def test_a_reply_without_a_snapshot_is_refused(self, assembly: BookAssembly) -> None:
        with pytest.raises(ProtocolError):
            assembly.snapshot(at(11), diff())

    def test_a_delta_says_nothing_without_its_venue(self, assembly: BookAssembly) -> None:
        with pytest.raises(ProtocolError, match="DELTA"):
            assembly.apply(at(11), book(update_type=UpdateType.DELTA))

    def test_a_change_with_other_columns_is_refused(self, assembly: BookAssembly) -> None:
        with pytest.raises(ProtocolError, match="columns"):
            assembly.apply(at(11), book(update_type=UpdateType.DIFF, columns=("quantity", "price")))

    def test_a_book_without_its_columns_is_refused(self) -> None:
        with pytest.raises(ProtocolError, match="lacks a column"):
            BookAssembly().snapshot(at(1), book(columns=("price", "size")))


class TestOtherKindsOfBook:
    def test_counted_levels_keep_all_their_columns(self) -> None:
        columns = ("price", "quantity", "orderCount")
        assembly = BookAssembly()
        assembly.snapshot(at(1), book([("5", "1", "3")], kind=OrderBookType.L2_COUNTED, columns=columns))
        assembly.apply(
            at(2),
            book([("5", "2", "4")], kind=OrderBookType.L2_COUNTED, columns=columns, update_type=UpdateType.DIFF),
        )
        assert assembly.book().bids == (("5", "2", "4"),)

    def test_one_price_on_two_exchanges_is_two_levels(self) -> None:
        columns, kind = ("price", "quantity", "exchange"), OrderBookType.L2_EXCHANGE
        assembly = BookAssembly()
        assembly.snapshot(at(1), book([("5", "1", "X"), ("5", "2", "Y")], kind=kind, columns=columns))
        assembly.apply(at(2), book([("5", "0", "X")], kind=kind, columns=columns, update_type=UpdateType.DIFF))
        assert assembly.book().bids == (("5", "2", "Y"),)

    def test_orders_are_found_by_their_id_and_keep_their_place_at_a_price(self) -> None:
        columns, kind = ("price", "quantity", "orderId"), OrderBookType.L3_COUNTED
        assembly = BookAssembly()
        rows = [("5", "1", "x"), ("5", "2", "y"), ("5", "3", "z")]
        assembly.snapshot(at(1), book(rows, rows[::-1], kind=kind, columns=columns))
        assert assembly.book().bids == tuple(rows)
        assert assembly.book().asks == tuple(rows[::-1])
        changes = [("5", "9", "x"), ("6", "1", "y"), ("5", "0", "nobody")]
        assembly.apply(at(2), book(changes, kind=kind, columns=columns, update_type=UpdateType.DIFF))
        assert assembly.book().bids == (("6", "1", "y"), ("5", "9", "x"), ("5", "3", "z"))
        assembly.apply(
            at(3), book([("7", "0", "x")], kind=kind, columns=columns, update_type=UpdateType.DIFF)
        )  # a removal is by id, whatever price it names
        assert assembly.book().bids == (("6", "1", "y"), ("5", "3", "z"))

    def test_rows_without_identity_stand_as_they_are_and_cannot_be_changed(self) -> None:
        assembly = BookAssembly()
        rows = [("5", "1"), ("5", "1"), ("4", "2")]
        assembly.snapshot(at(1), book(rows, kind=OrderBookType.L3))
        assert assembly.book().bids == tuple(rows)
        with pytest.raises(ProtocolError, match="told apart"):
            assembly.apply(at(2), book(kind=OrderBookType.L3, update_type=UpdateType.DIFF))


# Hypothesis: a publisher that restarts, and a network that loses, repeats and reorders.

PRICES = [str(price) for price in range(95, 106)]


class Publisher:
    """A publisher's own book, kept the simplest way, with every state it ever had."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self.runs = 0
        self.n = 0
        self.states: dict[Sequence, OrderBook] = {}
        self.publications: list[tuple[Sequence, OrderBook]] = []
        self.restart()

    def restart(self) -> None:
        self.runs += 1
        self.n = 0
        self._bids = dict.fromkeys(self._chance.sample(PRICES, 3), "1")
        self._asks = dict.fromkeys(self._chance.sample(PRICES, 3), "2")
        self._note()

    def publish(self) -> None:
        self.n += 1
        changes: dict[str, list[tuple[str, str]]] = {}
        for name, side in (("bids", self._bids), ("asks", self._asks)):
            rows = [(price, str(self._chance.randint(0, 3))) for price in self._chance.sample(PRICES, 2)]
            for price, quantity in rows:
                side.pop(price, None)
                if quantity != "0":
                    side[price] = quantity
            changes[name] = rows
        state = self._note()
        whole = self._chance.random() < 0.1
        self.publications.append(
            (self.sequence, state if whole else diff(changes["bids"], changes["asks"], state.timestamp))
        )

    @property
    def sequence(self) -> Sequence:
        return at(self.n, f"run-{self.runs}")

    def _note(self) -> OrderBook:
        self.states[self.sequence] = state = book(
            sorted(self._bids.items(), key=lambda row: -Decimal(row[0])),
            sorted(self._asks.items(), key=lambda row: Decimal(row[0])),
            timestamp=len(self.states),
        )
        return state


@settings(max_examples=300)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from("ppppprdddddddljs"), min_size=1, max_size=80))
def test_whatever_the_network_does_the_book_shown_is_one_the_publisher_had(seed: int, steps: list[str]) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    publisher, assembly = Publisher(chance), BookAssembly()
    delivered = 0
    last: Sequence | None = None
    for step in steps:
        if step == "p":
            publisher.publish()
        elif step == "r":
            publisher.restart()
        elif step == "l":
            delivered += 1  # lost
        elif step == "s":  # a subscribe reply: the snapshot of now, or one that is late
            sequence = chance.choice(list(publisher.states)[-4:])
            assembly.snapshot(sequence, publisher.states[sequence])
        elif publisher.publications:
            if step == "j":
                index = chance.randrange(len(publisher.publications))  # repeated or out of order
            else:
                index, delivered = min(delivered, len(publisher.publications) - 1), delivered + 1
            outcome = assembly.apply(*publisher.publications[index])
            if outcome is Outcome.APPLIED:
                assert assembly.sequence == publisher.publications[index][0]
        if assembly.sequence is not None:
            assert assembly.book() == publisher.states[assembly.sequence]
            if last is not None and last.run == assembly.sequence.run:
                assert assembly.sequence.n >= last.n
            last = assembly.sequence


@given(seed=st.integers(0, 2**32), late=st.integers(0, 20))
def test_a_snapshot_and_every_publication_since_lead_to_the_publishers_book(seed: int, late: int) -> None:
    """What a recovering subscribe brings: a snapshot somewhere in the stream, and the whole stream."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    publisher = Publisher(chance)
    for _ in range(20):
        publisher.publish()
    assembly = BookAssembly()
    taken = at(late, "run-1")
    assembly.snapshot(taken, publisher.states[taken])
    for sequence, update in publisher.publications:
        assert assembly.apply(sequence, update) is (Outcome.APPLIED if sequence.n > late else Outcome.STALE)
    assert assembly.book() == publisher.states[publisher.sequence]


# The recording.


@pytest.mark.market_data
@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recorded market data at {RECORDING}")
def test_the_recorded_book_is_right_after_each_of_its_messages() -> None:
    """50 messages of Bybit's 500-level book, against a book kept independently: in integers, by sorting each time."""
    messages = [json.loads(line) for line in RECORDING.read_text().splitlines()]
    assert len(messages) == 50
    assembly = BookAssembly()
    sides: dict[str, dict[int, tuple[str, str]]] = {"b": {}, "a": {}}
    for message in messages:
        data = message["data"]
        if message["type"] == "snapshot":
            sides = {"b": {}, "a": {}}
        for name, rows in sides.items():
            for price, quantity in data[name]:
                tick = int(price.replace(".", ""))  # four decimals throughout: checked below
                assert len(price.partition(".")[2]) == 4
                rows[tick] = (price, quantity)
                if quantity == "0":
                    del rows[tick]
        sequence = at(data["u"], "bybit")
        update = book(
            data["b"],
            data["a"],
            update_type=UpdateType.SNAPSHOT if message["type"] == "snapshot" else UpdateType.DIFF,
            timestamp=message["ts"],
        )
        take: Callable[[Sequence, OrderBook], Outcome] = (
            assembly.snapshot if message["type"] == "snapshot" else assembly.apply
        )
        assert take(sequence, update) is Outcome.APPLIED
        bids: tuple[BookRow, ...] = tuple(sides["b"][tick] for tick in sorted(sides["b"], reverse=True))
        asks: tuple[BookRow, ...] = tuple(sides["a"][tick] for tick in sorted(sides["a"]))
        shown = assembly.book()
        assert (shown.bids, shown.asks, shown.timestamp) == (bids, asks, message["ts"])
    assert len(assembly.book().bids) > 400
