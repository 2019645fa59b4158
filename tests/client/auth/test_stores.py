"""Session stores: what is saved is found again, by its owner only, and survives a crash."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from cadenza.client.auth.session import STORE_VERSION, Session, StoredSession
from cadenza.client.auth.stores import (
    EnvironmentSessionStore,
    FileSessionStore,
    KeyringSessionStore,
    MemorySessionStore,
    SessionStore,
    probe,
)
from cadenza.client.settings import SessionVariables
from cadenza.errors import SessionStoreError

if TYPE_CHECKING:
    from tests.client.auth.conftest import FakeKeyring

MakeStored = Callable[..., StoredSession]


@pytest.fixture(params=["memory", "environment", "file", "keyring"])
def store(request: pytest.FixtureRequest, tmp_path: Path, keyring: FakeKeyring) -> SessionStore:
    if request.param == "memory":
        return MemorySessionStore()
    if request.param == "environment":
        return EnvironmentSessionStore(SessionVariables(), ws_url="ws://127.0.0.1:1/", supabase_url=None)
    if request.param == "keyring":
        return KeyringSessionStore("default in /data", lock_path=tmp_path / "data" / "k.lock", find=lambda: keyring)
    return FileSessionStore(tmp_path / "data" / "session.json")


@pytest.fixture
def file(tmp_path: Path) -> FileSessionStore:
    return FileSessionStore(tmp_path / "data" / "session.json")


class TestEveryStore:
    async def test_an_empty_store_has_no_session(self, store: SessionStore) -> None:
        assert await store.load() is None

    async def test_what_was_saved_is_loaded(self, store: SessionStore, make_stored: MakeStored) -> None:
        await store.save(make_stored(1))
        await store.save(make_stored(2))
        assert await store.load() == make_stored(2)

    async def test_a_cleared_store_has_no_session(self, store: SessionStore, make_stored: MakeStored) -> None:
        await store.save(make_stored())
        await store.clear()
        await store.clear()
        assert await store.load() is None

    async def test_trying_it_out_leaves_the_session_and_nothing_else(
        self, store: SessionStore, make_stored: MakeStored, tmp_path: Path, keyring: FakeKeyring
    ) -> None:
        """G4: asked before a sign-in, when the session of the last one may still be there."""
        await probe(store)
        assert await store.load() is None
        await store.save(make_stored())
        await probe(store)
        assert await store.load() == make_stored()
        files = [file for _, _, names in os.walk(tmp_path) for file in names]
        assert len(keyring.entries) + len(files) <= 1

    async def test_no_text_of_the_store_shows_a_token(self, store: SessionStore, make_stored: MakeStored) -> None:
        await store.save(make_stored())
        assert "refresh-1" not in f"{store!r} {store} {store.location} {vars(store)!r}"

    async def test_the_lock_admits_one_at_a_time(self, store: SessionStore) -> None:
        inside, most = 0, 0

        async def work() -> None:
            nonlocal inside, most
            async with store.lock(5):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        async with asyncio.timeout(10):
            await asyncio.gather(*(work() for _ in range(5)))
        assert most == 1

    async def test_a_held_lock_is_an_error_at_the_deadline(self, store: SessionStore) -> None:
        async with store.lock(1):
            with pytest.raises(SessionStoreError) as caught:
                async with store.lock(0):
                    pytest.fail("two holders")
        assert caught.value.location == store.location

    async def test_a_cancelled_wait_leaves_the_lock_free(self, store: SessionStore) -> None:
        async def wait() -> None:
            async with store.lock(60):
                pytest.fail("not reached")

        async with store.lock(1):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with store.lock(0):
            pass


class TestFileStore:
    async def test_file_and_folder_are_the_owners_alone(self, file: FileSessionStore, make_stored: MakeStored) -> None:
        previous = os.umask(0)
        try:
            await file.save(make_stored())
            async with file.lock(1):
                pass
        finally:
            os.umask(previous)
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700

    async def test_two_stores_on_one_file_exclude_each_other(self, file: FileSessionStore) -> None:
        other = FileSessionStore(file.path)
        async with file.lock(1):
            with pytest.raises(SessionStoreError, match="held"):
                async with other.lock(0):
                    pytest.fail("two holders")

    @pytest.mark.parametrize("make", [os.mkdir, lambda path: path.symlink_to("elsewhere")])
    async def test_a_lock_that_cannot_be_had_is_told_before_the_sign_in(
        self, file: FileSessionStore, make: Callable[[Path], None]
    ) -> None:
        """G4: the folder can be written, but the lock of another time, another user's say, cannot be opened."""
        file.path.parent.mkdir()
        make(file.path.with_name("session.json.lock"))
        with pytest.raises(
            SessionStoreError, match=r"could not be kept at .*: its lock .*session\.json\.lock"
        ) as caught:
            await probe(file)
        assert "keyring" in str(caught.value)
        with pytest.raises(SessionStoreError):
            async with file.lock(0):
                pytest.fail("locked all the same")

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
    async def test_a_file_open_to_others_is_refused_with_the_cure(
        self, file: FileSessionStore, make_stored: MakeStored, mode: int
    ) -> None:
        await file.save(make_stored())
        file.path.chmod(mode)
        with pytest.raises(SessionStoreError, match="chmod 600"):
            await file.load()
        file.path.chmod(0o600)
        assert await file.load() == make_stored()

    async def test_a_link_is_refused(self, file: FileSessionStore, make_stored: MakeStored, tmp_path: Path) -> None:
        real = FileSessionStore(tmp_path / "elsewhere.json")
        await real.save(make_stored())
        file.path.parent.mkdir()
        file.path.symlink_to(real.path)
        with pytest.raises(SessionStoreError):
            await file.load()

    @pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
    async def test_something_that_is_no_file_is_refused(
        self, file: FileSessionStore, make: Callable[[Path], None]
    ) -> None:
        file.path.parent.mkdir()
        make(file.path)
        with pytest.raises(SessionStoreError, match="not a regular file"):
            await file.load()

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"not json",
            b"[]",
            b'{"version":1}',
            b'{"version":1,"ws_url":"x","session":{"access_token":"S3CR3T-TOKEN","expires_in":"soon"}}',
            b"\xff\xfe",
            b"[" * 100_000,
            b" " * 300_000,
        ],
    )
    async def test_an_unreadable_file_is_set_aside_whole_and_named_without_its_content(
        self, file: FileSessionStore, content: bytes
    ) -> None:
        file.path.parent.mkdir()
        file.path.write_bytes(content)
        file.path.chmod(0o600)
        with pytest.raises(SessionStoreError, match="set aside") as caught:
            await file.load()
        assert "S3CR3T" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        [aside] = file.path.parent.glob("session.json.unreadable-*Z-*")
        assert caught.value.set_aside == str(aside)
        assert aside.read_bytes() == content
        assert await file.load() is None

    async def test_a_newer_layout_is_left_alone(self, file: FileSessionStore, make_stored: MakeStored) -> None:
        await file.save(msgspec.structs.replace(make_stored(), version=STORE_VERSION + 1))
        with pytest.raises(SessionStoreError, match="newer Cadenza"):
            await file.load()
        assert file.path.exists()

    async def test_a_folder_that_cannot_be_made_is_a_typed_error(self, tmp_path: Path, make_stored: MakeStored) -> None:
        (tmp_path / "data").write_text("a file where the folder should be")
        store = FileSessionStore(tmp_path / "data" / "session.json")
        with pytest.raises(SessionStoreError) as caught:
            await store.save(make_stored())
        assert caught.value.location == str(tmp_path / "data" / "session.json")
        with pytest.raises(SessionStoreError):
            async with store.lock(0):
                pytest.fail("locked")

    async def test_a_failed_write_leaves_the_old_session_and_no_litter(
        self, file: FileSessionStore, make_stored: MakeStored, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await file.save(make_stored(1))

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(SessionStoreError, match="No space left"):
            await file.save(make_stored(2))
        assert await file.load() == make_stored(1)
        assert [path.name for path in file.path.parent.iterdir()] == ["session.json"]


def test_no_text_of_a_session_shows_a_token(make_stored: MakeStored) -> None:
    stored = make_stored()
    for shown in (repr(stored), str(stored), repr(stored.session), f"{stored.session}"):
        assert "access-1" not in shown
        assert "refresh-1" not in shown
        assert "ann@example.com" not in shown


def test_a_session_of_a_bare_token_cannot_be_refreshed() -> None:
    assert Session.from_access_token("a.b.c").refresh_token == ""
