"""A transaction happens whole or not at all, one after the other."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from cadenza.errors import UsageError
from cadenza.identity.records import Records, UserRow
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
    from cadenza.identity.records import SessionRow

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
