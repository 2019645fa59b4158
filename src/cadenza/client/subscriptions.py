"""What a user reads a channel with: an async iterator inside an async context, typed, bounded, honest about gaps.

Above: ``resources`` make a ``Watch``. Below: ``hubs``, ``mailboxes``, ``ports``.

::

    async with api.market.trades.watch("PAPER:BTC/USDT") as trades:   # subscribed, acknowledged by the gateway
        async for trade in trades:                                    # any call may be awaited in here
            ...

A missing publication is never passed over in silence. On a channel of events the loop raises ``GapError`` at the place
where it is missing; the iterator stays good, and a new ``async for`` on it goes on behind the gap. Whoever gives
``on_gap`` is told there instead, and the loop goes on by itself. On a channel of states (books, tickers) the next item
is the newest state whatever was missed, so the loop never breaks; ``on_gap`` is told there too, and ``gaps`` counts.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from cadenza.client.hubs import Hub
from cadenza.client.mailboxes import Gap, GapCause, Mailbox
from cadenza.client.ports import ChannelLink, Connection
from cadenza.client.timing import Backoff, Timing
from cadenza.errors import CadenzaError, ClosedError, DeadlineExceededError, GapError, UsageError
from cadenza.schema.market import OrderBook

T = TypeVar("T")

#: Told of a gap at its place in the loop; may be a coroutine function, and may await any call.
GapHandler = Callable[[Gap], Awaitable[None] | None]

_RESTART_BACKOFF: Final = Backoff(first_seconds=0.2, longest_seconds=10.0)


class HubMaker(Protocol[T]):
    """Makes a channel's hub when its first reader comes."""

    def __call__(self, *, report: Callable[[CadenzaError], None], restart: Callable[[], None]) -> Hub[T]:
        """Make it."""
        ...


class Membership(Protocol):
    """Where a ``Watch`` joins and leaves its channel."""

    async def join(self, watch: Watch[Any]) -> None:
        """Subscribe, or share the subscription there is."""
        ...

    async def leave(self, watch: Watch[Any]) -> None:
        """Give it up."""
        ...


