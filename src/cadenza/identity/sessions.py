"""Sessions: opened by a grant, kept alive by refresh tokens, ended by a sign-out.

The rules of rotation are Supabase Auth's (``internal/tokens/service.go``, recorded in the exchanges): each refresh
revokes the token shown and issues a child. A revoked token shown again

- is good if it is the parent of the session's active token, at any time, and yields that same active token;
- is good within the reuse interval after its revocation, and yields a new token;
- else revokes the whole family, which starts an interval for the newest token too: for so long that one still works.

Access tokens and the session itself outlive a revoked family.

Above: the grants, ``users``, ``handlers``, ``admin``. Below: ``records``, ``refresh_tokens``, ``access_tokens``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity.access_tokens import AccessTokens
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import (
    RefusalError,
    refresh_token_already_used,
    refresh_token_not_found,
    session_expired,
    session_not_found,
    user_not_found,
)
from cadenza.identity.records import IdentityRow, Records, RefreshTokenRow, SessionRow, UserRow
from cadenza.identity.refresh_tokens import RefreshTokenMint
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.identity.views import user_view
from cadenza.protocol.auth import LogoutScope, Session
from cadenza.tokens.claims import Claims

#: A revoked token is remembered this long, so that its reuse is known for what it is. Then it is merely unknown.
_REVOKED_KEPT_SECONDS: Final = 7 * 24 * 3600


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A session and what a client needs to hold it: all of a transaction's outcome."""

    user: UserRow
    identities: tuple[IdentityRow, ...]
    session: SessionRow
    refresh_token: str

    def __repr__(self) -> str:
        return f"<Opened {self.session.id}>"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the user of a bearer, and the session if the bearer names one."""

    user: UserRow
    identities: tuple[IdentityRow, ...]
    session: SessionRow | None


class Sessions:
    """Opens, refreshes and ends them.

    Args:
        config: Lifetimes and the reuse interval.
        store: Where they are kept.
        mint: Makes refresh tokens.
        access_tokens: Makes access tokens.
        clock: Seconds since the epoch.
        new_id: Makes ids.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        mint: RefreshTokenMint,
        access_tokens: AccessTokens,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._store = store
        self._mint = mint
        self._access_tokens = access_tokens
        self._clock = clock
        self._new_id = new_id

    # Opening

    def open(self, records: Records, user: UserRow, *, method: str) -> Opened:
        """Open a session for a user who has just proved who they are. Runs inside a transaction.

        Args:
            records: The transaction's.
            user: The user, in the database.
            method: How, for the ``amr`` claim.
        """
        now = instant(self._clock())
        user = msgspec.structs.replace(user, last_sign_in_at=now, updated_at=now)
        records.users.update(user)
        session = SessionRow(
            id=self._new_id(),
            user_id=user.id,
            aal="aal1",
            amr=msgspec.json.encode([{"method": method, "timestamp": int(self._clock())}]).decode(),
            created_at=now,
            refreshed_at=None,
        )
        records.sessions.insert(session)
        token = self._issue_refresh_token(records, session.id, parent_id=None, at=now)
        return Opened(user=user, identities=records.identities.of(user.id), session=session, refresh_token=token)

    def hand_out(self, opened: Opened) -> Session:
        """What the client gets: an access token beside the refresh token. Runs after the transaction."""
        lifetime = self._config.access_token_lifetime_seconds
        token, expires_at = self._access_tokens.issue(opened.user, opened.session, lifetime_seconds=lifetime)
        return Session(
            access_token=token,
            token_type="bearer",  # noqa: S106 - RFC 6750's name of the type
            expires_in=lifetime,
            expires_at=expires_at,
            refresh_token=opened.refresh_token,
            user=user_view(opened.user, opened.identities),
        )

    async def issue_access_token(self, session_id: str, *, lifetime_seconds: int) -> str:
        """Another access token for a session that is open.

        Raises:
            RefusalError: There is no such session.
        """

        def find(records: Records) -> tuple[UserRow, SessionRow]:
            session = records.sessions.by_id(session_id)
            user = None if session is None else records.users.by_id(session.user_id)
            if session is None or user is None:
                raise session_not_found()
            return user, session

        user, session = await self._store.read(find)
        token, _ = self._access_tokens.issue(user, session, lifetime_seconds=lifetime_seconds)
        return token

    # Refreshing

    async def refresh(self, token: str) -> Session:
        """Trade a refresh token in.

        Raises:
            RefusalError: Unknown, used up, or the session is over.
        """
        outcome = await self._store.write(lambda records: self.rotate(records, token))
        if isinstance(outcome, RefusalError):
            raise outcome
        return self.hand_out(outcome)

    def rotate(self, records: Records, token: str) -> Opened | RefusalError:
        """The rules of this module. Runs inside a transaction; a refusal is returned, so that it commits too."""
        now = instant(self._clock())
        shown = records.refresh_tokens.by_digest(self._mint.digest_of(token))
        session = None if shown is None else records.sessions.by_id(shown.session_id)
        user = None if session is None else records.users.by_id(session.user_id)
        if shown is None or session is None or user is None:
            return refresh_token_not_found()
        lifetime = self._config.session_lifetime_seconds
        if lifetime is not None and now > session.created_at + instant(lifetime):
            return session_expired()
        issued = self._still_good(records, shown, now)
        if issued is None:
            records.refresh_tokens.revoke_family(session.id, now)
            return refresh_token_already_used()
        records.sessions.refreshed(session.id, now)
        records.refresh_tokens.forget(session.id, revoked_before=now - instant(_REVOKED_KEPT_SECONDS))
        return Opened(user=user, identities=records.identities.of(user.id), session=session, refresh_token=issued)

    def _still_good(self, records: Records, shown: RefreshTokenRow, now: int) -> str | None:
        """The token to hand out for the one shown, ``None`` for a reuse that is not allowed."""
        if shown.revoked:
            active = records.refresh_tokens.active(shown.session_id)
            if active is not None and active.parent_id == shown.id:
                return self._mint.token_of(active.seed)  # the client could not store what it got
            if now > shown.updated_at + instant(self._config.refresh_token_reuse_interval_seconds):
                return None
        records.refresh_tokens.revoke(shown.id, now)
        return self._issue_refresh_token(records, shown.session_id, parent_id=shown.id, at=now)

    def _issue_refresh_token(self, records: Records, session_id: str, *, parent_id: int | None, at: int) -> str:
        while True:
            seed = self._mint.new_seed()
            token = self._mint.token_of(seed)
            digest = self._mint.digest_of(token)
            if records.refresh_tokens.by_digest(digest) is None:  # sixty bits: twice is unlikely, not impossible
                records.refresh_tokens.add(session_id=session_id, seed=seed, digest=digest, parent_id=parent_id, at=at)
                return token

    # Calling and ending

    async def caller(self, claims: Claims) -> Caller:
        """The user and session that believed claims name.

        Raises:
            RefusalError: ``user_not_found`` or ``session_not_found``: the token outlived them.
        """
        return await self._store.read(lambda records: self._caller(records, claims))

    def _caller(self, records: Records, claims: Claims) -> Caller:
        user = records.users.by_id(claims.sub or "")
        if user is None:
            raise user_not_found()
        session = None
        if claims.session_id:
            session = records.sessions.by_id(claims.session_id)
            if session is None or session.user_id != user.id:
                raise session_not_found()
        return Caller(user=user, identities=records.identities.of(user.id), session=session)

    async def end(self, caller: Caller, scope: LogoutScope) -> None:
        """End the caller's sessions; a bearer without a session ends them all."""
        user_id = caller.user.id
        session_id = None if caller.session is None else caller.session.id
        if session_id is None or scope is LogoutScope.GLOBAL:
            await self._store.write(lambda records: records.sessions.delete_of(user_id))
        elif scope is LogoutScope.LOCAL:
            await self._store.write(lambda records: records.sessions.delete(session_id))
        else:
            await self._store.write(lambda records: records.sessions.delete_of(user_id, but=session_id))
