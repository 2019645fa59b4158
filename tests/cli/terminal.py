"""A person at a terminal: the real program in a pseudo-terminal, what it shows, and what is typed."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

DEADLINE_SECONDS = 30.0


class Terminal:
    """Runs a command in a session and terminal of its own, as a shell does."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self._mine, theirs = pty.openpty()
        self._seen = b""
        self._after = 0
        self.process = subprocess.Popen(  # the program under test
            argv, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE_SECONDS)
        os.close(self._mine)

    @property
    def seen(self) -> str:
        """All that was on the screen, with what was typed and echoed."""
        return self._seen.decode(errors="replace").replace("\r\n", "\n")

    def expect(self, text: str) -> str:
        """Read on until that is shown; return what was shown since the last time, up to its end."""
        wanted = text.encode()
        ends_at = time.monotonic() + DEADLINE_SECONDS
        while (at := self._seen.find(wanted, self._after)) < 0:
            assert self._read(ends_at - time.monotonic()), f"{text!r} was not shown, but: {self.seen}"
        start, self._after = self._after, at + len(wanted)
        return self._seen[start : self._after].decode(errors="replace").replace("\r\n", "\n")

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        os.write(self._mine, line.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end_of_input(self) -> None:
        """Press Ctrl-D."""
        os.write(self._mine, b"\x04")

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown, as before a command was run."""
        return bool(termios.tcgetattr(self._mine)[3] & termios.ECHO)

    def end(self) -> int:
        """Read to the end; return the exit code."""
        ends_at = time.monotonic() + DEADLINE_SECONDS
        while self._read(ends_at - time.monotonic()):
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def _read(self, seconds: float) -> bool:
        """Read what there is; False at the end. It is an error to come to no end."""
        ready, _, _ = select.select([self._mine], [], [], max(0.0, seconds))
        assert ready, f"nothing more is shown after: {self.seen}"
        with contextlib.suppress(OSError):  # Linux's word for: nobody has it open any more
            if read := os.read(self._mine, 4096):
                self._seen += read
                return True
        return False
