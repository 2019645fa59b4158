"""One refresh, under the store's lock: read again, take over what a sibling has, ask, save (E1).

Above: ``tokens``. Below: ``stores``, ``session``, a ``Refresher``. No code of the user runs in here (E5).

Whenever the process dies in the middle, the store has the old session or the new one, and either is good: the provider
accepts the parent of the active refresh token at any time, and answers with the active one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from cadenza.client.auth.session import Session, StoredSession
from cadenza.client.auth.stores import SessionStore
from cadenza.errors import IdentityError, SessionStoreError, SignInRequiredError
from cadenza.protocol.auth import SESSION_OVER

#: Longer than the store's own lease: whoever still holds the lock then was not to be taken over.
LOCK_DEADLINE_SECONDS: Final = 60.0

#: Trades a refresh token for a new session. Raises ``IdentityError``, ``TransportError`` or ``ProtocolError``.
Refresher = Callable[[str], Awaitable[Session]]


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        stored: The session to go on with.
        by_sibling: It came out of the store: another process has refreshed it.
        unsaved: It could not be saved, and why. It then carries the refresh token that was spent, as the store does:
            as the active one's parent it is good until its successor is safe.
    """

    stored: StoredSession
    by_sibling: bool = False
    unsaved: SessionStoreError | None = None


class Renewer:
    """Refreshes a session that is shared through a store.

    Args:
        store: Where it stands.
        refresher: How a refresh token is traded; has a deadline of its own.
        is_fresh: Whether a sibling's session is good for a while yet.

    Attributes:
        is_under_way: Whether the lock is held: what comes of it must be waited for.
    """

    def __init__(self, store: SessionStore, refresher: Refresher, *, is_fresh: Callable[[Session], bool]) -> None:
        self._store = store
        self._refresher = refresher
        self._is_fresh = is_fresh
        self.is_under_way = False

    async def renew(self, held: StoredSession) -> Renewal:
        """Replace ``held``.

        Raises:
            SignInRequiredError: It is over; ``reason`` says why.
            IdentityError: The provider refuses for now (429, 5xx).
            TransportError, ProtocolError: The provider cannot be reached, or something else answered.
            SessionStoreError: The lock was not to be had, or the store cannot be read.
        """
        async with self._store.lock(LOCK_DEADLINE_SECONDS):
            self.is_under_way = True
            try:
                return await self._renew(held)
            finally:
                self.is_under_way = False

    async def _renew(self, held: StoredSession) -> Renewal:
        base = _newer(held, await self._read_again(held))
        if _differs(base, held) and self._is_fresh(base.session):
            return Renewal(stored=base, by_sibling=True)
        try:
            fresh = await self._refresher(base.session.refresh_token)
        except IdentityError as error:
            if error.temporary:
                raise
            return await self._believe_only_if_unchanged(base, error)
        return await self._keep(base, fresh)

    async def _keep(self, base: StoredSession, fresh: Session) -> Renewal:
        renewed = msgspec.structs.replace(base, session=fresh)
        try:
            await self._store.save(renewed)
        except SessionStoreError as error:
            # Going on to the successor's successor would make what the store has worthless.
            spent = msgspec.structs.replace(fresh, refresh_token=base.session.refresh_token)
            return Renewal(stored=msgspec.structs.replace(base, session=spent), unsaved=error)
        return Renewal(stored=renewed)

    async def _read_again(self, held: StoredSession) -> StoredSession:
        try:
            stored = await self._store.load()
        except SessionStoreError as error:
            if not error.set_aside:
                raise
            return held  # damaged, and set aside: what is in memory is as good as ever, and is saved anew
        if stored is None:
            raise SignInRequiredError("The session was signed out by another program.", reason="signed_out_elsewhere")
        if not _same_user(stored, held):
            raise SignInRequiredError("Another user signed in with the same session store.", reason="other_user")
        return stored

    async def _believe_only_if_unchanged(self, base: StoredSession, error: IdentityError) -> Renewal:
        """The provider refuses for good. A sibling that does not lock may have refreshed the session a moment ago.

        A refusal that is not about the session ends it here, and leaves it where it is stored: a wrong address, say.
        """
        stored = await self._store.load()
        if (
            stored is not None
            and _same_user(stored, base)
            and _differs(stored, base)
            and self._is_fresh(stored.session)
        ):
            return Renewal(stored=stored, by_sibling=True)
        if stored is not None and not _differs(stored, base) and error.error_code in SESSION_OVER:
            await self._store.clear()
        raise SignInRequiredError(
            f"The session cannot be refreshed any more. {error.message}",
            code=error.code,
            reason=error.error_code or "refused",
        ) from error


def _newer(held: StoredSession, stored: StoredSession) -> StoredSession:
    """The one issued later; a process that hung may have written an older one over a newer. Equal: the store's."""
    if _differs(stored, held) and _issued_at(stored.session) < _issued_at(held.session):
        return held
    return stored


def _issued_at(session: Session) -> float:
    return session.expires_at - session.expires_in


def _differs(one: StoredSession, other: StoredSession) -> bool:
    return one.session.refresh_token != other.session.refresh_token


def _same_user(one: StoredSession, other: StoredSession) -> bool:
    """A session of a bare refresh token names no user yet."""
    return not one.session.user_id or not other.session.user_id or one.session.user_id == other.session.user_id
