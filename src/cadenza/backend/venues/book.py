"""One order book as price levels in ticks and lots, which remembers what changed since it was last asked.

Above: ``published_book`` numbers the changes, ``participants`` trade against it. Below: nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

Level = tuple[int, int]


class BookSide:
    """One side's levels: price in ticks -> quantity in lots, always more than zero.

    Args:
        highest_first: True for bids, whose best price is the highest.
    """

    __slots__ = ("_before", "_highest_first", "_prices", "_quantities")

    def __init__(self, *, highest_first: bool) -> None:
        self._highest_first = highest_first
        self._quantities: dict[int, int] = {}
        self._prices: list[int] = []
        self._before: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._prices)

    def quantity(self, price: int) -> int:
        """Lots at a price, 0 where there is no level."""
        return self._quantities.get(price, 0)

    def best(self) -> int | None:
        """The price nearest to the other side, or None when the side is empty."""
        if not self._prices:
            return None
        return self._prices[-1] if self._highest_first else self._prices[0]

    def worst(self) -> int | None:
        """The price farthest from the other side, or None when the side is empty."""
        if not self._prices:
            return None
        return self._prices[0] if self._highest_first else self._prices[-1]

    def levels(self, depth: int | None = None) -> list[Level]:
        """Levels from the best on, at most ``depth`` of them."""
        quantities = self._quantities
        if self._highest_first:
            prices = self._prices[::-1] if depth is None else self._prices[: -depth - 1 : -1]
        else:
            prices = self._prices[:depth]
        return [(price, quantities[price]) for price in prices]

    def set(self, price: int, quantity: int) -> None:
        """Put a level to an absolute quantity; zero removes it.

        Raises:
            ValueError: A negative quantity.
        """
        if quantity < 0:
            raise ValueError("a level cannot hold less than nothing")
        before = self._quantities.get(price, 0)
        if quantity == before:
            return
        self._before.setdefault(price, before)
        if not quantity:
            del self._quantities[price]
            del self._prices[bisect_left(self._prices, price)]
            return
        if not before:
            insort(self._prices, price)
        self._quantities[price] = quantity

    def replace(self, levels: Iterable[Level]) -> None:
        """Make the side hold these levels and no others."""
        wanted = dict(levels)
        for price in [price for price in self._prices if price not in wanted]:
            self.set(price, 0)
        for price, quantity in wanted.items():
            self.set(price, quantity)

    def take(self, quantity: int, limit: int | None = None) -> list[Level]:
        """Take up to ``quantity`` lots from the best price on, none beyond ``limit``; returns each fill."""
        fills: list[Level] = []
        while quantity > 0 and (price := self.best()) is not None and not self._beyond(price, limit):
            there = self._quantities[price]
            taken = min(there, quantity)
            self.set(price, there - taken)
            fills.append((price, taken))
            quantity -= taken
        return fills

    def take_changes(self) -> list[Level]:
        """Levels that differ from the last call, best first, with their absolute quantity (0: gone); then forget."""
        changed = [price for price, before in self._before.items() if self.quantity(price) != before]
        changed.sort(reverse=self._highest_first)
        self._before.clear()
        return [(price, self.quantity(price)) for price in changed]

    def _beyond(self, price: int, limit: int | None) -> bool:
        if limit is None:
            return False
        return price < limit if self._highest_first else price > limit


class LevelBook:
    """Bids and asks of one instrument."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(highest_first=True)
        self.asks = BookSide(highest_first=False)

    def is_crossed(self) -> bool:
        """Whether the best bid has reached the best ask, which no venue may show."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid >= ask