class Watch(Generic[T]):
    """One reader of one channel. Enter it, then iterate.

    Args:
        channel: The channel's name.
        make_hub: Makes the channel's hub, if this is its first reader.
        make_mailbox: Makes the place where this reader's items wait.
        membership: Gives the place to join, once there is a connection.
        deadline_seconds: For the connection and the gateway's answer together.
        on_gap: Told of each gap at its place, instead of ``GapError``.
        heals: Whether the channel is one of states: a gap then needs no one's attention.
    """

    def __init__(
        self,
        channel: str,
        *,
        make_hub: HubMaker[T],
        make_mailbox: Callable[[Hub[T]], Mailbox[T]],
        membership: Callable[[], Awaitable[Membership]],
        deadline_seconds: float,
        on_gap: GapHandler | None,
        heals: bool,
    ) -> None:
        self.channel: Final = channel
        self.make_hub: Final = make_hub
        self.make_mailbox: Final = make_mailbox
        self._find_membership = membership
        self._deadline = deadline_seconds
        self._on_gap = on_gap
        self._heals = heals
        self._membership: Membership | None = None
        self._mailbox: Mailbox[T] | None = None
        self._wake = asyncio.Event()
        self._joined = asyncio.Event()
        self._error: CadenzaError | None = None
        self._closed = False
        self._gaps = 0

    def __repr__(self) -> str:
        return f"<Watch {self.channel}>"

    @property
    def gaps(self) -> int:
        """How many gaps this reader has been told of."""
        return self._gaps

    async def __aenter__(self) -> Self:
        """Subscribe. When this returns the gateway has acknowledged it: nothing from here on is missed (D5).

        Raises:
            SubscriptionError: Refused, with the gateway's code.
            SignInRequiredError: Nobody is signed in.
            DeadlineExceededError: No answer in time.
        """
        if self._membership is not None or self._closed:
            raise UsageError("A watch can be entered once.")
        try:
            async with asyncio.timeout(self._deadline):
                self._membership = await self._find_membership()
                await self._membership.join(self)
                await self._joined.wait()
        except TimeoutError:
            await self._leave()
            raise DeadlineExceededError(f"{self.channel} was not subscribed within {self._deadline:g} s.") from None
        except BaseException:
            await self._leave()
            raise
        if self._error is not None:
            await self._leave()
            raise self._error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Unsubscribe. A loop that still waits ends."""
        await self._leave()

    def __aiter__(self) -> Self:
        """Iterate over what comes."""
        return self

    async def __anext__(self) -> T:
        """Wait for the next item.

        Raises:
            GapError: Something is missing here. Call again to go on behind it.
            CadenzaError: The subscription has ended; what waited was handed out before.
        """
        if self._mailbox is None:
            raise UsageError("Enter the watch first: async with ... as items.")
        while True:
            item = self._mailbox.take()
            if isinstance(item, Gap):
                await self._tell(item)
            elif item is not None:
                return item
            elif self._error is not None:
                raise self._error.with_traceback(None)
            elif self._closed:
                raise StopAsyncIteration
            else:
                self._wake.clear()
                await self._wake.wait()

    # As a hub sees it.

    @property
    def mailbox(self) -> Mailbox[T]:
        """Where its items wait."""
        if self._mailbox is None:
            raise UsageError("The watch has not joined.")
        return self._mailbox

    def open(self, mailbox: Mailbox[T]) -> None:
        """It has a place for its items."""
        self._mailbox = mailbox

    def wake(self) -> None:
        """Something waits."""
        self._wake.set()

    def joined(self) -> None:
        """The channel is subscribed."""
        self._joined.set()

    def end(self, error: CadenzaError) -> None:
        """Nothing more will come."""
        if self._error is None:
            self._error = error
        self._joined.set()
        self._wake.set()

    async def _leave(self) -> None:
        self._closed = True
        self._wake.set()
        if self._membership is not None:
            await self._membership.leave(self)

    async def _tell(self, gap: Gap) -> None:
        self._gaps += 1
        if self._on_gap is not None:
            told = self._on_gap(gap)
            if inspect.isawaitable(told):
                await told
        elif not self._heals:
            raise GapError(
                f"{'Some' if gap.lost is None else gap.lost} publication(s) on {gap.channel} are missing here: "
                f"{gap.cause.value}.",
                channel=gap.channel,
                temporary=gap.cause is not GapCause.UNREADABLE,
            )


class BookWatch(Watch[OrderBook]):
    """A watch of a book, that also knows where the book stands."""

    @property
    def sequence(self) -> str:
        """``<run>:<n>`` of the book read last; empty before the first."""
        return str(getattr(self._mailbox, "sequence", ""))


class Subscriptions:
    """The channels of one connection: one hub each, however many readers (D6).

    Args:
        connection: Where to subscribe.
        report: Takes an error that ends nothing. Must not wait and must not raise.
        timing: Sleep and chance.
    """

    def __init__(self, connection: Connection, *, report: Callable[[CadenzaError], None], timing: Timing) -> None:
        self._connection = connection
        self._report = report
        self._timing = timing
        self._hubs: dict[str, Hub[Any]] = {}
        self._links: dict[str, ChannelLink] = {}
        self._restarting: dict[str, asyncio.Task[None]] = {}
        # Subscribing and leaving one channel must not overlap (C4); both are short.
        self._lock = asyncio.Lock()
        self._ended: CadenzaError | None = None

    async def join(self, watch: Watch[Any]) -> None:
        """Let a reader in; subscribe if it is the channel's first."""
        async with self._lock:
            if self._ended is not None:
                raise self._ended
            name = watch.channel
            hub = self._hubs.get(name)
            if hub is not None and hub.has_ended:  # its readers have yet to notice
                await self._forget(name)
                hub = None
            first = hub is None
            if hub is None:
                hub = watch.make_hub(report=self._report, restart=lambda: self._restart_soon(name))
                self._hubs[name] = hub
                self._links[name] = self._connection.channel(name, hub)
            watch.open(watch.make_mailbox(hub))
            hub.add(watch)
            if first:
                await self._links[name].start()

    async def leave(self, watch: Watch[Any]) -> None:
        """Let a reader go; unsubscribe after the last. Finishes even when its caller is cancelled."""
        await asyncio.shield(asyncio.create_task(self._leave(watch), name="cadenza-unsubscribe"))

    def end(self, error: CadenzaError) -> None:
        """The connection is over for good: so is every subscription on it."""
        if self._ended is None:
            self._ended = error
        for hub in tuple(self._hubs.values()):
            hub.end(error)

    async def close(self) -> None:
        """End every subscription because the user is done."""
        self.end(ClosedError("The connection was closed."))
        for task in tuple(self._restarting.values()):
            task.cancel()
        if self._restarting:
            await asyncio.wait(self._restarting.values())

    async def _leave(self, watch: Watch[Any]) -> None:
        async with self._lock:
            hub = self._hubs.get(watch.channel)
            if hub is None or watch not in hub.readers:
                return
            hub.readers.discard(watch)
            if not hub.readers:
                await self._forget(watch.channel)

    async def _forget(self, name: str) -> None:
        del self._hubs[name]
        if name in self._restarting:
            self._restarting[name].cancel()
        await self._links.pop(name).stop()

    def _restart_soon(self, name: str) -> None:
        if name not in self._restarting:
            task = asyncio.create_task(self._restart(name), name="cadenza-resubscribe")
            self._restarting[name] = task
            task.add_done_callback(lambda _: self._restarting.pop(name, None))

    async def _restart(self, name: str) -> None:
        hub = self._hubs.get(name)
        if hub is not None and hub.restarts > 1:
            await self._timing.sleep(_RESTART_BACKOFF.delay(hub.restarts - 1, self._timing))
        async with self._lock:
            # A reconnect may have brought a new snapshot meanwhile.
            if self._hubs.get(name) is hub and hub is not None and hub.needs_restart:
                await self._links[name].restart()
