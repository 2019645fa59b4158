"""Hashing costs the same for everyone, happens off the loop, and is bounded."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher

from cadenza.identity.config import PasswordHashing
from cadenza.identity.errors import RefusalError
from cadenza.identity.passwords import PasswordPolicy, Passwords

CHEAP = PasswordHashing(passes=1, memory_kib=8, lanes=1, threads=1, queue_limit=1)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(CHEAP, random_bytes=os.urandom)
    yield passwords
    passwords.close()


async def test_a_hash_is_argon2id_salted_and_verifies_only_its_password(passwords: Passwords) -> None:
    first, second = await passwords.hash("secret"), await passwords.hash("secret")

    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert first != second
    assert await passwords.verify("secret", first)
    assert not await passwords.verify("Secret", first)
    assert not await passwords.verify("secret", None)
    assert not await passwords.verify("secret", "no hash at all")


class Verifications:
    """Counts what argon2 really does, and where."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[str] = []
        verify = PasswordHasher.verify

        def counted(hasher: PasswordHasher, hashed: Any, password: Any) -> Any:
            self.threads.append(threading.current_thread().name)
            return verify(hasher, hashed, password)

        monkeypatch.setattr(PasswordHasher, "verify", counted)


async def test_the_same_work_is_done_whether_there_is_a_user_or_not(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = await passwords.hash("secret")
    await passwords.verify("warm", None)
    counted = Verifications(monkeypatch)

    await passwords.verify("wrong", hashed)
    known = len(counted.threads)
    await passwords.verify("wrong", None)

    assert (known, len(counted.threads) - known) == (1, 1)


async def test_nothing_is_computed_on_the_loops_thread(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Verifications(monkeypatch)

    await passwords.verify("secret", await passwords.hash("secret"))

    assert counted.threads
    assert all(name.startswith("cadenza-identity-argon2") for name in counted.threads)


async def test_a_full_queue_is_refused_and_empties_again(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed, gate = await passwords.hash("secret"), threading.Event()
    verify = PasswordHasher.verify

    def held(hasher: PasswordHasher, against: Any, password: Any) -> Any:
        gate.wait(10)
        return verify(hasher, against, password)

    monkeypatch.setattr(PasswordHasher, "verify", held)
    async with asyncio.timeout(10):
        waiting = [asyncio.create_task(passwords.verify("secret", hashed)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(RefusalError) as caught:
            await passwords.verify("secret", hashed)
        gate.set()
        assert await asyncio.gather(*waiting) == [True, True]
        assert await passwords.verify("secret", hashed)

    assert (caught.value.status, caught.value.retry_after_seconds) == (429, 1.0)


async def test_a_hash_of_another_cost_is_outdated(passwords: Passwords) -> None:
    dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("secret")

    assert passwords.is_outdated(dearer)
    assert not passwords.is_outdated(await passwords.hash("secret"))


POLICY = PasswordPolicy(min_length=8, required_characters=("abc", "123"))


@pytest.mark.parametrize(
    ("password", "reasons"),
    [("a1", ("length",)), ("xxxxxxxx", ("characters",)), ("x", ("length", "characters")), ("aaaaaaa1", ())],
)
def test_a_weak_password_is_told_why(password: str, reasons: tuple[str, ...]) -> None:
    weakness = POLICY.weakness(password)

    assert (weakness.reasons if weakness else ()) == reasons


def test_length_counts_bytes_as_supabase_auth_does() -> None:
    policy = PasswordPolicy(min_length=8, required_characters=())

    policy.check("éééé")
    policy.check("x" * 72)
    for too_long in ("x" * 73, "é" * 37):
        with pytest.raises(RefusalError) as caught:
            policy.check(too_long)
        assert caught.value.error_code == "validation_failed"
