"""A transaction happens whole or not at all, one after the other."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from cadenza.errors import UsageError
from cadenza.identity.records import Records, SessionRow, UserRow
from cadenza.identity.store import Store

ANN = UserRow(
    id="a",
    aud="authenticated",
    role="authenticated",
    email="ann@example.com",
    password_hash="x",
    email_confirmed_at=None,
    confirmation_sent_at=None,
    last_sign_in_at=None,
    app_metadata="{}",
    user_metadata="{}",
    is_anonymous=False,
    created_at=1,
    updated_at=1,
)


@pytest.fixture
async def store(data_dir: Path) -> AsyncIterator[Store]:
    store = Store(data_dir / "identity.db")
    await store.open()
    yield store
    await store.close()


async def test_what_is_written_is_read(store: Store) -> None:
    await store.write(lambda records: records.users.insert(ANN))

    assert await store.read(lambda records: records.users.by_email("ann@example.com")) == ANN
    assert await store.read(lambda records: records.users.by_id("b")) is None


async def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    def fail(records: Records) -> None:
        records.users.insert(ANN)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)

    assert await store.read(lambda records: records.users.by_id("a")) is None
    await store.write(lambda records: records.users.insert(ANN))


async def test_an_address_is_there_once(store: Store) -> None:
    await store.write(lambda records: records.users.insert(ANN))

    with pytest.raises(sqlite3.IntegrityError) as caught:
        await store.write(lambda records: records.users.insert(msgspec.structs.replace(ANN, id="b")))

    assert "ann@" not in str(caught.value)


async def test_a_caller_that_is_cancelled_cuts_no_transaction_in_two(store: Store) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(records: Records) -> None:
        records.users.insert(ANN)
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(leave.wait(), loop).result(10)
        records.users.insert(msgspec.structs.replace(ANN, id="b", email="bob@example.com"))

    async with asyncio.timeout(10):
        writing = asyncio.create_task(store.write(slow))
        await entered.wait()
        writing.cancel()
        leave.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
        both = await store.read(lambda records: [records.users.by_id("a"), records.users.by_id("b")])

    assert all(both)


def named(name: str) -> UserRow:
    return msgspec.structs.replace(ANN, id=name, email=f"{name}@example.com")


def inserting(name: str) -> Callable[[Records], str]:
    def work(records: Records) -> str:
        records.users.insert(named(name))
        return name

    return work


async def at_once(store: Store, *works: Callable[[Records], object]) -> tuple[list[object], list[str]]:
    """Writes that all wait while another is under way: what came of each, and what the database was told."""
    told: list[str] = []
    entered, leave = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Records) -> None:
        assert store._connection is not None
        store._connection.set_trace_callback(told.append)
        loop.call_soon_threadsafe(entered.set)
        assert leave.wait(10)

    async with asyncio.timeout(20):
        holding = asyncio.create_task(store.write(hold))
        await entered.wait()
        writing = [asyncio.create_task(store.write(work)) for work in works]
        await asyncio.sleep(0)
        leave.set()
        outcomes: list[object] = list(await asyncio.gather(*writing, return_exceptions=True))
        await holding
    return outcomes, told


async def there_is(store: Store, name: str) -> bool:
    return await store.read(lambda records: records.users.by_id(name)) is not None


async def test_writes_that_wait_together_are_committed_together(store: Store) -> None:
    outcomes, told = await at_once(store, *(inserting(name) for name in "abcde"))

    assert outcomes == ["a", "b", "c", "d", "e"]
    assert told.count("COMMIT") == 2  # that of whoever held them up is one
    assert all([await there_is(store, name) for name in "abcde"])


async def test_of_writes_that_wait_together_one_that_raises_is_undone_alone(store: Store) -> None:
    def fail(records: Records) -> None:
        records.users.insert(named("b"))
        raise LookupError

    def later(records: Records) -> bool:
        records.users.insert(named("c"))
        return records.users.by_id("a") is not None

    outcomes, _ = await at_once(store, inserting("a"), fail, inserting("a"), later)

    assert [type(outcome) for outcome in outcomes] == [str, LookupError, sqlite3.IntegrityError, bool]
    assert outcomes[-1] is True
    assert [await there_is(store, name) for name in "abc"] == [True, False, True]


async def test_of_sessions_that_end_together_only_those_whose_end_stays_are_told(data_dir: Path) -> None:
    told: list[Sequence[str]] = []
    store = Store(data_dir / "identity.db", on_sessions_ended=told.append)
    await store.open()

    def make(records: Records) -> None:
        records.users.insert(ANN)
        for name in ("s", "t", "u"):
            row = SessionRow(id=name, user_id="a", aal="aal1", amr="[]", created_at=1, refreshed_at=None)
            records.sessions.insert(row)

    def fail(records: Records) -> None:
        records.sessions.delete("t")
        raise LookupError

    await store.write(make)
    await at_once(
        store, lambda records: records.sessions.delete("s"), fail, lambda records: records.sessions.delete("u")
    )
    await store.close()

    assert told == [("s", "u")]


async def test_nobody_is_answered_when_what_was_written_together_is_lost(store: Store) -> None:
    def roll_back(records: Records) -> None:
        assert store._connection is not None
        store._connection.execute("ROLLBACK")  # as SQLite itself does when the disk is full
        raise sqlite3.OperationalError("disk full")

    outcomes, _ = await at_once(store, inserting("a"), roll_back, inserting("b"))

    assert [type(outcome) for outcome in outcomes] == [sqlite3.OperationalError] * 3
    assert not await there_is(store, "a")
    await store.write(inserting("a"))


async def test_data_outlives_the_store(data_dir: Path) -> None:
    for expected in (None, ANN):
        store = Store(data_dir / "identity.db")
        await store.open()
        assert await store.read(lambda records: records.users.by_id("a")) == expected
        if expected is None:
            await store.write(lambda records: records.users.insert(ANN))
        await store.close()


async def test_a_closed_store_says_so(data_dir: Path) -> None:
    store = Store(data_dir / "identity.db")
    with pytest.raises(UsageError):
        await store.read(lambda records: records.users.by_id("a"))
    await store.close()


async def test_sessions_and_their_tokens_go_with_the_user(store: Store, data_dir: Path) -> None:
    def make(records: Records) -> None:
        records.users.insert(ANN)
        session = SessionRow(id="s", user_id="a", aal="aal1", amr="[]", created_at=1, refreshed_at=None)
        records.sessions.insert(session)
        records.refresh_tokens.add(session_id="s", seed=b"seed", digest=b"digest", parent_id=None, at=1)

    await store.write(make)
    await store.write(lambda records: records.sessions.delete_of("a"))

    assert await store.read(lambda records: records.refresh_tokens.by_digest(b"digest")) is None


def test_rows_show_ids_only() -> None:
    assert repr(ANN) == "<UserRow a>"
    assert dataclasses.is_dataclass(ANN) is False
