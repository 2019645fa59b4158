"""A transport that writes an answer's head and body at once.

uvicorn writes them one after another, and each write is a system call that wakes the other side: half of what a small
answer costs.

Above: ``bounded_http``. Below: asyncio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any  # asyncio's own types


class Coalescing(asyncio.Transport):
    """Holds one write back until the next one, or until the event loop has run whatever is ready.

    Args:
        transport: Where to.
        loop: Its event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | bytearray | memoryview | None = None
        self._flushing: asyncio.Handle | None = None
        # What is asked for at each request goes straight through.
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, with what was held back before it."""
        if self._held is None:
            self._held = data
            self._flushing = self._loop.call_soon(self._flush)
            return
        self._transport.write(b"".join((self._take(), data)))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write several."""
        self.write(b"".join(list_of_data))

    def _take(self) -> bytes | bytearray | memoryview:
        held, self._held = self._held, None
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        return b"" if held is None else held

    def _flush(self) -> None:
        if self._held is not None:
            self._transport.write(self._take())

    def close(self) -> None:
        """Write what is held back, then close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what is held back is lost like the rest."""
        self._take()
        self._transport.abort()

    def write_eof(self) -> None:
        """Write what is held back, then say that no more comes."""
        self._flush()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """As the transport can."""
        return self._transport.can_write_eof()

    def get_write_buffer_size(self) -> int:
        """What is not written yet."""
        return self._transport.get_write_buffer_size() + len(self._held or b"")

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """As the transport has them."""
        return self._transport.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When the protocol is told to pause."""
        self._transport.set_write_buffer_limits(high, low)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who reads."""
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another read."""
        self._transport.set_protocol(protocol)

    def is_reading(self) -> bool:
        """Whether anything is read now."""
        return self._transport.is_reading()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what this kind of transport has beside asyncio's
        return getattr(self._transport, name)
