"""A level book with its public face: contract rows, snapshots, and numbered changes that lead from one to the next.

Above: ``simulated_market``; any other venue that keeps a book here. Below: ``book``, ``scale``, ``events``, schema.

``seq`` is ``<run>:<n>``: ``n`` counts the changes made public, ``run`` tells one process's count from another's. The
book must only be changed and committed without awaiting in between; then a snapshot is always exactly the book at its
``seq``, whoever asks when.
"""

from cadenza.backend.events import BookChanged
from cadenza.backend.venues.book import Level, LevelBook
from cadenza.backend.venues.scale import Scale
from cadenza.schema.market import L2_COLUMNS, OrderBook, OrderBookSnapshot
from cadenza.schema.scalars import OrderBookType, UpdateType, Venue


class PublishedBook:
    """One instrument's book.

    Args:
        venue: Whose book it is.
        symbol: Of what.
        price: Ticks to text.
        quantity: Lots to text.
        run: This process's name in ``seq``.
    """

    def __init__(self, venue: Venue, symbol: str, *, price: Scale, quantity: Scale, run: str) -> None:
        self.levels = LevelBook()
        self._venue = venue
        self._symbol = symbol
        self._instrument_id = f"{venue}:{symbol}"
        self._price = price
        self._quantity = quantity
        self._run = run
        self._n = 0
        self._changed_ms = 0

    @property
    def seq(self) -> str:
        """The number of the last change made public."""
        return f"{self._run}:{self._n}"

    def commit(self, timestamp_ms: int) -> BookChanged | None:
        """Make what has changed since the last call the next numbered change; None if nothing has."""
        bids = self.levels.bids.take_changes()
        asks = self.levels.asks.take_changes()
        if not bids and not asks:
            return None
        self._n += 1
        self._changed_ms = timestamp_ms
        return BookChanged(seq=self.seq, book=self._order_book(UpdateType.DIFF, bids, asks))

    def snapshot(self, depth: int | None = None) -> OrderBookSnapshot:
        """The book at its ``seq``: the best ``depth`` levels a side, or all."""
        bids, asks = self.levels.bids.levels(depth), self.levels.asks.levels(depth)
        return OrderBookSnapshot(seq=self.seq, book=self._order_book(UpdateType.SNAPSHOT, bids, asks))

    def _order_book(self, kind: UpdateType, bids: list[Level], asks: list[Level]) -> OrderBook:
        return OrderBook(
            update_type=kind,
            instrument_id=self._instrument_id,
            venue=self._venue,
            symbol=self._symbol,
            order_book_type=OrderBookType.L2,
            columns=L2_COLUMNS,
            bids=self._rows(bids),
            asks=self._rows(asks),
            timestamp=self._changed_ms,
        )

    def _rows(self, levels: list[Level]) -> tuple[tuple[str, str], ...]:
        price, quantity = self._price.text, self._quantity.text
        return tuple([(price(ticks), quantity(lots)) for ticks, lots in levels])
