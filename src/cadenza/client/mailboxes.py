"""What waits for a reader: bounded, with a stated policy when the reader is slower than the channel.

Above: ``hubs`` fill them, ``subscriptions`` empties them. Below: ``books`` for the one kind that holds a book.

Two policies. Of a *state* (a book, a ticker) only the newest is worth reading, so older ones are replaced: nothing
waits but one item a key, and a slow reader misses only what is no longer true. Of *events* (trades, bars) each one
counts, so they queue up to a bound; past it the oldest is dropped, and a ``Gap`` stands in its place.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from cadenza.client.books import BookAssembly
from cadenza.schema.market import OrderBook

T = TypeVar("T")

#: How many events wait for a reader, unless the subscription says otherwise.
DEFAULT_QUEUE_SIZE: Final = 1024
#: How many different things one channel can be the newest state of.
_MOST_KEYS: Final = 10_000


class GapCause(enum.Enum):
    """Why something is missing. The value is the sentence for a person."""

    NOT_RECOVERED = "the gateway could not give it again after the connection was lost"
    MISSING = "the channel's offsets jump"
    OVERFLOW = "it was read too slowly"
    UNREADABLE = "it could not be read"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Something is missing here, between what came before and what comes next.

    Attributes:
        channel: Where.
        cause: Why.
        lost: How many publications, if that is known.
    """

    channel: str
    cause: GapCause
    lost: int | None = None


class Mailbox(Protocol[T]):
    """One reader's waiting items."""

    def put(self, item: T) -> None:
        """Add an item, by the policy."""
        ...

    def gap(self, gap: Gap) -> None:
        """Note that something is missing here."""
        ...

    def take(self) -> T | Gap | None:
        """The next item, a gap in its place, or None when nothing waits."""
        ...


class EventMailbox(Generic[T]):
    """Keeps each item, up to ``size``; then the oldest goes and a gap stands in its place."""

    def __init__(self, channel: str, size: int) -> None:
        self._channel = channel
        self._size = size
        self._waiting: deque[T | Gap] = deque()
        self._items = 0

    def put(self, item: T) -> None:
        """Add an item; drop the oldest if there are too many."""
        if self._items >= self._size:
            self._drop_oldest()
        self._waiting.append(item)
        self._items += 1

    def gap(self, gap: Gap) -> None:
        """Note that something is missing here. Gaps that touch become one, so that they too are bounded."""
        if self._waiting and isinstance(last := self._waiting[-1], Gap):
            self._waiting[-1] = _joined(last, gap)
        else:
            self._waiting.append(gap)

    def take(self) -> T | Gap | None:
        """The next item, a gap in its place, or None."""
        if not self._waiting:
            return None
        item = self._waiting.popleft()
        if not isinstance(item, Gap):
            self._items -= 1
        return item

    def _drop_oldest(self) -> None:
        gap = Gap(channel=self._channel, cause=GapCause.OVERFLOW, lost=1)
        while isinstance(head := self._waiting.popleft(), Gap):
            gap = _joined(head, gap)
        self._items -= 1
        if self._waiting and isinstance(head := self._waiting[0], Gap):
            self._waiting[0] = _joined(gap, head)
        else:
            self._waiting.appendleft(gap)


class StateMailbox(Generic[T]):
    """Keeps the newest item of each key, in the order in which keys began to wait."""

    def __init__(self, channel: str, key: Callable[[T], Hashable]) -> None:
        self._channel = channel
        self._key = key
        self._newest: dict[Hashable, T] = {}
        self._gap: Gap | None = None

    def put(self, item: T) -> None:
        """Add an item in place of the one before it."""
        key = self._key(item)
        if key not in self._newest and len(self._newest) >= _MOST_KEYS:
            del self._newest[next(iter(self._newest))]
            self.gap(Gap(channel=self._channel, cause=GapCause.OVERFLOW, lost=1))
        self._newest[key] = item

    def gap(self, gap: Gap) -> None:
        """Note that something is missing."""
        self._gap = gap if self._gap is None else _joined(self._gap, gap)

    def take(self) -> T | Gap | None:
        """The gap first, then what began to wait first."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return gap
        if not self._newest:
            return None
        return self._newest.pop(next(iter(self._newest)))


class BookMailbox:
    """Holds nothing: the newest whole book is made when it is asked for.

    Args:
        assembly: The channel's book, shared by its readers.
        depth: Levels a side, or None for all.
    """

    def __init__(self, assembly: BookAssembly, depth: int | None) -> None:
        self._assembly = assembly
        self._depth = depth
        self._changed = assembly.sequence is not None
        self._gap: Gap | None = None
        #: ``<run>:<n>`` of the book taken last.
        self.sequence = ""

    def put(self, item: OrderBook) -> None:  # noqa: ARG002 - the port's; the assembly has applied it already
        """The assembly has changed."""
        self._changed = True

    def gap(self, gap: Gap) -> None:
        """Note that something is missing. The book is whole all the same."""
        self._gap = gap if self._gap is None else _joined(self._gap, gap)

    def take(self) -> OrderBook | Gap | None:
        """The newest whole book, once."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return gap
        if not self._changed:
            return None
        self._changed = False
        sequence = str(self._assembly.sequence)
        if sequence == self.sequence:
            return None  # a snapshot of what was read already
        self.sequence = sequence
        return self._assembly.book(self._depth)


def _joined(first: Gap, second: Gap) -> Gap:
    lost = None if first.lost is None or second.lost is None else first.lost + second.lost
    return Gap(channel=first.channel, cause=first.cause, lost=lost)
