"""One channel's messages, decoded once and handed to each of its readers.

Above: ``subscriptions`` keeps one hub a channel. Below: ``mailboxes``, ``books``, schema. A hub is the port's
``ChannelSink``: it runs in the task that reads the socket, so it neither waits nor raises (B2, B3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from cadenza.client.books import BookAssembly, Outcome, Sequence
from cadenza.client.mailboxes import Gap, GapCause, Mailbox
from cadenza.client.ports import Subscribed
from cadenza.errors import CadenzaError, ProtocolError, SubscriptionError
from cadenza.schema.market import OrderBook, OrderBookSnapshot

T = TypeVar("T")

#: So often in a row a book is asked for anew before it is given up: it waits longer each time.
_MOST_RESTARTS: Final = 10


class Reader(Protocol[T]):
    """One reader of a channel, as a hub sees it. Must not wait and must not raise."""

    @property
    def mailbox(self) -> Mailbox[T]:
        """Where its items wait."""
        ...

    def wake(self) -> None:
        """Something waits."""
        ...

    def joined(self) -> None:
        """The channel is subscribed."""
        ...

    def end(self, error: CadenzaError) -> None:
        """Nothing more will come."""
        ...


class Hub(Generic[T]):
    """What every kind of channel shares.

    Args:
        channel: Its name.
        payload: What a publication's data reads as.
        report: Takes an error that ends nothing. Must not wait and must not raise.
        restart: Has the channel subscribed again. Must not wait and must not raise.
    """

    def __init__(
        self,
        channel: str,
        payload: type[T],
        *,
        report: Callable[[CadenzaError], None],
        restart: Callable[[], None],
    ) -> None:
        self.channel: Final = channel
        self.readers: Final[set[Reader[T]]] = set()
        self.restarts = 0
        self.is_subscribed = False
        self.has_ended = False
        self._payload = payload
        self._report = report
        self._restart = restart

    @property
    def needs_restart(self) -> bool:
        """Whether only a new subscription can help."""
        return False

    def add(self, reader: Reader[T]) -> None:
        """Let a reader in; it joins at once if the channel is subscribed."""
        self.readers.add(reader)
        if self.is_subscribed:
            reader.joined()

    def end(self, error: CadenzaError) -> None:
        """Nothing more will come."""
        self.is_subscribed, self.has_ended = False, True
        for reader in tuple(self.readers):
            reader.end(error)

    def subscribed(self, answer: Subscribed) -> None:
        """The gateway has subscribed us."""
        self.is_subscribed = True
        self._begin(answer)
        for reader in tuple(self.readers):
            reader.joined()

    def unsubscribed(self, code: int, reason: str) -> None:
        """Refused, or ended for good."""
        self.end(
            SubscriptionError(
                f"The subscription to {self.channel} was refused or ended: {reason or 'no reason given'}.",
                channel=self.channel,
                code=code,
                temporary=False,
                next_step=_ADVICE.get(code),
            )
        )

    def publication(self, data: object, offset: int, tags: Mapping[str, str]) -> None:
        """One publication."""
        raise NotImplementedError

    def _begin(self, answer: Subscribed) -> None:
        raise NotImplementedError

    def _hand_out(self, item: T) -> None:
        for reader in self.readers:
            reader.mailbox.put(item)
            reader.wake()

    def _gap(self, cause: GapCause, lost: int | None) -> None:
        gap = Gap(channel=self.channel, cause=cause, lost=lost)
        for reader in self.readers:
            reader.mailbox.gap(gap)
            reader.wake()

    def _unreadable(self, error: Exception) -> None:
        if not isinstance(error, ProtocolError):
            fault = ProtocolError(f"A message on {self.channel} is not what the contract says: {error}.")
            fault.__cause__ = error
            error = fault
        self._report(error)


class EventHub(Hub[T]):
    """A channel of items that stand for themselves: trades, bars, tickers. Watches the offsets for what is missing."""

    _offset: int | None = None
    _epoch: str = ""
    _begun: bool = False

    def publication(self, data: object, offset: int, tags: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's
        """Decode it and hand it out; what came before already is dropped."""
        if offset and self._offset is not None:
            if offset <= self._offset:
                return
            if offset > self._offset + 1:
                self._gap(GapCause.MISSING, offset - self._offset - 1)
            self._offset = offset
        try:
            item = msgspec.convert(data, type=self._payload)
        except msgspec.ValidationError as error:
            self._unreadable(error)
            self._gap(GapCause.UNREADABLE, 1)
            return
        self._hand_out(item)

    def _begin(self, answer: Subscribed) -> None:
        at, again = self._offset, self._begun
        self._begun = True
        same_stream = at is not None and answer.offset is not None and answer.epoch == self._epoch
        if same_stream and not answer.lost:
            return  # what was missed follows, from the offset where we are
        if again or answer.lost:  # a channel without positions cannot say what was missed
            self._gap(GapCause.NOT_RECOVERED, (answer.offset or 0) - (at or 0) if same_stream else None)
        self._offset, self._epoch = answer.offset, answer.epoch


class BookHub(Hub[OrderBook]):
    """A book's channel: the readers share one assembly, and a hole has it subscribed again."""

    def __init__(self, channel: str, *, report: Callable[[CadenzaError], None], restart: Callable[[], None]) -> None:
        super().__init__(channel, OrderBook, report=report, restart=restart)
        self.assembly: Final = BookAssembly()

    @property
    def needs_restart(self) -> bool:
        """Whether only a new snapshot can help."""
        return not self.assembly.in_step

    def publication(self, data: object, offset: int, tags: Mapping[str, str]) -> None:  # noqa: ARG002 - the port's
        """Apply it; ask for a new snapshot when something is missing before it."""
        if not self.assembly.in_step:
            return  # a new snapshot is on its way
        try:
            update = msgspec.convert(data, type=OrderBook)
            outcome = self.assembly.apply(Sequence.parse(tags.get("seq", "")), update)
        except (msgspec.ValidationError, ProtocolError) as error:
            self.assembly.distrust()
            self._unreadable(error)
            self._ask_again()
            return
        if outcome is Outcome.APPLIED:
            self.restarts = 0
            self._hand_out(update)
        elif outcome is Outcome.HOLE:
            self._ask_again()

    def _begin(self, answer: Subscribed) -> None:
        if answer.lost:
            self._gap(GapCause.NOT_RECOVERED, None)
        try:
            snapshot = msgspec.convert(answer.data, type=OrderBookSnapshot)
            outcome = self.assembly.snapshot(Sequence.parse(snapshot.seq), snapshot.book)
        except (msgspec.ValidationError, ProtocolError) as error:
            self.assembly.distrust()
            self._unreadable(error)
            self._ask_again()
            return
        if outcome is Outcome.APPLIED:
            self._hand_out(snapshot.book)
        elif outcome is Outcome.HOLE:
            self._ask_again()

    def _ask_again(self) -> None:
        self.restarts += 1
        if self.restarts <= _MOST_RESTARTS:
            self._restart()
            return
        self.end(
            SubscriptionError(
                f"The book on {self.channel} could not be made whole in {_MOST_RESTARTS} attempts.",
                channel=self.channel,
                temporary=True,
                next_step="Watch it again later; on_error has seen what was wrong with each attempt.",
            )
        )


_ADVICE: Final = {
    101: "Sign in.",
    102: "Correct the channel's name: its spelling is exact.",
    103: "Ask for the right to see it.",
    106: "Leave channels that are no longer needed; a connection has a limited number.",
}
