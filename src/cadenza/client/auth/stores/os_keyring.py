"""A session in the system's keyring: macOS Keychain, or Secret Service (GNOME Keyring, KWallet) on Linux.

Above: ``place``. Below: keyring (extra ``keyring``), ``locks``. A machine without a desktop has no keyring: that is an
error before the sign-in, which names the other places; nothing else is used in silence (G4). A keyring may ask a person
to unlock it, so it is called in a thread of its own and given up at a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec

from cadenza.client.auth.session import STORE_VERSION, StoredSession
from cadenza.client.auth.stores.locks import LEASE_SECONDS, ProcessLock
from cadenza.client.auth.stores.ports import OTHER_PLACES, set_aside_stamp
from cadenza.client.timing import Timing
from cadenza.errors import SessionStoreError

T = TypeVar("T")

SERVICE: Final = "cadenza"
_PRIVATE_DIR: Final = 0o700
#: A person may have to type the keyring's password.
_DEADLINE_SECONDS: Final = 60.0


class Keyring(Protocol):
    """The three things asked of a keyring; the module ``keyring`` has them."""

    def get_password(self, service_name: str, username: str, /) -> str | None:
        """Read an entry."""
        ...

    def set_password(self, service_name: str, username: str, password: str, /) -> None:
        """Write an entry."""
        ...

    def delete_password(self, service_name: str, username: str, /) -> None:
        """Remove an entry."""
        ...


class KeyringSessionStore:
    """Keeps a session in the system's keyring.

    Args:
        account: The entry's name: one for each profile and data folder.
        lock_path: The lock of all processes that use this entry; its folder is made when missing.
        find: Finds the keyring; by default the system's. Raises ``KeyringUnavailableError`` with the reason.
        deadline_seconds: For each access, a person's unlocking included.
        lease_seconds: How long one process may hold the session before it counts as hanging and another goes on.
        timing: Clocks and sleep.
    """

    def __init__(
        self,
        account: str,
        *,
        lock_path: Path,
        find: Callable[[], Keyring] | None = None,
        deadline_seconds: float = _DEADLINE_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
        timing: Timing | None = None,
    ) -> None:
        self._account = account
        self._find = find or system_keyring
        self._deadline = deadline_seconds
        self._timing = timing or Timing()
        self._lock_path = lock_path
        # A waiting person is no hanging process.
        self._lock = ProcessLock(
            lock_path,
            location=self.location,
            lease_seconds=lease_seconds + deadline_seconds,
            timing=self._timing,
        )

    def __repr__(self) -> str:
        return f"KeyringSessionStore({self._account!r})"

    @property
    def location(self) -> str:
        """Where it is, for a person to read."""
        return f"the system's keyring, service {SERVICE}, account {self._account}"

    async def load(self) -> StoredSession | None:
        """Return the session, or None.

        Raises:
            SessionStoreError: No keyring, it stayed locked, or the entry holds no session (then it was set aside).
        """
        text = await self._ask("read", lambda ring: ring.get_password(SERVICE, self._account))
        if text is None:
            return None
        try:
            stored = msgspec.json.decode(text.encode(), type=StoredSession)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise await self._set_aside(text) from None  # the cause's text may quote a token
        if stored.version > STORE_VERSION:
            raise SessionStoreError(
                f"The session in {self.location} was written by a newer Cadenza.",
                location=self.location,
                next_step="Upgrade, or use another profile.",
            )
        return stored

    async def save(self, stored: StoredSession) -> None:
        """Replace the session. Raises ``SessionStoreError``."""
        if self._lock.is_acquired and not self._lock.still_held:
            raise SessionStoreError(
                f"Another process took over the session in {self.location} while this one hung.",
                location=self.location,
                next_step="Nothing is lost: the next attempt reads what the other one wrote.",
            )
        text = msgspec.json.encode(stored).decode()
        await self._ask("written", lambda ring: ring.set_password(SERVICE, self._account, text))

    async def clear(self) -> None:
        """Remove the entry. Raises ``SessionStoreError``."""
        await self._ask("removed", lambda ring: _remove(ring, self._account))

    async def probe(self) -> None:
        """Write, read back and remove another entry. Raises ``SessionStoreError``: no session could be kept.

        So is the lock: where that cannot be had, the keyring could not be used either.
        """
        account, marker = f"{self._account} (probe {secrets.token_hex(4)})", secrets.token_hex(16)

        def try_out(ring: Keyring) -> bool:
            ring.set_password(SERVICE, account, marker)
            try:
                return ring.get_password(SERVICE, account) == marker
            finally:
                _remove(ring, account)

        if not await self._ask("tried out", try_out):
            raise self._failed("tried out", "what was written is not what is read")
        await asyncio.to_thread(self._try_folder)

    @contextlib.asynccontextmanager
    async def lock(self, deadline_seconds: float) -> AsyncIterator[None]:
        """Be the only process to change the entry. Raises ``SessionStoreError`` at the deadline."""
        async with contextlib.AsyncExitStack() as holding:
            with self._locking():
                self._make_folder()
                await holding.enter_async_context(self._lock.acquire(deadline_seconds))
            yield

    def _make_folder(self) -> None:
        self._lock_path.parent.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)

    def _try_folder(self) -> None:
        with self._locking():
            self._make_folder()
            with tempfile.TemporaryFile(dir=self._lock_path.parent):
                pass
            self._lock.try_out()

    @contextlib.contextmanager
    def _locking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SessionStoreError(
                f"The session in {self.location} cannot be locked at {self._lock_path}: {error.strerror or error}.",
                location=self.location,
                next_step="Check the folder's owner and permissions, or choose another with CADENZA_DATA_DIR.",
            ) from error

    async def _set_aside(self, text: str) -> SessionStoreError:
        aside = f"{self._account} unreadable {set_aside_stamp(self._timing.clock())}"

        def move(ring: Keyring) -> None:
            ring.set_password(SERVICE, aside, text)
            _remove(ring, self._account)

        await self._ask("set aside", move)
        return SessionStoreError(
            f"The session in {self.location} is damaged; it was set aside as the account {aside!r}.",
            location=self.location,
            next_step="Sign in again.",
            set_aside=aside,
        )

    async def _ask(self, verb: str, question: Callable[[Keyring], T]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await _in_own_thread(lambda: question(self._find()))
        except TimeoutError:
            raise self._failed(verb, f"it did not answer within {self._deadline:g} s (is it locked?)") from None
        except KeyringUnavailableError as error:
            raise self._failed(verb, str(error), next_step=f"Choose another place: {OTHER_PLACES}.") from None
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            # `from None`, and the type alone: a backend's words may quote what it was given.
            raise self._failed(verb, f"it failed with {type(error).__name__}") from None

    def _failed(self, verb: str, why: str, *, next_step: str = "") -> SessionStoreError:
        return SessionStoreError(
            f"The session in {self.location} cannot be {verb}: {why}.",
            location=self.location,
            next_step=next_step or f"Unlock the keyring, or choose another place: {OTHER_PLACES}.",
        )


class KeyringUnavailableError(Exception):
    """There is no keyring here; the text says why."""


def system_keyring() -> Keyring:
    """The system's keyring.

    Raises:
        KeyringUnavailableError: The package is missing, there is no keyring on this machine, or only one that keeps
            secrets in clear.
    """
    try:
        import keyring  # looks for backends on import: only who chose it waits for that
        from keyring.backends.fail import Keyring as Missing
    except ImportError:
        raise KeyringUnavailableError(
            'the package keyring is not installed; run: pip install "cadenza[keyring]"'
        ) from None
    backend = keyring.get_keyring()
    if isinstance(backend, Missing):
        raise KeyringUnavailableError(
            "this machine has none (no Secret Service answers, as on a machine without desktop)"
        )
    if backend.priority < 1:
        raise KeyringUnavailableError(f"the only one here, {type(backend).__module__}, does not protect what it keeps")
    return backend


def _remove(ring: Keyring, account: str) -> None:
    if ring.get_password(SERVICE, account) is not None:
        ring.delete_password(SERVICE, account)


async def _in_own_thread(work: Callable[[], T]) -> T:
    """Run it in a daemon thread: one that waits for a person must not keep the program from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(outcome: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(outcome)  # type: ignore[arg-type]  # there is an outcome where there is no error
        else:
            done.set_exception(error)

    def run() -> None:
        try:
            outcome, error = work(), None
        except Exception as failure:  # noqa: BLE001 - handed to whoever waits
            outcome, error = None, failure
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, outcome, error)

    threading.Thread(target=run, name="cadenza-keyring", daemon=True).start()
    return await done
