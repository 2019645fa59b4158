"""Where a client's session is kept: chosen once, tried out before a sign-in, remembered after it.

Above: ``engine``, ``cli`` (lists and removes profiles). Below: ``stores``, ``profiles``, ``settings``. The order:

1. ``connect(session_store=...)``: a store of one's own, or the name of one;
2. ``CADENZA_SESSION_STORE``;
3. the environment, if it holds a session (``CADENZA_SESSION``, ``CADENZA_ACCESS_TOKEN``, ``CADENZA_REFRESH_TOKEN``);
4. what the profile's last sign-in used;
5. a file that only its owner can read. The same on every machine: the keyring is used by whoever asks for it, and then
   nothing else is (G4).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from cadenza.client.auth.stores import (
    EnvironmentSessionStore,
    FileSessionStore,
    KeyringSessionStore,
    MemorySessionStore,
    SessionStore,
    probe,
)
from cadenza.client.auth.stores.locks import LEASE_SECONDS
from cadenza.client.profiles import Profile, ProfileRecord, Profiles
from cadenza.client.settings import Addresses, Environment, StoreKind, resolve_addresses
from cadenza.client.timing import Timing
from cadenza.errors import ConfigurationError, SessionStoreError

_KEPT: Final = frozenset({StoreKind.FILE, StoreKind.KEYRING})


class SessionPlace:
    """A store and how it was come by.

    Attributes:
        store: The store.
        kind: What it is; None for one the program brought.
        profile: Whose session it keeps; None for one the program brought.
        why: Who chose it, in a few words for a person.
    """

    def __init__(
        self,
        store: SessionStore,
        *,
        kind: StoreKind | None = None,
        why: str = "given by the program",
        profile: Profile | None = None,
    ) -> None:
        self.store = store
        self.kind = kind
        self.why = why
        self.profile = profile
        self._record = ProfileRecord() if profile is None else profile.read()

    @property
    def addresses(self) -> Addresses | None:
        """Where the profile's last session was."""
        return self._record.addresses

    def anon_key(self, supabase_url: str | None) -> str | None:
        """The publishable key that was used at that provider, if it is remembered."""
        return self._record.anon_key if supabase_url == self._record.supabase_url else None

    async def try_out(self) -> None:
        """Make sure that a session could be kept. Raises ``SessionStoreError``, which names the other places (G4)."""
        await probe(self.store)

    async def remember(self, addresses: Addresses, anon_key: str) -> None:
        """Note what a sign-in used. If the session was kept elsewhere before, that one is removed.

        Raises:
            ConfigurationError: The profile's file cannot be written.
        """
        profile = self.profile
        if profile is None or self.kind not in _KEPT:
            return
        before = self._record.store or StoreKind.FILE
        self._record = ProfileRecord(
            store=self.kind,
            ws_url=addresses.ws_url,
            supabase_url=addresses.supabase_url,
            anon_key=anon_key or None,
        )
        await asyncio.to_thread(profile.write, self._record)
        if before is not self.kind:
            with contextlib.suppress(SessionStoreError):  # it may be why another was chosen
                await kept_store(profile, before).clear()


def choose_place(
    *,
    given: SessionStore | StoreKind | None,
    profile: Callable[[], Profile],
    environment: Environment,
    addresses: Callable[[Addresses | None], Addresses],
    lease_seconds: float = LEASE_SECONDS,
    timing: Timing,
) -> SessionPlace:
    """Settle where the session is kept (the order stands at the head of this file).

    Args:
        given: Argument of ``connect()``.
        profile: Settles whose session; not asked for a store of one's own.
        environment: What the environment says.
        addresses: Settles the addresses from what the profile remembers; asked only for a session of the environment.
        lease_seconds: How long one process may hold the session before it counts as hanging.
        timing: Clocks and sleep.

    Raises:
        ConfigurationError: A setting that holds no session, or the profile's file cannot be read.
    """
    if given is not None and not isinstance(given, StoreKind):
        return SessionPlace(given)
    whose = profile()
    record = whose.read()
    kind, why = _kind(given, environment, record)
    if kind is StoreKind.ENVIRONMENT:
        where = addresses(record.addresses)
        store: SessionStore = EnvironmentSessionStore(
            environment.session, ws_url=where.ws_url, supabase_url=where.supabase_url
        )
    elif kind is StoreKind.MEMORY:
        store = MemorySessionStore()
    else:
        store = kept_store(whose, kind, lease_seconds=lease_seconds, timing=timing)
    return SessionPlace(store, kind=kind, why=why, profile=whose)


def place_of(environment: Environment, *, profile: str | None = None) -> SessionPlace:
    """The place a client of that environment and profile would use. For whoever looks at a session without a client.

    Raises:
        ConfigurationError: As for ``connect()``.
    """
    return choose_place(
        given=None,
        profile=lambda: Profiles.of(environment).current(environment, given=profile),
        environment=environment,
        addresses=lambda known: resolve_addresses(
            ws_url=None, supabase_url=None, environment=environment, stored=known
        ),
        timing=Timing(),
    )


def kept_store(
    profile: Profile, kind: StoreKind, *, lease_seconds: float = LEASE_SECONDS, timing: Timing | None = None
) -> SessionStore:
    """A profile's store that outlives the process: the keyring if it is that, else the file."""
    if kind is StoreKind.KEYRING:
        lock = profile.session_file.with_name("keyring-session.lock")
        return KeyringSessionStore(profile.keyring_account, lock_path=lock, lease_seconds=lease_seconds, timing=timing)
    return FileSessionStore(profile.session_file, lease_seconds=lease_seconds, timing=timing)


async def remove_profile(profiles: Profiles, name: str) -> None:
    """Forget a profile: its session here, its addresses, its choice. At the provider the session goes on.

    Raises:
        ConfigurationError: There is no such profile, or its files cannot be removed.
        SessionStoreError: Its session cannot be removed; nothing else was.
    """
    profile = profiles.get(name)
    if not profile.exists:
        raise ConfigurationError(f"There is no profile {name!r}.", setting="profile", next_step="See the list of them.")
    kind = profile.read().store
    if kind is StoreKind.KEYRING:
        await kept_store(profile, kind).clear()
    await asyncio.to_thread(profiles.forget, profile)


def _kind(given: StoreKind | None, environment: Environment, record: ProfileRecord) -> tuple[StoreKind, str]:
    if given is not None:
        return given, "chosen by connect(session_store=...)"
    if environment.session_store is not None:
        return environment.session_store, "chosen by CADENZA_SESSION_STORE"
    if environment.session:
        return StoreKind.ENVIRONMENT, "the environment holds a session"
    if record.store is not None:
        return record.store, "chosen for this profile"
    return StoreKind.FILE, "the default"
