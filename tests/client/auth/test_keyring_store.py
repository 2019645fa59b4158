"""The system's keyring as a store: what a headless machine, a locked keyring and a damaged entry lead to (G4)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import keyring as keyring_package
import keyring.backends.fail
import keyring.backends.null
import pytest

from cadenza.client.auth.session import StoredSession
from cadenza.client.auth.stores import KeyringSessionStore
from cadenza.client.auth.stores.os_keyring import SERVICE, Keyring
from cadenza.errors import SessionStoreError

if TYPE_CHECKING:
    from tests.client.auth.conftest import FakeKeyring

MakeStored = Callable[..., StoredSession]
ACCOUNT = "default in /data"


@pytest.fixture
def store(tmp_path: Path, keyring: FakeKeyring) -> KeyringSessionStore:
    return KeyringSessionStore(ACCOUNT, lock_path=tmp_path / "data" / "k.lock", find=lambda: keyring)


@pytest.mark.parametrize("backend", [keyring.backends.fail.Keyring, keyring.backends.null.Keyring])
async def test_a_machine_without_a_keyring_is_told_before_the_sign_in_and_offered_the_other_places(
    backend: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G4: the session is not lost after a sign-in that seemed to succeed, and not kept elsewhere in silence."""
    monkeypatch.setattr(keyring_package, "get_keyring", backend)
    store = KeyringSessionStore(ACCOUNT, lock_path=tmp_path / "k.lock")
    with pytest.raises(SessionStoreError) as caught:
        await store.probe()
    for other in ("CADENZA_SESSION_STORE=file", "memory", "CADENZA_REFRESH_TOKEN"):
        assert other in str(caught.value)
    assert "Unlock" not in str(caught.value)
    assert not any(os.scandir(tmp_path))


async def test_a_keyring_that_keeps_nothing_is_noticed(store: KeyringSessionStore, keyring: FakeKeyring) -> None:
    keyring.forgets = True
    with pytest.raises(SessionStoreError, match="not what is read"):
        await store.probe()


async def test_a_fault_is_told_by_its_type_alone(
    store: KeyringSessionStore, keyring: FakeKeyring, make_stored: MakeStored
) -> None:
    keyring.fault = RuntimeError("could not store refresh-1")
    with pytest.raises(SessionStoreError) as caught:
        await store.save(make_stored())
    assert "RuntimeError" in str(caught.value)
    assert "refresh-1" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


async def test_a_keyring_that_waits_for_a_person_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    unlocked = threading.Event()

    def locked() -> Keyring:
        unlocked.wait(20)
        raise AssertionError

    store = KeyringSessionStore(ACCOUNT, lock_path=tmp_path / "k.lock", find=locked, deadline_seconds=0.01)
    with pytest.raises(SessionStoreError, match="is it locked"):
        await store.load()
    unlocked.set()


@pytest.mark.parametrize("text", ["", "S3CR3T-TOKEN", '{"version":1}', "[" * 50_000])
async def test_a_damaged_entry_is_set_aside_under_another_name(
    store: KeyringSessionStore, keyring: FakeKeyring, text: str
) -> None:
    keyring.entries[SERVICE, ACCOUNT] = text
    with pytest.raises(SessionStoreError, match="set aside") as caught:
        await store.load()
    assert "S3CR3T" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert keyring.entries == {(SERVICE, caught.value.set_aside): text}
    assert await store.load() is None


async def test_one_entry_a_profile_and_folder(tmp_path: Path, keyring: FakeKeyring, make_stored: MakeStored) -> None:
    one = KeyringSessionStore("default in /a", lock_path=tmp_path / "a.lock", find=lambda: keyring)
    other = KeyringSessionStore("uat in /a", lock_path=tmp_path / "b.lock", find=lambda: keyring)
    await one.save(make_stored(1))
    await other.save(make_stored(2))
    await one.clear()
    assert await one.load() is None
    assert await other.load() == make_stored(2)


@pytest.mark.parametrize("place", ["a file/k.lock", "a folder/k.lock"])
async def test_a_lock_that_cannot_be_had_is_told_before_the_sign_in(
    tmp_path: Path, keyring: FakeKeyring, place: str
) -> None:
    """G4: the keyring works, but no process could change what it keeps without the others."""
    (tmp_path / "a file").write_text("")
    (tmp_path / "a folder" / "k.lock").mkdir(parents=True)
    store = KeyringSessionStore(ACCOUNT, lock_path=tmp_path / place, find=lambda: keyring)
    with pytest.raises(SessionStoreError, match=r"cannot be locked at .*k\.lock") as caught:
        await store.probe()
    assert "CADENZA_DATA_DIR" in str(caught.value)
    assert not keyring.entries
