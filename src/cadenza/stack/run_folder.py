"""The folder of a running gateway: who runs it, so that it can be told to reload.

Above: ``stack.centrifugo_run``, ``cli.gateway_run``. Below: ``stack.folder``, the system. A lock that the system gives
back with its holder says whether anybody runs; a number of a process that is left over is never sent a signal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import filelock
import msgspec

from cadenza.errors import ConfigurationError
from cadenza.stack.folder import write_private

__all__ = ["RunFolder", "RunState", "ask_reload"]

_LOCK: Final = "gateway.lock"
_STATE: Final = "gateway.json"
_CONFIG: Final = "centrifugo.json"
_PRIVATE: Final = 0o700
_OPTION: Final = "--run-dir"
_POLL_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 5.0


class RunState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the folder says.

    Attributes:
        pid: Of ``cadenza gateway run``.
        child_pid: Of its Centrifugo; None between two runs of it.
        restarts: How often that was started again.
        reloads: How many reloads its log has told of.
        reload_taken: Whether it took the last of them.
    """

    pid: int
    child_pid: int | None = None
    restarts: int = 0
    reloads: int = 0
    reload_taken: bool | None = None


class RunFolder:
    """The folder, held until ``close``.

    Raises:
        ConfigurationError: It cannot be used, or another gateway runs from it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = filelock.FileLock(path / _LOCK, timeout=0)
        try:
            path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            path.chmod(_PRIVATE)
            self._lock.acquire()
        except filelock.Timeout:
            raise ConfigurationError(
                f"A gateway runs from {path} already.",
                setting=_OPTION,
                next_step=f"Stop that one, or give this one a folder of its own with {_OPTION}.",
            ) from None
        except OSError as refused:
            raise ConfigurationError(
                f"The folder {path} cannot be used: {refused.strerror}.",
                setting=_OPTION,
                next_step=f"Choose another with {_OPTION}.",
            ) from None
        self.left_over = _child_of(_read(path))
        self._state = RunState(pid=os.getpid(), child_pid=self.left_over)
        self.write()

    @property
    def config_file(self) -> Path:
        """Where a configuration made of the environment is written."""
        return self.path / _CONFIG

    def write(self, **changes: int | bool | None) -> None:
        """Write how it stands; where that fails the gateway goes on, and `reload` is not told how it ended."""
        self._state = msgspec.structs.replace(self._state, **changes)
        with contextlib.suppress(OSError):
            write_private(self.path / _STATE, msgspec.json.encode(self._state).decode() + "\n")

    def told_of_reload(self, *, taken: bool) -> None:
        """Write that the program's log has told of a reload."""
        self.write(reloads=self._state.reloads + 1, reload_taken=taken)

    def close(self) -> None:
        """Let another one run from the folder. One that was left behind is still to be named to that."""
        if self._state.child_pid is None or self._state.child_pid != self.left_over:
            with contextlib.suppress(OSError):
                (self.path / _STATE).unlink(missing_ok=True)
        self._lock.release()


async def ask_reload(
    path: Path,
    *,
    send: Callable[[int, signal.Signals], None] = os.kill,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> bool | None:
    """Have the gateway that runs from a folder reload; return whether it took it, None where its log does not say.

    Raises:
        ConfigurationError: None runs from it.
    """
    before = _read(path)
    if before is None or not _is_held(path):
        raise ConfigurationError(
            f"No gateway runs from {path}.",
            setting=_OPTION,
            next_step=f"Start it with cadenza gateway run, or name its folder with {_OPTION}; one that was started in "
            "another way is sent SIGHUP itself.",
        )
    send(before.pid, signal.SIGHUP)
    for _ in range(round(_ANSWER_SECONDS / _POLL_SECONDS)):
        await sleep(_POLL_SECONDS)
        now = _read(path)
        if now is not None and now.reloads > before.reloads:
            return now.reload_taken
    return None


def _read(path: Path) -> RunState | None:
    try:
        return msgspec.json.decode((path / _STATE).read_bytes(), type=RunState)
    except (OSError, msgspec.DecodeError):
        return None


def _child_of(state: RunState | None) -> int | None:
    """The Centrifugo that a run which did not end in order has left behind, if a process of that number is there."""
    if state is None or state.child_pid is None:
        return None
    try:
        os.kill(state.child_pid, 0)
    except OSError:
        return None
    return state.child_pid


def _is_held(path: Path) -> bool:
    lock = filelock.FileLock(path / _LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False
