"""The folder of a running gateway: private, held by one at a time; a reload is answered only where there was one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenza.errors import ConfigurationError
from cadenza.stack.run_folder import RunFolder, ask_reload


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    with contextlib.closing(RunFolder(tmp_path / "run")) as held:
        yield held


async def no_sleep(_: float) -> None:
    """Let no time pass."""


@pytest.mark.parametrize("taken", [True, False])
async def test_a_reload_is_answered_by_what_the_log_told_after_the_signal(folder: RunFolder, *, taken: bool) -> None:
    folder.told_of_reload(taken=not taken)
    sent: list[tuple[int, signal.Signals]] = []

    def send(pid: int, number: signal.Signals) -> None:
        sent.append((pid, number))
        folder.told_of_reload(taken=taken)

    assert await ask_reload(folder.path, send=send, sleep=no_sleep) is taken
    assert sent == [(os.getpid(), signal.SIGHUP)]


async def test_a_log_that_says_nothing_is_no_answer(folder: RunFolder) -> None:
    assert await ask_reload(folder.path, send=lambda _pid, _number: None, sleep=no_sleep) is None


async def test_nobody_is_sent_a_signal_when_nobody_runs(folder: RunFolder) -> None:
    def send(pid: int, number: signal.Signals) -> None:
        raise AssertionError(f"{number} was sent to {pid}")

    state = (folder.path / "gateway.json").read_text()
    folder.close()
    with pytest.raises(ConfigurationError, match="No gateway runs"):
        await ask_reload(folder.path, send=send, sleep=no_sleep)
    (folder.path / "gateway.json").write_text(state)
    with pytest.raises(ConfigurationError, match="No gateway runs"):
        await ask_reload(folder.path, send=send, sleep=no_sleep)
    with pytest.raises(ConfigurationError, match="No gateway runs"):
        await ask_reload(folder.path / "nowhere", send=send, sleep=no_sleep)


def test_a_process_that_was_left_behind_is_named_while_it_lives(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE) as left:
        (tmp_path / "gateway.json").write_text(f'{{"pid": 1, "childPid": {left.pid}}}')
        for _ in range(2):  # also to the next one, when this one could not start
            with contextlib.closing(RunFolder(tmp_path)) as folder:
                assert folder.left_over == left.pid
        left.communicate(b"\n")
    with contextlib.closing(RunFolder(tmp_path)) as folder:
        assert folder.left_over is None
    assert not (tmp_path / "gateway.json").exists()


@pytest.mark.parametrize("state", ["", "[]", '{"pid": "x"}'])
def test_a_damaged_state_is_none(tmp_path: Path, state: str) -> None:
    (tmp_path / "gateway.json").write_text(state)
    with contextlib.closing(RunFolder(tmp_path)) as folder:
        assert folder.left_over is None


def test_it_is_private_and_held_by_one(folder: RunFolder) -> None:
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "gateway.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match=r"runs from .* already"):
        RunFolder(folder.path)


def test_a_state_that_cannot_be_written_does_not_stop_the_gateway(folder: RunFolder) -> None:
    (folder.path / "gateway.json").unlink()
    (folder.path / "gateway.json").mkdir()  # as good as a full disk, and the same for every user
    folder.write(restarts=1)
    (folder.path / "gateway.json").rmdir()


def test_a_file_in_its_place_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used: File exists"):
        RunFolder(tmp_path / "run")
