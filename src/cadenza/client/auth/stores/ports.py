"""What the SDK asks of a place for one session.

Above: every store, ``tokens``, ``place``. Below: ``session``, errors. A store need only have the five members of
``SessionStore``; one that can tell beforehand whether it would keep a session also has ``probe``.
"""

from __future__ import annotations

import datetime as dt
import secrets
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, runtime_checkable

from cadenza.client.auth.session import StoredSession
from cadenza.errors import SessionStoreError

#: The alternatives, where one place cannot be used.
OTHER_PLACES: Final = (
    'session_store="file" or CADENZA_SESSION_STORE=file (a file that only you can read), "keyring" (the system\'s), '
    '"memory" (until the process ends), or in CI CADENZA_ACCESS_TOKEN and CADENZA_REFRESH_TOKEN'
)


class SessionStore(Protocol):
    """What the SDK asks of a place for one session."""

    @property
    def location(self) -> str:
        """Where it is, for a person to read."""
        ...

    async def load(self) -> StoredSession | None:
        """Return the session, or None. Raises ``SessionStoreError``."""
        ...

    async def save(self, stored: StoredSession) -> None:
        """Replace the session: after a crash there is the old one or the new one. Raises ``SessionStoreError``."""
        ...

    async def clear(self) -> None:
        """Forget the session. Raises ``SessionStoreError``."""
        ...

    def lock(self, deadline_seconds: float) -> AbstractAsyncContextManager[None]:
        """Be the only one to change it, among all that share it. Raises ``SessionStoreError`` at the deadline."""
        ...


@runtime_checkable
class Probed(Protocol):
    """A store that can be tried out."""

    async def probe(self) -> None:
        """Write, read back and delete something. Raises ``SessionStoreError``: a session would not be kept.

        The session that may be there is not touched.
        """
        ...


async def probe(store: SessionStore) -> None:
    """Make sure, before anybody types a password, that the session could be kept (G4).

    Raises:
        SessionStoreError: It could not; the error names the other places.
    """
    if isinstance(store, Probed):
        await store.probe()


def held_too_long(location: str, deadline_seconds: float, holder: str = "") -> SessionStoreError:
    """The error for a lock that was not had in time."""
    who = f"Another process ({holder})" if holder else "Another process"
    return SessionStoreError(
        f"{who} held the stored session at {location} for more than {deadline_seconds:g} s.",
        location=location,
        next_step="Try again; if it lasts, find the process that hangs.",
    )


def set_aside_stamp(clock: float) -> str:
    """A name's end for what was set aside: when, and something no other has."""
    when = dt.datetime.fromtimestamp(clock, tz=dt.UTC)
    return f"{when:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
