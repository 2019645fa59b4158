"""Reads stdin line by line without holding up the event loop, so that Ctrl-C ends a question at once.

Above: ``cli.prompts``. Below: asyncio, termios. A blocking read would sit out the first Ctrl-C, and nothing else could
go on beside a question: a browser that comes back while an address may be pasted.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Final

from cadenza.errors import ConfigurationError

__all__ = ["Lines", "is_terminal", "without_echo"]

#: More than any token, code or address; a terminal gives 4096 bytes a line at most.
_LONGEST: Final = 64 * 1024


class Lines:
    """The lines of stdin, whatever it is: a terminal, a pipe, a file."""

    def __init__(self) -> None:
        self._buffer = b""
        self._ended = False

    async def next(self) -> str | None:
        """The next line without its end; only that is cut, for a password may end with a blank. None: there is none.

        Raises:
            ConfigurationError: It is no text in UTF-8, or endless.
        """
        try:
            return await self._next()
        except UnicodeDecodeError:
            # Without its cause, which quotes what was read.
            raise ConfigurationError(
                "Standard input is not text in UTF-8.", setting="-", next_step="Check what is piped in."
            ) from None

    async def _next(self) -> str | None:
        descriptor = _descriptor()
        if descriptor is None:
            return _without_end(sys.stdin.readline(_LONGEST))
        while b"\n" not in self._buffer and not self._ended:
            await _readable(descriptor)
            read = _read(descriptor)
            if read is None:
                continue
            self._buffer += read
            self._ended = not read
            if len(self._buffer) > _LONGEST and b"\n" not in self._buffer:
                raise ConfigurationError("A line of standard input is too long.", setting="-", next_step="Send less.")
        line, newline, self._buffer = self._buffer.partition(b"\n")
        # At a terminal somebody may go on after Ctrl-D.
        self._ended = self._ended and not is_terminal()
        return _without_end((line + newline).decode())


def is_terminal() -> bool:
    """Whether somebody sits there: what is asked goes to stderr, so both must be a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextlib.contextmanager
def without_echo() -> Iterator[None]:
    """Have the terminal not show what is typed. Ctrl-C and every other way out turn that on again."""
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    hidden = [*before]
    hidden[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _descriptor() -> int | None:
    try:
        return sys.stdin.fileno()
    except (AttributeError, io.UnsupportedOperation, ValueError):
        return None  # a program has put something of its own in the place of stdin


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except (PermissionError, OSError):
        return  # a file: it never makes anybody wait
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _read(descriptor: int) -> bytes | None:
    """What there is, nothing at the end; None where another program has taken it."""
    try:
        return os.read(descriptor, _LONGEST)
    except BlockingIOError:
        return None
    except OSError:  # the terminal is gone
        return b""


def _without_end(line: str) -> str | None:
    return line.rstrip("\r\n") if line else None
