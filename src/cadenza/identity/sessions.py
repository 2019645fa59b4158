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
from cadenza.identity.agent import NOBODY, Agent
from cadenza.identity.audit import Action, Audit
from cadenza.identity.bans import is_banned
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import (
    RefusalError,
    refresh_of_banned_user,
    refresh_token_already_used,
    refresh_token_not_found,
    session_not_found,
    user_banned,
    user_not_found,
)
from cadenza.identity.lifetimes import why_over
from cadenza.identity.records import FactorRow, IdentityRow, Records, RefreshTokenRow, SessionRow, UserRow
from cadenza.identity.refresh_tokens import RefreshTokenMint
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.identity.views import user_view
from cadenza.protocol.auth import LogoutScope, Session
from cadenza.tokens.claims import Claims

#: A revoked token is remembered this long, so that its reuse is known for what it is. Then it is merely unknown.
_REVOKED_KEPT_SECONDS: Final = 7 * 24 * 3600


class AmrEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody proved who they are, and when (seconds since the epoch)."""

    method: str
    timestamp: int


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A session and what a client needs to hold it: all of a transaction's outcome."""

    user: UserRow
    identities: tuple[IdentityRow, ...]
    factors: tuple[FactorRow, ...]
    session: SessionRow
    refresh_token: str

    def __repr__(self) -> str:
        return f"<Opened {self.session.id}>"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the user of a bearer, and the session if the bearer names one.

    ``came_anonymously``: the bearer was made for an anonymous user, whatever they are by now.
    """

    user: UserRow
    identities: tuple[IdentityRow, ...]
    factors: tuple[FactorRow, ...] = ()
    session: SessionRow | None
    came_anonymously: bool = False


class Sessions:
    """Opens, refreshes and ends them.

    Args:
        config: Lifetimes and the reuse interval.
        store: Where they are kept.
        mint: Makes refresh tokens.
        access_tokens: Makes access tokens.
        audit: Notes sign-ins, refreshes and sign-outs.
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
        audit: Audit,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._store = store
        self._mint = mint
        self._access_tokens = access_tokens
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    # Opening

    def open(
        self,
        records: Records,
        user: UserRow,
        *,
        method: str,
        agent: Agent = NOBODY,
        provider: str = "",
        signing_up: bool = False,
    ) -> Opened:
        """Open a session for a user who has just proved who they are. Runs inside a transaction.

        Args:
            records: The transaction's.
            user: The user, in the database.
            method: How, for the ``amr`` claim.
            agent: Who asked.
            provider: Whose word it was, for the audit log.
            signing_up: Nobody was recognised: they have just said who they are.

        Raises:
            RefusalError: ``user_banned``.
        """
        now = instant(self._clock())
        if is_banned(user, now):
            raise user_banned().about(user.id)
        user = msgspec.structs.replace(user, last_sign_in_at=now, updated_at=now)
        records.users.update(user)
        session = SessionRow(
            id=self._new_id(),
            user_id=user.id,
            aal="aal1",
            amr=_text([AmrEntry(method=method, timestamp=int(self._clock()))]),
            user_agent=agent.user_agent or None,
            address=agent.address or None,
            created_at=now,
            refreshed_at=None,
        )
        records.sessions.insert(session)
        token = self._issue_refresh_token(records, session.id, parent_id=None, at=now)
        traits = {"provider": provider} if provider else None
        self._audit.note(records, Action.LOGIN, actor=user, traits=traits, by_anyone=signing_up)
        return self._opened(records, user, session, token)

    def step_up(self, records: Records, user: UserRow, session: SessionRow, *, factor: FactorRow) -> Opened:
        """Raise a session in place, its user having just proved a second factor. Runs inside a transaction.

        The session keeps its id, and gets new tokens; the refresh token it had works within the reuse interval only,
        so that nobody who merely has that one comes to the higher level later.
        """
        now = instant(self._clock())
        amr = [*_amr_without(session, factor), AmrEntry(method=factor.factor_type, timestamp=int(self._clock()))]
        amr.sort(key=lambda entry: entry.timestamp, reverse=True)
        raised = msgspec.structs.replace(session, aal="aal2", amr=_text(amr), factor_id=factor.id)
        records.sessions.update(raised)
        records.refresh_tokens.revoke_family(session.id, now)
        token = self._issue_refresh_token(records, session.id, parent_id=None, at=now)
        return self._opened(records, user, raised, token)

    def step_down(self, records: Records, factor: FactorRow) -> None:
        """Lower the sessions that a second factor raised, because it is gone. Runs inside a transaction."""
        for session in records.sessions.of_factor(factor.id):
            amr = _text(_amr_without(session, factor))
            records.sessions.update(msgspec.structs.replace(session, aal="aal1", amr=amr, factor_id=None))

    def _opened(self, records: Records, user: UserRow, session: SessionRow, token: str) -> Opened:
        return Opened(
            user=user,
            identities=records.identities.of(user.id),
            factors=records.factors.of(user.id),
            session=session,
            refresh_token=token,
        )

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
            user=user_view(opened.user, opened.identities, opened.factors),
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

    async def refresh(self, token: str, *, agent: Agent = NOBODY) -> Session:
        """Trade a refresh token in.

        Raises:
            RefusalError: Unknown, used up, the session is over, or the user banned.
        """
        outcome = await self._store.write(lambda records: self.rotate(records, token, agent=agent))
        if isinstance(outcome, RefusalError):
            raise outcome
        return self.hand_out(outcome)

    def rotate(self, records: Records, token: str, *, agent: Agent = NOBODY) -> Opened | RefusalError:
        """The rules of this module. Runs inside a transaction; a refusal is returned, so that it commits too."""
        now = instant(self._clock())
        shown = records.refresh_tokens.by_digest(self._mint.digest_of(token))
        session = None if shown is None else records.sessions.by_id(shown.session_id)
        user = None if session is None else records.users.by_id(session.user_id)
        if shown is None or session is None or user is None:
            return refresh_token_not_found()
        if is_banned(user, now):
            return refresh_of_banned_user().about(user.id)
        over = why_over(self._config, records, session, shown, now)
        if over is not None:
            return over.about(user.id)
        issued = self._still_good(records, user, shown, now)
        if issued is None:
            records.refresh_tokens.revoke_family(session.id, now)
            self._audit.note(
                records,
                Action.TOKEN_REUSE_DETECTED,
                actor=user,
                address=agent.address,
                traits={"session_id": session.id},
            )
            return refresh_token_already_used().about(user.id)
        self._audit.note(records, Action.TOKEN_REFRESHED, actor=user)
        records.sessions.refreshed(session.id, now, user_agent=agent.user_agent or None, address=agent.address or None)
        records.refresh_tokens.forget(session.id, revoked_before=now - instant(_REVOKED_KEPT_SECONDS))
        return self._opened(records, user, session, issued)

    def _still_good(self, records: Records, user: UserRow, shown: RefreshTokenRow, now: int) -> str | None:
        """The token to hand out for the one shown, ``None`` for a reuse that is not allowed."""
        if shown.revoked:
            active = records.refresh_tokens.active(shown.session_id)
            if active is not None and active.parent_id == shown.id:
                return self._mint.token_of(active.seed)  # the client could not store what it got
            if now > shown.updated_at + instant(self._config.refresh_token_reuse_interval_seconds):
                return None
        records.refresh_tokens.revoke(shown.id, now)
        self._audit.note(records, Action.TOKEN_REVOKED, actor=user)
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
            RefusalError: ``user_not_found`` or ``session_not_found``: the token outlived them. ``user_banned``.
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
        if is_banned(user, instant(self._clock())):
            raise user_banned().about(user.id)
        return Caller(
            user=user,
            identities=records.identities.of(user.id),
            factors=records.factors.of(user.id),
            session=session,
            came_anonymously=claims.is_anonymous is True,
        )

    async def end(self, caller: Caller, scope: LogoutScope) -> None:
        """End the caller's sessions; a bearer without a session ends them all."""
        await self._store.write(lambda records: self._end(records, caller, scope))

    def _end(self, records: Records, caller: Caller, scope: LogoutScope) -> None:
        user_id = caller.user.id
        session_id = None if caller.session is None else caller.session.id
        if session_id is None or scope is LogoutScope.GLOBAL:
            records.sessions.delete_of(user_id)
        elif scope is LogoutScope.LOCAL:
            records.sessions.delete(session_id)
        else:
            records.sessions.delete_of(user_id, but=session_id)
        self._audit.note(records, Action.LOGOUT, actor=caller.user, traits={"scope": scope.value})


def _amr_without(session: SessionRow, factor: FactorRow) -> list[AmrEntry]:
    amr = msgspec.json.decode(session.amr, type=list[AmrEntry])
    return [entry for entry in amr if entry.method != factor.factor_type]


def _text(amr: list[AmrEntry]) -> str:
    return msgspec.json.encode(amr).decode()
