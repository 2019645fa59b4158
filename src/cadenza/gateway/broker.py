"""Channel streams in memory: offsets, epochs, bounded history, idempotency keys.

Above: ``node``. Below: ``ports``, ``protocol.client``. Everything happens in one step of one event loop, so a
subscription's position and the publications after it can never miss or repeat one.

A stream's ``epoch`` says which life of the stream an offset belongs to: a client that comes back with another epoch
cannot recover. Old publications go after ``history_ttl_seconds`` without a new one; the position itself stays for
``meta_ttl_seconds``, so a silent channel is still recoverable "at top".
"""

from __future__ import annotations

import itertools
import string
from collections import OrderedDict, deque
from collections.abc import Callable

import msgspec

from cadenza.gateway.ports import History, Placed, PublishOptions, PublishResult
from cadenza.protocol.client import Publication

__all__ = ["MemoryBroker"]

_EPOCH_LENGTH = 8
_IDEMPOTENCY_TTL_SECONDS = 300.0
_IDEMPOTENCY_LIMIT = 100_000


class _Stream:
    """One channel's publications and where they stand."""

    __slots__ = ("epoch", "expires_at", "forgotten_at", "publications", "top")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.top = 0
        self.publications: deque[Publication] = deque()
        self.expires_at = float("inf")
        self.forgotten_at = float("inf")

    def add(self, publication: Publication, size: int) -> Publication:
        self.top += 1
        epoch = self.epoch if self.top == 1 else ""
        placed = msgspec.structs.replace(publication, offset=self.top, epoch=epoch)
        self.publications.append(placed)
        while len(self.publications) > size:
            self.publications.popleft()
        return placed

    def since(self, offset: int, limit: int) -> list[Publication]:
        if not self.publications or offset >= self.top:
            return []
        first = self.publications[0].offset
        skipped = max(0, offset + 1 - first)
        return list(itertools.islice(self.publications, skipped, skipped + limit))


class MemoryBroker:
    """The broker of one process.

    Args:
        clock: Seconds since the epoch.
        choice: Picks one letter of a string; ``random.Random.choice`` of a seeded or system source.
        meta_ttl_seconds: How long a stream nobody touches keeps its position.
    """

    def __init__(
        self, *, clock: Callable[[], float], choice: Callable[[str], str], meta_ttl_seconds: float = 30 * 24 * 3600.0
    ) -> None:
        self._clock = clock
        self._choice = choice
        self._meta_ttl_seconds = meta_ttl_seconds
        self._streams: dict[str, _Stream] = {}
        self._results: OrderedDict[tuple[str, str], tuple[float, PublishResult]] = OrderedDict()

    def place(self, channel: str, publication: Publication, options: PublishOptions, /) -> Placed:
        """Give the publication its place; without history it has none."""
        key = (channel, options.idempotency_key)
        if options.idempotency_key and (known := self._results.get(key)) and known[0] > self._clock():
            return Placed(result=known[1], publication=publication, is_repeat=True)
        result = PublishResult()
        if options.history_size > 0 and options.history_ttl_seconds > 0:
            stream = self._touch(channel)
            publication = stream.add(publication, options.history_size)
            stream.expires_at = self._clock() + options.history_ttl_seconds
            result = PublishResult(offset=stream.top, epoch=stream.epoch)
        if options.idempotency_key:
            self._remember(key, result)
        return Placed(result=result, publication=publication)

    def top(self, channel: str, /) -> History:
        """Give the stream's position, opening the stream if there is none."""
        stream = self._touch(channel)
        return History(offset=stream.top, epoch=stream.epoch)

    def since(self, channel: str, offset: int, /, *, limit: int) -> History:
        """Give at most ``limit`` publications after ``offset``."""
        stream = self._touch(channel)
        return History(offset=stream.top, epoch=stream.epoch, publications=stream.since(offset, limit))

    def sweep(self) -> None:
        """Drop expired publications, forgotten streams and old idempotency keys."""
        now = self._clock()
        for stream in self._streams.values():
            if stream.expires_at <= now:
                stream.publications.clear()
        for channel in [c for c, stream in self._streams.items() if stream.forgotten_at <= now]:
            del self._streams[channel]
        while self._results and next(iter(self._results.values()))[0] <= now:
            self._results.popitem(last=False)

    def _touch(self, channel: str) -> _Stream:
        now = self._clock()
        stream = self._streams.get(channel)
        if stream is None or stream.forgotten_at <= now:
            stream = self._streams[channel] = _Stream(self._new_epoch())
        elif stream.expires_at <= now:
            stream.publications.clear()
        stream.forgotten_at = now + self._meta_ttl_seconds
        return stream

    def _remember(self, key: tuple[str, str], result: PublishResult) -> None:
        self._results[key] = (self._clock() + _IDEMPOTENCY_TTL_SECONDS, result)
        self._results.move_to_end(key)
        while len(self._results) > _IDEMPOTENCY_LIMIT:
            self._results.popitem(last=False)

    def _new_epoch(self) -> str:
        return "".join(self._choice(string.ascii_letters) for _ in range(_EPOCH_LENGTH))
