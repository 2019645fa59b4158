"""Publishes over Centrifugo's server API: in order, in batches, from a bounded queue, so that no venue ever waits.

Above: ``feed``, through ``ports.Publisher``. Below: ``protocol.api``, httpx. The embedded stack publishes directly.
Source: Centrifugo v6, "Server API walkthrough"; recorded in ``api_methods`` and ``api_errors``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

import httpx
import msgspec

from cadenza.backend.api_keys import ApiKeys
from cadenza.protocol import api
from cadenza.protocol.codes import ErrorCode, ReplyError

_logger = logging.getLogger("cadenza.backend")

_JSON = {"Content-Type": "application/json"}
_OK, _NOT_FOUND, _TOO_MANY_REQUESTS, _SERVER_ERROR = 200, 404, 429, 500


class _Reply(msgspec.Struct, frozen=True):
    """One command's answer, as far as it matters: whether it was refused."""

    error: ReplyError | None = None


class _Answer(_Reply, frozen=True):
    """The answer to ``publish``, or to ``batch``, whose replies have no ``result`` around them (seen)."""

    replies: tuple[_Reply, ...] = ()


class _Refused(Exception):  # noqa: N818 - a verdict between two methods, not an error anyone else sees
    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.temporary = temporary


_answers = msgspec.json.Decoder(_Answer)


class ApiPublisher:
    """A publisher at the other end of a network.

    ``publish`` queues and returns; one task sends, in order, at least once (a request whose answer was lost is sent
    again). When the queue is full the oldest publication goes, and when a batch still fails after its last attempt the
    batch goes: the newest state is worth most, and readers of books see the hole in ``seq`` and ask again.

    Args:
        url: The server API's root, ``http://127.0.0.1:8000/api``.
        keys: Of the same.
        client: Who speaks HTTP. Left open by ``stop``.
        max_queue: Publications waiting at most.
        max_batch: Publications in one request at most.
        attempts: How often a batch is sent before it is given up.
        backoff_seconds: The first pause between attempts; each later one is twice as long.
        timeout_seconds: How long one request may take.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        url: str,
        keys: ApiKeys,
        client: httpx.AsyncClient,
        *,
        max_queue: int = 10_000,
        max_batch: int = 200,
        attempts: int = 5,
        backoff_seconds: float = 0.05,
        timeout_seconds: float = 5.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._keys = keys
        self._client = client
        self._queue: deque[bytes] = deque()
        self._max_queue = max_queue
        self._max_batch = max_batch
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep
        self._wake = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._task: asyncio.Task[None] | None = None
        self._batches = True
        self._sending = 0
        self.published = 0
        self.dropped = 0
        self.failed = 0
        self.last_error = ""

    @property
    def healthy(self) -> bool:
        """Whether the last request succeeded (or none was made yet)."""
        return not self.last_error

    async def publish(self, channel: str, data: bytes, *, tags: Mapping[str, str] | None = None) -> None:
        """Queue one publication; ``data`` is JSON and goes out as it stands."""
        if len(self._queue) >= self._max_queue:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(
            api.encode(api.PublishRequest(channel=channel, data=msgspec.Raw(data), tags=dict(tags or {})))
        )
        self._all_sent.clear()
        self._wake.set()

    async def flush(self) -> None:
        """Wait until everything queued was sent, or given up. How long that may take is the caller's to bound."""
        await self._all_sent.wait()

    @property
    def waiting(self) -> int:
        """Publications that have not been sent yet."""
        return len(self._queue) + self._sending

    async def start(self) -> None:
        """Begin to send."""
        if self._task is None:
            self._task = asyncio.create_task(self._send_for_ever(), name="cadenza-api-publisher")

    async def stop(self) -> None:
        """Stop sending; what is still queued is forgotten, as nobody could tell whether it arrived."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._queue.clear()
        self._sending = 0
        self._all_sent.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def _send_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                size = self._max_batch if self._batches else 1
                batch = [self._queue.popleft() for _ in range(min(size, len(self._queue)))]
                self._sending = len(batch)
                await self._send_with_retries(batch)
                self._sending = 0
            self._all_sent.set()

    async def _send_with_retries(self, batch: list[bytes]) -> None:
        for attempt in range(1, self._attempts + 1):
            try:
                refused = await self._send(batch)
            except _Refused as refusal:
                self._note_failure(str(refusal))
                if not refusal.temporary or attempt == self._attempts:
                    break
                await self._sleep(self._backoff_seconds * 2 ** (attempt - 1))
            else:
                self._note_success(len(batch), refused)
                return
        self.failed += len(batch)

    async def _send(self, batch: list[bytes]) -> int:
        """Send a batch; returns how many of it the gateway refused for good."""
        if len(batch) == 1:
            return await self._post("publish", batch[0])
        try:
            return await self._post("batch", b'{"commands":[{"publish":%b}]}' % b'},{"publish":'.join(batch))
        except _NoBatchesError:
            self._batches = False
            return sum([await self._post("publish", publication) for publication in batch])

    async def _post(self, method: str, body: bytes) -> int:
        try:
            answer = await self._client.post(
                f"{self._url}/{method}", content=body, headers=_JSON, auth=self._keys, timeout=self._timeout_seconds
            )
        except httpx.TransportError as error:
            raise _Refused(type(error).__name__, temporary=True) from None
        status = answer.status_code
        if status == _NOT_FOUND and method == "batch":
            raise _NoBatchesError
        if status != _OK:
            raise _Refused(f"HTTP status {status}", temporary=status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR)
        return self._refusals(answer.content)

    def _refusals(self, body: bytes) -> int:
        try:
            answer = _answers.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _Refused("an answer that is not Centrifugo's", temporary=False) from None
        if answer.error is not None and answer.error.code == ErrorCode.INTERNAL:
            raise _Refused(f"error {answer.error.code}", temporary=True)
        errors = [reply.error for reply in (answer, *answer.replies) if reply.error is not None]
        if errors:
            self._note_failure(f"error {errors[0].code}")
        return len(errors)

    def _note_success(self, sent: int, refused: int) -> None:
        self.published += sent - refused
        self.failed += refused
        if not refused and self.last_error:
            self.last_error = ""
            _logger.info("publishing works again")

    def _note_failure(self, reason: str) -> None:
        """Log when the reason changes, not for each of many publications."""
        if reason != self.last_error:
            self.last_error = reason
            _logger.warning("publishing failed: %s", reason)


class _NoBatchesError(Exception):
    """The gateway has no ``batch``; publications go one by one."""
