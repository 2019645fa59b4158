"""How a verb's coroutine is run: to its end, with what it left behind, and with the parts it needs."""

from __future__ import annotations

import asyncio

import pytest

from cadenza.cli import loops
from cadenza.errors import ConfigurationError


def test_what_the_work_left_running_is_waited_for() -> None:
    ended: list[str] = []

    async def closes() -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        ended.append("closed")

    async def work() -> str:
        closing.append(asyncio.create_task(closes()))
        return "done"

    closing: list[asyncio.Task[None]] = []
    assert loops.run(work()) == "done"
    assert ended == ["closed"]


def test_what_the_work_left_running_is_waited_for_when_it_fails() -> None:
    ended: list[str] = []

    async def closes() -> None:
        await asyncio.sleep(0)
        ended.append("closed")

    async def work() -> None:
        closing.append(asyncio.create_task(closes()))
        raise ConfigurationError("x")

    closing: list[asyncio.Task[None]] = []
    with pytest.raises(ConfigurationError):
        loops.run(work())
    assert ended == ["closed"]


def test_what_never_ends_is_cancelled_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_GRACE_SECONDS", 0.0)

    async def work() -> str:
        hanging.append(asyncio.create_task(asyncio.Event().wait()))
        return "done"

    hanging: list[asyncio.Task[bool]] = []
    assert loops.run(work()) == "done"
    assert hanging[0].cancelled()


def test_a_missing_library_of_the_server_is_named() -> None:
    def load() -> None:
        raise ModuleNotFoundError("No module named 'picows'", name="picows")

    with pytest.raises(ConfigurationError, match=r"picows is missing.*pip install 'cadenza\[server,cli\]'"):
        loops.server_part(load)


def test_a_missing_part_of_cadenza_itself_is_a_fault_and_no_missing_extra() -> None:
    def load() -> None:
        raise ModuleNotFoundError("No module named 'cadenza.nothing'", name="cadenza.nothing")

    with pytest.raises(ModuleNotFoundError):
        loops.server_part(load)
