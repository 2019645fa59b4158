"""The lock between processes: freed by death, taken over from a holder that hangs, and never two writers (E5)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cadenza.client.auth.session import StoredSession
from cadenza.client.auth.stores import FileSessionStore
from cadenza.client.auth.stores.locks import LEASE_SECONDS, ProcessLock
from cadenza.errors import SessionStoreError

if TYPE_CHECKING:
    from tests.client.conftest import ManualTime

MakeStored = Callable[..., StoredSession]

#: Holds the lock, says so, and when it is told to go on, saves what it had in hand.
HOLDER = textwrap.dedent(
    """
    import asyncio, pathlib, sys
    from cadenza.client.auth.session import Session, StoredSession
    from cadenza.client.auth.stores import FileSessionStore
    from cadenza.errors import SessionStoreError
    async def main():
        store = FileSessionStore(pathlib.Path(sys.argv[1]))
        async with store.lock(5):
            print("held", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            session = Session(access_token="late", refresh_token="late", expires_in=1, expires_at=1)
            try:
                await store.save(StoredSession(ws_url="ws://x", session=session))
                print("saved", flush=True)
            except SessionStoreError as error:
                print(error, flush=True)
    asyncio.run(main())
    """
)


@pytest.fixture
def file(tmp_path: Path) -> FileSessionStore:
    return FileSessionStore(tmp_path / "data" / "session.json")


@asynccontextmanager
async def holder(file: FileSessionStore) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds the lock."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(file.path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(20):
            assert await said(process) == "held"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def test_a_process_killed_while_holding_the_lock_frees_it(file: FileSessionStore) -> None:
    async with holder(file) as process:
        with pytest.raises(SessionStoreError, match=f"process {process.pid}"):
            async with file.lock(0):
                pytest.fail("two holders")
        process.kill()
        await process.wait()
        async with asyncio.timeout(20), file.lock(5):
            pass


async def test_a_holder_that_hangs_is_taken_over_and_cannot_write_when_it_comes_back(
    file: FileSessionStore, make_stored: MakeStored
) -> None:
    """E5: an orphaned lock blocks nobody for ever; E1: who was taken for dead does not write over what came after."""
    hasty = FileSessionStore(file.path, lease_seconds=0.2)
    async with asyncio.timeout(30), holder(file) as process:
        os.kill(process.pid, signal.SIGSTOP)
        async with hasty.lock(20):
            await hasty.save(make_stored(2))
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdin is not None
        process.stdin.write(b"go on\n")
        assert "took over" in await said(process)
        assert await process.wait() == 0
    assert await file.load() == make_stored(2)
    async with file.lock(0):  # what the late one left behind blocks nobody
        pass


async def test_a_lock_that_changes_hands_is_not_taken_over(tmp_path: Path, time: ManualTime) -> None:
    """Others' turns are no hanging: the lease runs for one holder at a time."""
    first, second, waiter = (
        ProcessLock(tmp_path / "lock", location="x", lease_seconds=30, timing=time.timing) for _ in range(3)
    )

    async def wait() -> None:
        async with waiter.acquire(60):
            pass

    async with first.acquire(0):
        waiting = asyncio.create_task(wait())
        await time.advance(29)
    async with second.acquire(0):
        await time.advance(29)
        assert second.still_held
        assert not waiting.done()
    await time.advance(1)
    await waiting


async def test_only_one_of_many_that_wait_takes_the_lock_over(tmp_path: Path, time: ManualTime) -> None:
    inside, most, done = 0, 0, 0

    async def work() -> None:
        nonlocal inside, most, done
        lock = ProcessLock(tmp_path / "lock", location="x", lease_seconds=LEASE_SECONDS, timing=time.timing)
        async with lock.acquire(100):
            inside, most = inside + 1, max(most, inside + 1)
            await time.timing.sleep(1)
            assert lock.still_held
            inside, done = inside - 1, done + 1

    hung = ProcessLock(tmp_path / "lock", location="x", lease_seconds=LEASE_SECONDS, timing=time.timing)
    async with hung.acquire(0):
        waiting = [asyncio.create_task(work()) for _ in range(5)]
        await time.advance(LEASE_SECONDS + 10)
        assert (most, done) == (1, 5)
        assert not hung.still_held
        await asyncio.gather(*waiting)


async def test_a_deadline_before_the_lease_ends_is_an_error_that_names_the_holder(
    tmp_path: Path, time: ManualTime
) -> None:
    holds, waits = (
        ProcessLock(tmp_path / "lock", location="the place", lease_seconds=30, timing=time.timing) for _ in range(2)
    )

    async def wait() -> None:
        async with waits.acquire(10):
            pytest.fail("two holders")

    async with holds.acquire(0):
        waiting = asyncio.create_task(wait())
        await time.advance(11)
        with pytest.raises(SessionStoreError, match=f"process {os.getpid()}") as caught:
            await waiting
    assert caught.value.location == "the place"


async def test_what_a_killed_writer_left_is_removed_under_the_lock(
    file: FileSessionStore, make_stored: MakeStored
) -> None:
    await file.save(make_stored())
    left = file.path.with_name(f".{file.path.name}.0123456789abcdef")
    left.write_text("refresh-9")
    async with file.lock(1):
        assert not left.exists()
    assert await file.load() == make_stored()
