"""A whole book out of snapshots and changes: never a wrong one, whatever is lost, repeated or out of order.

Above: ``subscriptions``. Below: schema. No I/O, no clock.

Each book publication carries ``<run>:<n>``; ``n`` counts up by one within a run, and a publisher that restarts begins
a new run. The subscribe reply brings a snapshot with its own ``<run>:<n>``, which may be older than the position the
publications start from. So: what is not newer than the book is dropped, the very next change is applied, and anything
else is a hole: the caller subscribes again for a new snapshot, and the book stays as it was until then.
"""

from __future__ import annotations

import bisect
import enum
import itertools
import re
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from cadenza.errors import ProtocolError
from cadenza.schema.market import OrderBook
from cadenza.schema.scalars import OrderBookType, UpdateType

Row = tuple[str, ...]
#: Price (negated on the bid side, so that both sides ascend), then what tells rows of one price apart.
_Key = tuple[Decimal, str | int]

_DECIMAL: Final = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_SEQUENCE: Final = re.compile(r"(?P<run>.+):(?P<n>\d{1,18})", re.ASCII)
#: More runs than one stream's history can hold.
_RUNS_REMEMBERED: Final = 16


class Sequence(NamedTuple):
    """A publication's place: which run of the publisher, and the how manieth of it."""

    run: str
    n: int

    @classmethod
    def parse(cls, text: str) -> Sequence:
        """Read ``<run>:<n>``. Raises ``ProtocolError``."""
        match = _SEQUENCE.fullmatch(text)
        if match is None:
            raise ProtocolError("A book's sequence is not of the form <run>:<n>.")
        return cls(match["run"], int(match["n"]))

    def __str__(self) -> str:
        return f"{self.run}:{self.n}"


class Outcome(enum.Enum):
    """What became of a snapshot or a change."""

    APPLIED = "applied"
    STALE = "not newer than the book: dropped"
    HOLE = "something is missing before it: subscribe again"


class BookAssembly:
    """One channel's book. Empty and useless until the first snapshot."""

    def __init__(self) -> None:
        self._sequence: Sequence | None = None
        self._broken = False
        self._past_runs: deque[str] = deque(maxlen=_RUNS_REMEMBERED)
        self._head: OrderBook | None = None
        self._bids = _Side(negated=True)
        self._asks = _Side(negated=False)

    @property
    def sequence(self) -> Sequence | None:
        """Where the book stands; None before the first snapshot."""
        return self._sequence

    @property
    def in_step(self) -> bool:
        """Whether the next change can be applied."""
        return self._sequence is not None and not self._broken

    def distrust(self) -> None:
        """Something came that cannot be read: apply nothing more until the next snapshot."""
        self._broken = True

    def snapshot(self, sequence: Sequence, book: OrderBook) -> Outcome:
        """Begin anew from the snapshot of a subscribe reply.

        Returns:
            ``STALE`` if the book is whole and newer: it is kept. ``HOLE`` if the book is not whole, and the snapshot
            is older than what was applied already: what lies between will not be sent again.

        Raises:
            ProtocolError: It is no snapshot, or a row cannot be read.
        """
        current = self._sequence
        if current is not None and sequence.run in {current.run, *self._past_runs}:
            older = sequence.run != current.run or sequence.n < current.n
            if older:
                return Outcome.HOLE if self._broken else Outcome.STALE
        self._broken = True  # until it is read
        if book.update_type is not UpdateType.SNAPSHOT:
            raise ProtocolError("The subscribe reply's book is not a snapshot.")
        self._replace(sequence, book)
        return Outcome.APPLIED

    def apply(self, sequence: Sequence, update: OrderBook) -> Outcome:
        """Apply a publication. After ``HOLE`` and after an error nothing is applied until the next snapshot.

        Raises:
            ProtocolError: The change cannot be read, or is of a kind that cannot be applied.
        """
        current = self._sequence
        if current is None or self._broken:
            return Outcome.HOLE
        if sequence.run in self._past_runs or (sequence.run == current.run and sequence.n <= current.n):
            return Outcome.STALE
        follows = sequence.run == current.run and sequence.n == current.n + 1
        replaces = sequence.run == current.run and update.update_type is UpdateType.SNAPSHOT
        self._broken = True  # until it is applied
        if replaces:
            self._replace(sequence, update)
        elif follows:
            self._change(sequence, update)
        else:
            return Outcome.HOLE
        self._broken = False
        return Outcome.APPLIED

    def book(self, depth: int | None = None) -> OrderBook:
        """Return the whole book, or its best ``depth`` levels a side. Bids descend, asks ascend.

        Raises:
            ValueError: There was no snapshot yet.
        """
        head = self._head
        if head is None:
            raise ValueError("no snapshot yet")
        return OrderBook(
            update_type=UpdateType.SNAPSHOT,
            instrument_id=head.instrument_id,
            venue=head.venue,
            symbol=head.symbol,
            order_book_type=head.order_book_type,
            columns=head.columns,
            bids=self._bids.best(depth),
            asks=self._asks.best(depth),
            timestamp=head.timestamp,
        )

    def _replace(self, sequence: Sequence, book: OrderBook) -> None:
        shape = _Shape.of(book)
        bids, asks = _Side(negated=True), _Side(negated=False)
        bids.fill(shape, book.bids)
        asks.fill(shape, book.asks)
        if self._sequence is not None and self._sequence.run != sequence.run:
            self._past_runs.append(self._sequence.run)
        self._bids, self._asks = bids, asks
        self._head, self._sequence, self._broken = book, sequence, False

    def _change(self, sequence: Sequence, update: OrderBook) -> None:
        head = self._head
        if update.update_type is not UpdateType.DIFF:
            raise ProtocolError(f"A book change of type {update.update_type.value} says nothing without its venue.")
        if head is None or (update.order_book_type, update.columns) != (head.order_book_type, head.columns):
            raise ProtocolError("A book change has other columns than the book.")
        shape = _Shape.of(update)
        if not shape.has_identity:
            raise ProtocolError(f"A {update.order_book_type.value} book's rows cannot be told apart.")
        # Both sides are read before either is touched: a change is applied whole or not at all.
        bids = list(shape.read(update.bids, negated=True))
        asks = list(shape.read(update.asks, negated=False))
        self._bids.change(bids)
        self._asks.change(asks)
        self._head, self._sequence = update, sequence


