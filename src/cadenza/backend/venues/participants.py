"""Simulated participants: they move a fair value about, quote around it and trade when quotes stray from it.

Above: ``simulated_market``. Below: ``book``, ``randomness``. All prices are ticks, all quantities lots.
The matching engine with real orders comes with the trading methods; these only need price levels.
"""

from random import Random

import msgspec

from cadenza.backend.venues.book import BookSide, LevelBook


class Temper(msgspec.Struct, frozen=True, kw_only=True):
    """How a market behaves.

    Attributes:
        depth: Levels each side is kept at.
        swing: Most ticks the fair value moves in a step.
        typical_lots: Upper end of an ordinary order's size.
        gap: Most ticks between two neighbouring levels when a side is filled up.
        noise_percent: Chance that a step holds a trade nobody was forced to make.
    """

    depth: int = 50
    swing: int = 4
    typical_lots: int = 1_000
    gap: int = 3
    noise_percent: int = 30


class Fill(msgspec.Struct, frozen=True):
    """One trade: price in ticks, quantity in lots, and whether the taker bought."""

    price: int
    quantity: int
    taker_buys: bool


class Participants:
    """Acts on one book.

    Args:
        book: The book they quote in.
        fair: The fair value they start from, in ticks.
        temper: How the market behaves.
        rng: Where all chance comes from.
    """

    def __init__(self, book: LevelBook, *, fair: int, temper: Temper, rng: Random) -> None:
        self._book = book
        self._anchor = self._fair = fair
        self._temper = temper
        self._rng = rng
        self._fill_up(book.bids, self._fair, -1)
        self._fill_up(book.asks, self._fair, 1)

    def act(self) -> list[Fill]:
        """One step of the market; returns its trades in order. Never leaves the book crossed or a side empty."""
        self._move_fair_value()
        fills = self._take_stale_quotes()
        fills += self._take_at_random()
        self._requote()
        self._fill_up(self._book.bids, self._fair, -1)
        self._fill_up(self._book.asks, self._fair, 1)
        return fills

    def _move_fair_value(self) -> None:
        """A random walk that leans back when it is more than a fifth away from where it began."""
        swing = self._temper.swing
        self._fair += self._rng.randint(-swing, swing)
        away = self._fair - self._anchor
        if abs(away) * 5 > self._anchor:
            self._fair -= swing if away > 0 else -swing
        self._fair = max(self._fair, self._temper.depth * self._temper.gap * 2)

    def _take_stale_quotes(self) -> list[Fill]:
        """Quotes on the wrong side of the fair value are taken by whoever sees them first."""
        size = self._temper.typical_lots * 8
        asks = self._book.asks.take(self._rng.randint(1, size), limit=self._fair - 1)
        bids = self._book.bids.take(self._rng.randint(1, size), limit=self._fair + 1)
        return [Fill(p, q, taker_buys=True) for p, q in asks] + [Fill(p, q, taker_buys=False) for p, q in bids]

    def _take_at_random(self) -> list[Fill]:
        if self._rng.randrange(100) >= self._temper.noise_percent:
            return []
        taker_buys = self._rng.random() < 0.5  # noqa: PLR2004 - a fair coin
        side = self._book.asks if taker_buys else self._book.bids
        quantity = self._rng.randint(1, self._temper.typical_lots)
        return [Fill(price, lots, taker_buys) for price, lots in side.take(quantity)]

    def _requote(self) -> None:
        """Makers add, change and cancel, mostly near the fair value, never through the other side."""
        for _ in range(self._rng.randint(2, 6)):
            distance = 1 + int(self._rng.expovariate(1 / 12))
            buys = self._rng.random() < 0.5  # noqa: PLR2004 - a fair coin
            side, other = (self._book.bids, self._book.asks) if buys else (self._book.asks, self._book.bids)
            price = self._fair - distance if buys else self._fair + distance
            opposite = other.best()
            if opposite is not None and (price >= opposite if buys else price <= opposite):
                continue
            cancels = len(side) > self._temper.depth // 2 and self._rng.randrange(3) == 0
            side.set(price, 0 if cancels else self._size(distance))

    def _fill_up(self, side: BookSide, fair: int, direction: int) -> None:
        """Bring a side to its depth: levels far out come back, and the farthest go when there are too many."""
        while (worst := side.worst()) is not None and len(side) > self._temper.depth:
            side.set(worst, 0)
        price = side.worst()
        if price is None:
            price = fair if not self._would_cross(fair, direction) else self._beside_other(direction)
        while len(side) < self._temper.depth:
            price += direction * self._rng.randint(1, self._temper.gap)
            if price < 1:
                return
            side.set(price, self._size(abs(price - fair)))

    def _would_cross(self, price: int, direction: int) -> bool:
        other = (self._book.asks if direction < 0 else self._book.bids).best()
        return other is not None and (price > other if direction < 0 else price < other)

    def _beside_other(self, direction: int) -> int:
        other = (self._book.asks if direction < 0 else self._book.bids).best()
        return self._fair if other is None else other

    def _size(self, distance: int) -> int:
        """Orders far out are larger, as they are on real books."""
        return self._rng.randint(1, self._temper.typical_lots) * (1 + min(distance, 60) // 6)
