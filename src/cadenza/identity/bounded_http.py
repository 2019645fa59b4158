"""uvicorn's HTTP protocol with bounds it does not have: on a request's head, in size and in time.

uvicorn's httptools protocol keeps a header however long it grows, and waits for the rest of a head (or of a body that
nobody reads any more) for ever: a few connections would hold a process's memory, and 512 silent ones its door.

Above: ``server``, ``stack.serving``. Below: ``coalescing``, uvicorn.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cadenza.identity.coalescing import Coalescing

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One connection. The bounds are class attributes, for uvicorn makes the objects.

    Attributes:
        head_limit_bytes: A longer head is answered 431. What came in one read with its beginning is not counted.
        deadline_seconds: A head that is not whole by then, from its first byte or from the connection's beginning on,
            ends the connection; so does the rest of a body whose answer has been sent.
    """

    head_limit_bytes: ClassVar[int] = 64 * 1024
    deadline_seconds: ClassVar[float] = 10.0

    _head_bytes = 0
    _in_head = False
    _in_body = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for a first request, so long."""
        super().connection_made(Coalescing(transport, self.loop))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head."""
        if not self._in_body:
            self._arm()  # uvicorn's keep-alive timer ends at the first byte
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.head_limit_bytes and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head is whole; how long a body may take is the application's to say."""
        self._in_head, self._in_body = False, True
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._in_body = False
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The rest of a body that nobody reads is not waited for without end."""
        super().on_response_complete()
        if self._in_body:
            self._arm()

    def _arm(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.deadline_seconds, self._too_late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        # uvicorn begins with None, whatever its annotation says.
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]
            self._arm()  # the next request's head is late, but an answer is still owed
        else:
            self.transport.close()
