"""What a code or a link from a mail does: it confirms, signs in, changes an address. Once, and for a short time.

Above: ``handlers.verify``, ``changes``. Below: ``one_time_codes``, ``flows``, ``accounts``, ``sessions``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors, oauth_errors
from cadenza.identity.accounts import (
    EMAIL_PROVIDER,
    OTP_METHOD,
    PHONE_PROVIDER,
    Accounts,
    changed_text,
    confirmed,
    mark_email_verified,
    text_of,
    way_in,
    with_nothing_sent,
    with_providers,
)
from cadenza.identity.agent import Agent
from cadenza.identity.audit import Action, Audit
from cadenza.identity.bans import is_banned
from cadenza.identity.code_mails import CONFIRMATION as SIGN_UP
from cadenza.identity.code_mails import EMAIL_CHANGE, INVITATION, MAGIC_LINK, RECOVERY
from cadenza.identity.config import IdentityConfig
from cadenza.identity.flows import Flows
from cadenza.identity.one_time_codes import OneTimeCodes
from cadenza.identity.records import OneTimeTokenRow, Records, TokenKind, UserRow
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.times import instant
from cadenza.protocol.auth import VerifyType
from cadenza.protocol.auth.messages import Discreet

_K, _V = TokenKind, VerifyType

#: Which codes a type of ``/verify`` takes, the first that fits.
_KINDS: Final[dict[VerifyType, tuple[TokenKind, ...]]] = {
    _V.SIGNUP: (_K.CONFIRMATION,),
    _V.INVITE: (_K.CONFIRMATION,),
    _V.RECOVERY: (_K.RECOVERY,),
    _V.MAGICLINK: (_K.RECOVERY,),
    _V.EMAIL: (_K.CONFIRMATION, _K.RECOVERY),
    _V.EMAIL_CHANGE: (_K.EMAIL_CHANGE_CURRENT, _K.EMAIL_CHANGE_NEW),
    _V.SMS: (_K.CONFIRMATION,),
    _V.PHONE_CHANGE: (_K.PHONE_CHANGE,),
}
_BY_PHONE: Final = frozenset({_V.SMS, _V.PHONE_CHANGE})
#: What ``amr`` says after a link of a PKCE flow.
_METHODS: Final = {
    _V.SIGNUP: SIGN_UP.method,
    _V.INVITE: INVITATION.method,
    _V.RECOVERY: RECOVERY.method,
    _V.MAGICLINK: MAGIC_LINK.method,
    _V.EMAIL_CHANGE: EMAIL_CHANGE.method,
}


class ShownLink(Discreet, frozen=True, kw_only=True):
    """A link that was followed, or its token."""

    type: str
    token: str


class ShownCode(Discreet, frozen=True, kw_only=True):
    """A code that was typed, and where it was sent: an address or a number, in normal form."""

    type: str
    code: str
    email: str = ""
    phone: str = ""


class HalfWay(msgspec.Struct, frozen=True, kw_only=True):
    """The first of the two codes of a change of address."""


class FlowCode(Discreet, frozen=True, kw_only=True):
    """A link of a PKCE flow was followed: a code for whoever holds the verifier."""

    code: str


class Confirmations:
    """See the module. Everything runs inside a transaction of the caller's.

    Args:
        config: Whether both addresses must confirm a change.
        codes: Recognises codes.
        flows: Issues codes to whoever asked with a challenge.
        accounts: Makes ways in.
        sessions: Opens one.
        audit: Notes it.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        codes: OneTimeCodes,
        flows: Flows,
        accounts: Accounts,
        sessions: Sessions,
        audit: Audit,
        clock: Callable[[], float],
    ) -> None:
        self._both_confirm = config.mail.secure_email_change and not config.autoconfirm
        self._codes = codes
        self._flows = flows
        self._accounts = accounts
        self._sessions = sessions
        self._audit = audit
        self._clock = clock

    # Recognising

    def by_code(self, records: Records, shown: ShownCode, agent: Agent) -> Opened | HalfWay:
        """Use a code up: a session, or half a change of address.

        Raises:
            RefusalError: ``otp_expired``, whatever is wrong with it.
        """
        kind = _verify_type(shown.type)
        sent_to = shown.phone if kind in _BY_PHONE else shown.email
        kinds = _KINDS.get(kind, ()) if kind is not None else ()
        row = self._codes.by_code(records, sent_to, shown.code, *kinds) if sent_to else None
        if row is None or kind is None:
            raise errors.code_expired()
        user = self._use_up(records, row, kind, errors.code_expired)
        if isinstance(user, HalfWay):
            return user
        provider = PHONE_PROVIDER if kind in _BY_PHONE else EMAIL_PROVIDER
        return self._sessions.open(records, user, method=OTP_METHOD, agent=agent, provider=provider)

    def by_link(self, records: Records, shown: ShownLink, agent: Agent) -> Opened | HalfWay:
        """Use a link's token up, shown by a program: a session, or half a change of address."""
        user = self._by_link(records, shown)[0]
        if isinstance(user, HalfWay):
            return user
        return self._sessions.open(records, user, method=OTP_METHOD, agent=agent, provider=EMAIL_PROVIDER)

    def follow(self, records: Records, shown: ShownLink, agent: Agent) -> Opened | HalfWay | FlowCode:
        """Use a link up, followed by a browser: the same, or a code where it was asked for with a challenge."""
        user, row = self._by_link(records, shown)
        if isinstance(user, HalfWay):
            return user
        if not row.pkce:
            return self._sessions.open(records, user, method=OTP_METHOD, agent=agent, provider=EMAIL_PROVIDER)
        return self._flow_code(records, user, VerifyType(shown.type), row)

    def _by_link(self, records: Records, shown: ShownLink) -> tuple[UserRow | HalfWay, OneTimeTokenRow]:
        kind = _verify_type(shown.type)
        if kind is None or kind in _BY_PHONE:
            raise errors.validation_failed("Invalid email verification type")
        row = self._codes.by_link(records, shown.token, *_KINDS[kind])
        if row is None:
            raise errors.link_expired()
        return self._use_up(records, row, kind, errors.link_expired), row

    def _flow_code(self, records: Records, user: UserRow, kind: VerifyType, row: OneTimeTokenRow) -> FlowCode:
        if kind is VerifyType.EMAIL:
            kind = VerifyType.SIGNUP if row.kind == TokenKind.CONFIRMATION else VerifyType.MAGICLINK
        flow = records.flow_states.latest_of(user.id, _METHODS[kind])
        if flow is None or not flow.challenge:
            raise oauth_errors.flow_state_not_found().about(user.id)
        records.users.update(user)
        return FlowCode(code=self._flows.issue_code(records, flow, user_id=user.id))

    # What it does

    def _use_up(
        self,
        records: Records,
        row: OneTimeTokenRow,
        kind: VerifyType,
        expired: Callable[[], errors.RefusalError],
    ) -> UserRow | HalfWay:
        user = records.users.by_id(row.user_id)
        if user is None:
            raise expired()
        if is_banned(user, instant(self._clock())):
            raise errors.user_banned().about(user.id)
        if kind is VerifyType.EMAIL_CHANGE:
            if self._both_confirm and user.email and user.email_change_status == 0:
                return self._half_changed(records, user, row)
            user = self.change_email(records, user)
        elif kind is VerifyType.PHONE_CHANGE:
            user = self.change_phone(records, user)
        else:
            user = self._confirm(records, user, row, kind)
        return with_providers(records, user)

    def _confirm(self, records: Records, user: UserRow, row: OneTimeTokenRow, kind: VerifyType) -> UserRow:
        now = instant(self._clock())
        records.one_time_tokens.drop(user.id)
        if kind is VerifyType.SMS:
            self._audit.note(records, Action.USER_SIGNED_UP, actor=user, traits={"provider": PHONE_PROVIDER})
            return msgspec.structs.replace(user, phone_confirmed_at=now, is_anonymous=False, updated_at=now)
        if row.kind == TokenKind.RECOVERY and user.email_confirmed_at is not None:
            return user
        self._audit.note(records, Action.USER_SIGNED_UP, actor=user, traits={"provider": EMAIL_PROVIDER})
        if (
            row.kind == TokenKind.CONFIRMATION
        ):  # seen: a link to come in confirms the user, and leaves the way in as it is
            mark_email_verified(records, user, now)
            user = self._first_password(records, user)
        return confirmed(user, now)

    @staticmethod
    def _first_password(records: Records, user: UserRow) -> UserRow:
        """Who was invited gets a password there that nobody knows, and so nothing is under way to them any more."""
        if user.invited_at is None or user.password_hash is not None:
            return user
        records.sessions.delete_of(user.id)
        return with_nothing_sent(user)

    def _half_changed(self, records: Records, user: UserRow, row: OneTimeTokenRow) -> HalfWay:
        records.one_time_tokens.drop(user.id, TokenKind(row.kind))
        records.users.update(msgspec.structs.replace(user, email_change_status=1))
        return HalfWay()

    def change_email(self, records: Records, user: UserRow) -> UserRow:
        """Give a user the address that waits for them, confirmed; an anonymous user is one no more.

        Raises:
            RefusalError: ``email_exists``: somebody else has got it meanwhile.
        """
        now, email = instant(self._clock()), user.new_email or ""
        other = records.users.by_email(email)
        if not email or (other is not None and other.id != user.id):
            raise errors.email_exists() if email else errors.link_expired()
        self._audit.note(records, Action.USER_MODIFIED, actor=user)
        records.one_time_tokens.drop(user.id)
        known = {"email": email, "email_verified": True}
        identity = way_in(records, user.id, EMAIL_PROVIDER)
        if identity is None:
            data = text_of({**known, "phone_verified": False, "sub": user.id})
            self._accounts.add_identity(records, user, EMAIL_PROVIDER, data, email=email)
        else:
            changed = msgspec.structs.replace(
                identity, email=email, data=changed_text(identity.data, known), updated_at=now
            )
            records.identities.update(changed)
        user = msgspec.structs.replace(
            user, email=email, new_email=None, email_change_status=0, is_anonymous=False, updated_at=now
        )
        user = user if user.email_confirmed_at is not None else confirmed(user, now)
        records.users.update(user)
        return user

    def change_phone(self, records: Records, user: UserRow) -> UserRow:
        """Give a user the number that waits for them, confirmed.

        Raises:
            RefusalError: ``phone_exists``: somebody else has got it meanwhile.
        """
        now, phone = instant(self._clock()), user.new_phone or ""
        other = records.users.by_phone(phone)
        if not phone or (other is not None and other.id != user.id):
            raise errors.phone_exists() if phone else errors.code_expired()
        self._audit.note(records, Action.USER_MODIFIED, actor=user)
        records.one_time_tokens.drop(user.id)
        known = {"phone": phone, "phone_verified": True}
        identity = way_in(records, user.id, PHONE_PROVIDER)
        if identity is None:
            data = text_of({"email_verified": False, **known, "sub": user.id})
            self._accounts.add_identity(records, user, PHONE_PROVIDER, data)
        else:
            records.identities.update_data(identity.id, changed_text(identity.data, known), now)
        user = msgspec.structs.replace(
            user, phone=phone, new_phone=None, phone_confirmed_at=now, is_anonymous=False, updated_at=now
        )
        records.users.update(user)
        return user


def _verify_type(named: str) -> VerifyType | None:
    try:
        return VerifyType(named)
    except ValueError:
        return None
