"""One run of a program: what it says is handed on as it comes, and its last words are kept.

Above: ``supervisor``. Below: the system.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cadenza.errors import ProcessError

__all__ = ["Child"]

_CHUNK_BYTES: Final = 65_536
_LONGEST_LINE_BYTES: Final = 65_536
_LAST_LINES: Final = 20
_WORST: Final = frozenset({"fatal", "panic", "error"})


class Child:
    """A running program; made by ``start``.

    It is in a session of its own: a signal from the terminal comes to it through its parent alone.
    """

    def __init__(self, process: asyncio.subprocess.Process, pump: asyncio.Task[None], last: deque[str]) -> None:
        self._process = process
        self._pump = pump
        self._last = last

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Callable[[bytes], None],
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> Child:
        """Start a program.

        Args:
            command: The program and its words; every user of the machine can read them.
            environment: Its whole environment.
            output: Is given what it writes. It may block: the program then waits, and nothing else.
            on_line: Is given each line of it.

        Raises:
            ProcessError: It cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as refused:
            raise ProcessError(f"{command[0]} cannot be started: {refused.strerror}.", program=command[0]) from None
        assert process.stdout is not None  # noqa: S101  # asked for above
        last: deque[str] = deque(maxlen=_LAST_LINES)
        lines = _Lines(last, on_line)
        pump = asyncio.create_task(_hand_on(process.stdout, output, lines), name="cadenza.centrifugo.output")
        return cls(process, pump, last)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Wait for its end and for its last word; return its status, negative for a signal."""
        status = await self._process.wait()
        # A waiter that is cancelled does not take the program's voice away.
        await asyncio.shield(self._pump)
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended is left alone."""
        if not self.has_ended:
            self._process.send_signal(number)

    def last_word(self) -> str:
        """Return why it ended, as well as its log tells: the last error, else the last line."""
        for line in reversed(self._last):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("level") in _WORST:
                return ": ".join(str(entry[name]) for name in ("message", "error") if entry.get(name))
        return self._last[-1] if self._last else ""


class _Lines:
    """Cuts what comes in pieces into lines; of a line without end only the beginning is kept."""

    def __init__(self, last: deque[str], on_line: Callable[[str], None]) -> None:
        self._last = last
        self._on_line = on_line
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[:_LONGEST_LINE_BYTES]
        for line in whole:
            self._take(line)

    def end(self) -> None:
        if self._rest:
            self._take(self._rest)

    def _take(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()
        if text:
            self._last.append(text)
            self._on_line(text)


async def _hand_on(source: asyncio.StreamReader, output: Callable[[bytes], None], lines: _Lines) -> None:
    while chunk := await source.read(_CHUNK_BYTES):
        lines.feed(chunk)
        # On a thread: whoever reads our output may be slow, and signals are still to be served. A log that cannot be
        # written (a full disk, a reader that is gone) is lost; the program goes on.
        with contextlib.suppress(OSError, ValueError):
            await asyncio.to_thread(output, chunk)
    lines.end()
