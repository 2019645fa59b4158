"""Carries what happens on venues to the publisher: a bounded queue between, so that a venue never waits.

Above: ``service``. Below: ``events``, ``ports``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

from cadenza.backend.events import MarketEvent, Publication, publications_of
from cadenza.backend.ports import Publisher, VenueFeed

_logger = logging.getLogger("cadenza.backend")


class Feed:
    """Publishes the events of venues, in order.

    Args:
        venues: Whose events.
        publisher: Where they go.
        max_queue: Publications waiting at most. Overflow policy: the oldest goes and is counted; readers of books see
            the hole in ``seq`` and ask again, and of the rest the newest is worth most.
        encode: Makes publications of an event.
    """

    def __init__(
        self,
        venues: Iterable[VenueFeed],
        publisher: Publisher,
        *,
        max_queue: int,
        encode: Callable[[MarketEvent], tuple[Publication, ...]] = publications_of,
    ) -> None:
        self._publisher = publisher
        self._encode = encode
        self._max_queue = max_queue
        self._queue: deque[Publication] = deque()
        self._wake = asyncio.Event()
        self._all_published = asyncio.Event()
        self._all_published.set()
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self.dropped = 0
        self.failed = 0
        for venue in venues:
            venue.listen(self._take)

    @property
    def running(self) -> bool:
        """Whether it is started and its task lives."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Begin to publish."""
        if self._task is None:
            self._task = asyncio.create_task(self._publish_for_ever(), name="cadenza-market-feed")

    async def flush(self) -> None:
        """Wait until everything queued was handed on. How long that may take is the caller's to bound."""
        await self._all_published.wait()

    async def stop(self) -> None:
        """Stop; what is queued is forgotten."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._queue.clear()
        self._all_published.set()

    def _take(self, event: MarketEvent) -> None:
        for publication in self._encode(event):
            if len(self._queue) >= self._max_queue:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(publication)
            self._all_published.clear()
        self._wake.set()

    async def _publish_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._publish(self._queue.popleft())
            self._all_published.set()

    async def _publish(self, publication: Publication) -> None:
        try:
            await self._publisher.publish(publication.channel, publication.data, tags=publication.tags)
        except Exception:
            # One refused publication must not end the feed: a reader of a book sees the hole.
            self.failed += 1
            if not self._failing:
                self._failing = True
                _logger.exception("a publication failed; further failures are counted until one succeeds")
        else:
            self._failing = False
