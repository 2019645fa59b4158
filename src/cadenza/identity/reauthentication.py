"""Proving once more who one is, with a code from a mail, before a password may be changed by an old session.

Above: ``handlers.links`` asks, ``changes`` checks. Below: ``code_mails``, ``phones``.
"""

from __future__ import annotations

from cadenza.identity import errors
from cadenza.identity.audit import Action, Audit
from cadenza.identity.code_mails import REAUTHENTICATION, Ask, CodeMails, Outgoing
from cadenza.identity.limits import Limits
from cadenza.identity.one_time_codes import OneTimeCodes
from cadenza.identity.phones import Phones
from cadenza.identity.records import Records, TokenKind, UserRow
from cadenza.identity.sessions import Caller
from cadenza.identity.store import Store
from cadenza.protocol.auth import OtpSent


class Reauthentication:
    """See the module.

    Args:
        store: Where users are.
        mails: Sends codes.
        phones: Where the user has a number alone.
        codes: Recognises them.
        limits: Counts wrong ones.
        audit: Notes that one was asked for.
    """

    def __init__(
        self,
        *,
        store: Store,
        mails: CodeMails,
        phones: Phones,
        codes: OneTimeCodes,
        limits: Limits,
        audit: Audit,
    ) -> None:
        self._store = store
        self._mails = mails
        self._phones = phones
        self._codes = codes
        self._limits = limits
        self._audit = audit

    async def ask(self, caller: Caller) -> OtpSent:
        """Send the caller a code.

        Raises:
            RefusalError: There is nowhere to send it, or it was asked for too soon.
        """
        _check_reachable(caller.user)

        def prepare(records: Records) -> Outgoing | str:
            user = records.users.by_id(caller.user.id)
            if user is None:
                raise errors.user_not_found()
            self._audit.note(records, Action.USER_REAUTHENTICATE_REQUESTED, actor=user)
            if user.email:
                return self._mails.prepare(records, user, REAUTHENTICATION, Ask())
            return self._phones.send_reauthentication(records, user)

        outgoing = await self._store.write(prepare)
        if isinstance(outgoing, str):
            return OtpSent(message_id=outgoing)
        await self._mails.send(outgoing)
        return OtpSent()

    async def prove(self, user: UserRow, nonce: str, address: str) -> None:
        """Use a code up.

        Raises:
            RefusalError: ``reauthentication_not_valid``, or too many were wrong.
        """
        self._limits.codes.check(user.id, address)
        kind = TokenKind.REAUTHENTICATION
        sent_to = user.email or user.phone or ""

        def use_up(records: Records) -> bool:
            row = self._codes.by_code(records, sent_to, nonce, kind)
            if row is None or row.user_id != user.id:
                return False
            records.one_time_tokens.drop(user.id)  # all of them, as every use of a code does
            return True

        if not await self._store.write(use_up):
            self._limits.codes.failed(user.id, address)
            raise errors.reauthentication_not_valid().about(user.id)
        self._limits.codes.succeeded(user.id, address)


def _check_reachable(user: UserRow) -> None:
    if user.email:
        if user.email_confirmed_at is None:
            raise errors.confirm_email_first()
    elif not user.phone:
        raise errors.validation_failed("Reauthentication requires the user to have an email or a phone number")
    elif user.phone_confirmed_at is None:
        raise errors.confirm_phone_first()
