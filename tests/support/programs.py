"""Start a program as a child, wait until it answers, stop it; shared by every out-of-process stack of the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: How long a child may take to answer, or to end after SIGTERM.
DEADLINE_SECONDS = 20.0
_POLL_SECONDS = 0.01


def free_port() -> int:
    """Return a TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A child process with its log in a file; the log's tail is part of every failure.

    Args:
        command: The program and its words. No secret belongs here: the process list shows it.
        environment: The child's whole environment.
        log: Where its output goes.
        stop_signal: What ends it cleanly.
        options: Further options of ``subprocess.Popen`` (user, group ...).
    """

    def __init__(
        self,
        command: list[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        **options: Any,
    ) -> None:
        self.name = Path(command[0]).name
        self._log = log
        self._stop_signal = stop_signal
        with log.open("wb") as output:
            self.process = subprocess.Popen(  # the tests' own command
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until ``ready`` says so; a child that ended, or a silent one, is an error with its log."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > end:
                self.stop()
                raise TimeoutError(f"{self.name} did not answer in {DEADLINE_SECONDS} s:\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def wait_for_http(self, url: str) -> None:
        """Wait until ``url`` answers 200."""

        def answers() -> bool:
            with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=1) as reply:  # noqa: S310
                return bool(reply.status == 200)
            return False

        self.wait_until(answers)

    def stop(self) -> None:
        """End the child; one that does not end in time is killed, and that is an error."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(self._stop_signal)
        try:
            self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(DEADLINE_SECONDS)
            raise TimeoutError(f"{self.name} had to be killed:\n{self.log_tail()}") from None

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the child's log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
