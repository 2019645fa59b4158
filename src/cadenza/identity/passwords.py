"""Passwords: what is strong enough, and argon2id off the event loop.

Hashing takes tens of milliseconds and tens of megabytes on purpose, so it runs in a small pool of threads with a
bounded queue. Checking a password costs one hash whether or not there is a user to check it against: an answer's time
says nothing about who is registered.

Above: ``users``, ``grants.password``. Below: argon2-cffi, ``config``, ``errors``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from cadenza.identity.config import LONGEST_PASSWORD_BYTES, PasswordHashing
from cadenza.identity.errors import RefusalError, too_many_requests, validation_failed, weak_password

_T = TypeVar("_T")

_SALT_BYTES: Final = 16
#: What a hash from elsewhere may cost at each sign-in: RFC 9106's first choice, and more passes than anyone takes.
_MOST_KIB: Final = 2 * 1024 * 1024
_MOST_PASSES: Final = 32
#: A guess at when a full queue has room again.
_QUEUE_RETRY_SECONDS: Final = 1.0


class PasswordPolicy:
    """What a new password must be. Lengths are bytes of UTF-8, as Supabase Auth counts."""

    def __init__(self, *, min_length: int, required_characters: tuple[str, ...]) -> None:
        self._min_length = min_length
        self._required = required_characters

    def check(self, password: str) -> None:
        """Refuse a password that is too long (``validation_failed``) or too weak (``weak_password``).

        Raises:
            RefusalError: ``reasons`` says why it is weak.
        """
        self.check_length(password)
        weakness = self.weakness(password)
        if weakness is not None:
            raise weakness

    @staticmethod
    def check_length(password: str) -> None:
        """Refuse a password that is too long, whatever else it is."""
        if len(password.encode()) > LONGEST_PASSWORD_BYTES:
            raise validation_failed(f"Password cannot be longer than {LONGEST_PASSWORD_BYTES} characters")

    def weakness(self, password: str) -> RefusalError | None:
        """Why a password is too weak, or ``None``; a sign-in reports it without refusing."""
        messages: list[str] = []
        reasons: list[str] = []
        if len(password.encode()) < self._min_length:
            reasons.append("length")
            messages.append(f"Password should be at least {self._min_length} characters.")
        if any(not set(wanted) & set(password) for wanted in self._required if wanted):
            reasons.append("characters")
            sets = ", ".join(self._required)
            messages.append(f"Password should contain at least one character of each: {sets}.")
        return weak_password(" ".join(messages), tuple(reasons)) if reasons else None


def is_hash(text: str) -> bool:
    """Whether a text is a password's hash by argon2id (PHC string), of a cost that can be borne."""
    try:
        parameters = extract_parameters(text)
    except InvalidHashError:
        return False
    return parameters.type is Type.ID and parameters.memory_cost <= _MOST_KIB and parameters.time_cost <= _MOST_PASSES


class Passwords:
    """Hashes and checks, one argon2id computation a call.

    Args:
        hashing: The cost, and how much may go on at once.
        random_bytes: Where salts come from.
    """

    def __init__(self, hashing: PasswordHashing, *, random_bytes: Callable[[int], bytes]) -> None:
        self._hasher = PasswordHasher(
            time_cost=hashing.passes, memory_cost=hashing.memory_kib, parallelism=hashing.lanes, salt_len=_SALT_BYTES
        )
        self._random_bytes = random_bytes
        self._threads = ThreadPoolExecutor(hashing.threads, thread_name_prefix="cadenza-identity-argon2")
        self._room = hashing.threads + hashing.queue_limit
        self._under_way = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The password's hash, salted, with its cost inside (PHC string).

        Raises:
            RefusalError: Too many are waiting.
        """
        return await self._off_loop(lambda: self._hasher.hash(password, salt=self._random_bytes(_SALT_BYTES)))

    async def hash_of_none(self) -> str:
        """The hash of a password that nobody knows, for whom an administrator makes without one."""
        return await self.hash(self._random_bytes(_SALT_BYTES).hex())

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one hashed; ``None`` for no such user costs as much and is never true.

        Raises:
            RefusalError: Too many are waiting.
        """
        against = hashed if hashed is not None else await self._decoy_hash()
        matches = await self._off_loop(lambda: self._matches(password, against))
        return matches and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let the threads go. What they are computing they finish on their own; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _decoy_hash(self) -> str:
        if self._decoy is None:
            self._decoy = await self.hash_of_none()
        return self._decoy

    async def _off_loop(self, compute: Callable[[], _T]) -> _T:
        if self._under_way >= self._room:
            raise too_many_requests(_QUEUE_RETRY_SECONDS)
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, compute)
        finally:
            self._under_way -= 1
