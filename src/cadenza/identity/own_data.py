"""What belongs to the user: a copy of all that is kept of them, and going for good. Supabase Auth has neither.

An export holds no secret: neither hashes nor tokens nor a second factor's key. Who deletes the account must have proved
who they are a short time ago, by signing in or by a code from a mail, for a session left open somewhere must not be
enough; an anonymous user has nothing to prove it by but the session. Who has a second factor must have shown it, for
both.

What remains of a deleted account is that it was there: its entries in the audit log lose all that tells whose they are.

Above: ``handlers.user``, ``handlers.admin``. Below: ``records``, ``reauthentication``, ``audit``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.administration import user_of
from cadenza.identity.audit import Action, Admin, Audit, without_person
from cadenza.identity.levels import check_second_factor
from cadenza.identity.reauthentication import Reauthentication
from cadenza.identity.records import FlowStateRow, OneTimeTokenRow, Records, SessionRow, UserRow
from cadenza.identity.sessions import AmrEntry, Caller
from cadenza.identity.store import Store
from cadenza.identity.times import instant, rfc3339, rfc3339_or_none
from cadenza.identity.views import entry_view, whole_view
from cadenza.protocol.auth import AccountExport, DeletedAccount
from cadenza.protocol.auth.own_data import (
    ExportedChallenge,
    ExportedCode,
    ExportedFlow,
    ExportedSession,
    ProofOfIdentity,
)

#: A sign-in, or a second factor shown, this long ago counts as recent.
RECENT_SECONDS: Final = 15 * 60


class OwnData:
    """See the module.

    Args:
        store: Where users are.
        reauthentication: Checks a code from a mail.
        audit: Notes it.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, *, store: Store, reauthentication: Reauthentication, audit: Audit, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._reauthentication = reauthentication
        self._audit = audit
        self._clock = clock

    # Taking along

    async def export(self, caller: Caller) -> AccountExport:
        """All that is kept of the caller.

        Raises:
            RefusalError: ``insufficient_aal``: there is a second factor, and it was not shown.
        """
        check_second_factor(caller, errors.level_too_low_for_own_data())
        return await self._store.write(lambda records: self._export(records, caller.user.id, caller.user))

    async def export_of(self, admin: Admin, user_id: str) -> AccountExport:
        """The same of any user, for who asks an operator. Raises ``RefusalError``: there is none."""
        return await self._store.write(lambda records: self._export(records, user_of(records, user_id).id, admin))

    def _export(self, records: Records, user_id: str, actor: UserRow | Admin) -> AccountExport:
        user = records.users.by_id(user_id)
        if user is None:
            raise errors.user_not_found()
        self._audit.note(records, Action.USER_EXPORTED, actor=actor, user_id=user.id)  # it is in the copy, too
        factors = records.factors.of(user.id)
        return AccountExport(
            exported_at=rfc3339(instant(self._clock())),
            user=whole_view(records, user),
            has_password=user.password_hash is not None,
            sessions=tuple(_session_view(row) for row in records.sessions.of(user.id)),
            codes=tuple(_code_view(row) for row in records.one_time_tokens.all_of(user.id)),
            flows=tuple(_flow_view(row) for row in records.flow_states.of(user.id)),
            challenges=tuple(
                ExportedChallenge(
                    factor_id=row.factor_id,
                    ip_address=row.address,
                    created_at=rfc3339(row.created_at),
                    verified_at=rfc3339_or_none(row.verified_at),
                )
                for factor in factors
                for row in records.challenges.of(factor.id)
            ),
            audit_log=tuple(entry_view(row) for row in records.audit.of(user.id)),
        )

    # Going

    async def delete(self, caller: Caller, *, nonce: str, address: str) -> DeletedAccount:
        """Delete the caller, with all sessions and ways in.

        Args:
            caller: Who.
            nonce: The code of a mail; empty: the sign-in must be recent.
            address: Whom wrong codes are counted for.

        Raises:
            RefusalError: ``insufficient_aal``, ``reauthentication_needed``, ``reauthentication_not_valid``.
        """
        check_second_factor(caller, errors.level_too_low_for_own_data())
        if nonce:
            await self._reauthentication.prove(caller.user, nonce, address)
        elif not (caller.user.is_anonymous or self._has_proved_recently(caller.session)):
            raise errors.reauthentication_needed_to_delete()
        return await self._store.write(lambda records: self._delete(records, caller.user.id))

    def _has_proved_recently(self, session: SessionRow | None) -> bool:
        newest = 0 if session is None else max((entry.timestamp for entry in _amr(session)), default=0)
        return self._clock() - newest <= RECENT_SECONDS

    def _delete(self, records: Records, user_id: str) -> DeletedAccount:
        user = records.users.by_id(user_id)
        if user is None:
            raise errors.user_not_found()
        records.users.delete(user.id)  # and with the row all that hangs on it
        self._audit.note(records, Action.USER_DELETED, actor=user)
        for row in records.audit.of(user.id):
            records.audit.update(without_person(row))
        return DeletedAccount(id=user.id, deleted_at=rfc3339(instant(self._clock())))


def _session_view(row: SessionRow) -> ExportedSession:
    return ExportedSession(
        id=row.id,
        aal=row.aal,
        amr=tuple(ProofOfIdentity(method=entry.method, timestamp=entry.timestamp) for entry in _amr(row)),
        factor_id=row.factor_id,
        user_agent=row.user_agent,
        ip_address=row.address,
        created_at=rfc3339(row.created_at),
        refreshed_at=rfc3339_or_none(row.refreshed_at),
    )


def _amr(row: SessionRow) -> list[AmrEntry]:
    return msgspec.json.decode(row.amr, type=list[AmrEntry])


def _code_view(row: OneTimeTokenRow) -> ExportedCode:
    return ExportedCode(kind=row.kind, sent_to=row.relates_to, created_at=rfc3339(row.created_at))


def _flow_view(row: FlowStateRow) -> ExportedFlow:
    return ExportedFlow(
        provider=row.provider, method=row.method, redirect_to=row.redirect_to, created_at=rfc3339(row.created_at)
    )