class _Parsed(NamedTuple):
    price: Decimal
    identity: str
    row: Row | None  # None removes


class _Shape:
    """Which column is what, and what makes a row the same row."""

    def __init__(self, width: int, price: int, quantity: int, identity: int | None, *, by_identity_alone: bool) -> None:
        self.width = width
        self.price = price
        self.quantity = quantity
        self.identity = identity
        self.by_identity_alone = by_identity_alone
        self.has_identity = True

    @classmethod
    def of(cls, book: OrderBook) -> _Shape:
        columns = book.columns
        name = _IDENTITY_COLUMN[book.order_book_type]
        try:
            shape = cls(
                len(columns),
                columns.index("price"),
                columns.index("quantity"),
                columns.index(name) if name else None,
                by_identity_alone=book.order_book_type is OrderBookType.L3_COUNTED,
            )
        except ValueError:
            raise ProtocolError(f"A {book.order_book_type.value} book lacks a column it needs.") from None
        shape.has_identity = book.order_book_type is not OrderBookType.L3
        return shape

    def read(self, rows: Iterable[Row], *, negated: bool) -> Iterable[_Parsed]:
        for row in rows:
            if len(row) != self.width:
                raise ProtocolError("A book's row has another number of cells than the book has columns.")
            price, quantity = row[self.price], row[self.quantity]
            if _DECIMAL.fullmatch(price) is None or _DECIMAL.fullmatch(quantity) is None:
                raise ProtocolError("A book's price or quantity is not a decimal.")
            amount = Decimal(quantity)
            if amount < 0:
                raise ProtocolError("A book's quantity is negative.")
            # copy_negate: the minus sign would round to the context's precision
            signed = Decimal(price).copy_negate() if negated else Decimal(price)
            yield _Parsed(signed, "" if self.identity is None else row[self.identity], row if amount else None)


#: What tells rows of one price apart. L3 has nothing: its snapshots stand as they are, its changes cannot be applied.
_IDENTITY_COLUMN: Final = {
    OrderBookType.L2: "",
    OrderBookType.L2_COUNTED: "",
    OrderBookType.VWAP: "",
    OrderBookType.L2_EXCHANGE: "exchange",
    OrderBookType.L3: "",
    OrderBookType.L3_COUNTED: "orderId",
}


class _Side:
    """One side's rows, found by key and kept in order by bisection."""

    def __init__(self, *, negated: bool) -> None:
        self._negated = negated
        self._keys: list[_Key] = []
        self._rows: dict[_Key, Row] = {}
        #: L3_COUNTED: the key of each order, which keeps its place in the queue of its price until its price changes.
        self._orders: dict[str, _Key] | None = None
        self._arrivals = itertools.count()

    def fill(self, shape: _Shape, rows: Iterable[Row]) -> None:
        if shape.by_identity_alone:
            self._orders = {}
        for parsed in shape.read(rows, negated=self._negated):
            if parsed.row is None:
                continue
            key = self._new_key(parsed) if shape.has_identity else (parsed.price, next(self._arrivals))
            if key in self._rows:
                raise ProtocolError("A book names the same level twice.")
            self._rows[key] = parsed.row
        self._keys = sorted(self._rows)

    def change(self, changes: Iterable[_Parsed]) -> None:
        for parsed in changes:
            key = self._key_of(parsed)
            if key is not None and (parsed.row is None or key[0] != parsed.price):
                self._remove(key)
                if self._orders is not None:
                    del self._orders[parsed.identity]
                key = None
            if parsed.row is None:
                continue
            if key is None:
                key = self._new_key(parsed)
                bisect.insort(self._keys, key)
            self._rows[key] = parsed.row

    def best(self, depth: int | None) -> tuple[Row, ...]:
        return tuple(map(self._rows.__getitem__, itertools.islice(self._keys, depth)))

    def _key_of(self, parsed: _Parsed) -> _Key | None:
        if self._orders is not None:
            return self._orders.get(parsed.identity)
        key = (parsed.price, parsed.identity)
        return key if key in self._rows else None

    def _new_key(self, parsed: _Parsed) -> _Key:
        if self._orders is None:
            return parsed.price, parsed.identity
        if parsed.identity in self._orders:
            raise ProtocolError("A book names the same order twice.")
        self._orders[parsed.identity] = key = (parsed.price, next(self._arrivals))
        return key

    def _remove(self, key: _Key) -> None:
        del self._rows[key]
        del self._keys[bisect.bisect_left(self._keys, key)]
