"""Links and codes that somebody asks for without being signed in: to come in, to recover, once more.

Whether the address is anybody's, the answer and the work are the same, except where Supabase Auth says it
(``otp_disabled``) because the request wants no user to be made.

Above: ``handlers.links``. Below: ``sign_up``, ``code_mails``, ``phones``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.accounts import Accounts, confirmed
from cadenza.identity.addresses import normal_email, normal_phone
from cadenza.identity.audit import Action, Audit
from cadenza.identity.code_mails import (
    CONFIRMATION,
    EMAIL_CHANGE,
    MAGIC_LINK,
    RECOVERY,
    Ask,
    CodeMails,
    Outgoing,
    Rehearsal,
)
from cadenza.identity.config import IdentityConfig
from cadenza.identity.flows import check_challenge
from cadenza.identity.metadata import check_metadata
from cadenza.identity.phones import Phones
from cadenza.identity.records import Records, UserRow
from cadenza.identity.sign_up import SignUp
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.protocol.auth import MagicLinkBody, OtpBody, OtpSent, RecoverBody, ResendBody, ResendType

_NONE_SENT: Final = OtpSent()


class Links:
    """See the module.

    Args:
        config: Whether new users are taken, and confirmed at once.
        store: Where users are.
        accounts: Makes them.
        sign_up: Asks new ones to confirm.
        mails: Sends codes.
        phones: Gives test numbers theirs.
        audit: Notes it.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        accounts: Accounts,
        sign_up: SignUp,
        mails: CodeMails,
        phones: Phones,
        audit: Audit,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts
        self._sign_up = sign_up
        self._mails = mails
        self._phones = phones
        self._audit = audit
        self._clock = clock

    # Coming in

    async def otp(self, body: OtpBody, *, redirect_to: str) -> OtpSent:
        """Send a code to an address or a test number.

        Raises:
            RefusalError: Not valid, not allowed, too soon, or it could not be sent.
        """
        if body.email and body.phone:
            raise errors.validation_failed("Only an email address or phone number should be provided")
        if body.email and body.channel:
            raise errors.validation_failed("Channel should only be specified with Phone OTP")
        challenge = check_challenge(body.code_challenge, body.code_challenge_method)
        if body.create_user is False:
            await self._check_known(body)
        if body.email:
            ask = Ask(challenge=challenge, redirect_to=redirect_to)
            return await self._magic_link(body.email, body.data or {}, ask)
        if body.phone:
            return await self._text(body.phone, body.channel, body.data or {})
        raise errors.validation_failed("One of email or phone must be set")

    async def magic_link(self, body: MagicLinkBody, *, redirect_to: str) -> OtpSent:
        """The same, for an address."""
        if not self._config.email_sign_in:
            raise errors.email_disabled(422, "logins")
        if not body.email:
            raise errors.recovery_without_address()
        email = normal_email(body.email)
        challenge = check_challenge(body.code_challenge, body.code_challenge_method)
        return await self._magic_link(email, body.data or {}, Ask(challenge=challenge, redirect_to=redirect_to))

    async def _check_known(self, body: OtpBody) -> None:
        email = normal_email(body.email) if body.email else ""
        phone = normal_phone(body.phone) if body.phone and not email else ""

        def find(records: Records) -> UserRow | None:
            return records.users.by_email(email) if email else records.users.by_phone(phone)

        if (email or phone) and await self._store.read(find) is None:
            raise errors.otp_disabled()

    async def _magic_link(self, address: str, data: dict[str, object], ask: Ask) -> OtpSent:
        if not self._config.email_sign_in:
            raise errors.email_disabled(422, "logins")
        email = normal_email(address)
        async with self._mails.evenly():
            await self._mails.send(await self._store.write(lambda records: self._come_in(records, email, data, ask)))
        return _NONE_SENT

    def _come_in(self, records: Records, email: str, data: dict[str, object], ask: Ask) -> Outgoing:
        user = records.users.by_email(email)
        if user is None or user.email_confirmed_at is None:
            user = self._newcomer(records, user, data, email=email)
            if not self._config.autoconfirm:
                outgoing = self._sign_up.ask_to_confirm(records, user, ask).outgoing
                assert outgoing is not None  # an address always gets a mail  # noqa: S101
                return outgoing
            user = confirmed(user, instant(self._clock()))
            self._audit.note(records, Action.USER_SIGNED_UP, actor=user, traits={"provider": "email"})
        self._audit.note(records, Action.USER_RECOVERY_REQUESTED, actor=user)
        return self._mails.prepare(records, user, MAGIC_LINK, ask)

    def _newcomer(
        self,
        records: Records,
        user: UserRow | None,
        data: dict[str, object],
        *,
        email: str | None = None,
        phone: str | None = None,
    ) -> UserRow:
        """The user, made if need be, without a password."""
        if self._config.disable_sign_up:
            raise errors.sign_up_disabled()
        check_metadata(data, self._config.user_metadata_limit_bytes)
        if user is not None:
            return user
        return self._accounts.register(records, email=email, phone=phone, password_hash=None, data=data)

    async def _text(self, number: str, channel: str | None, data: dict[str, object]) -> OtpSent:
        if not self._phones.served:
            raise errors.phone_unsupported()
        phone = normal_phone(number)
        self._phones.check_channel(channel)
        return OtpSent(message_id=await self._store.write(lambda records: self._by_phone(records, phone, data)))

    def _by_phone(self, records: Records, phone: str, data: dict[str, object]) -> str:
        user = records.users.by_phone(phone)
        is_new = user is None or user.phone_confirmed_at is None
        if user is None or is_new:
            user = self._newcomer(records, user, data, phone=phone)
            if self._phones.autoconfirm:
                user = msgspec.structs.replace(user, phone_confirmed_at=instant(self._clock()))
                is_new = False
        action = Action.USER_CONFIRMATION_REQUESTED if is_new else Action.USER_RECOVERY_REQUESTED
        self._audit.note(records, action, actor=user, traits={"channel": "sms"})
        message_id = self._phones.send_confirmation(records, user)
        return "" if is_new else message_id  # seen: only whoever is confirmed gets its number

    # Recovering

    async def recover(self, body: RecoverBody, *, redirect_to: str) -> OtpSent:
        """Send a link that signs in whoever forgot the password.

        Raises:
            RefusalError: Not valid, too soon, or it could not be sent.
        """
        if not self._config.email_sign_in:
            raise errors.email_disabled(422, "logins")
        if not body.email:
            raise errors.validation_failed("Password recovery requires an email")
        email = normal_email(body.email)
        challenge = check_challenge(body.code_challenge, body.code_challenge_method)
        ask = Ask(challenge=challenge, redirect_to=redirect_to)

        def prepare(records: Records) -> Outgoing | Rehearsal:
            user = records.users.by_email(email)
            if user is None:
                return self._mails.prepare_nothing(records, email, RECOVERY, ask)
            self._audit.note(records, Action.USER_RECOVERY_REQUESTED, actor=user)
            return self._mails.prepare(records, user, RECOVERY, ask)

        async with self._mails.evenly():
            await self._mails.send(await self._store.write(prepare))
        return _NONE_SENT

    # Once more

    async def resend(self, body: ResendBody, *, redirect_to: str) -> OtpSent:
        """Send once more what waits for a confirmation.

        Raises:
            RefusalError: Not valid, too soon, or it could not be sent.
        """
        kind = _resend_type(body.type)
        ask = Ask(redirect_to=redirect_to)
        if kind in {ResendType.SIGNUP, ResendType.EMAIL_CHANGE}:
            ask = Ask(
                challenge=check_challenge(body.code_challenge, body.code_challenge_method), redirect_to=redirect_to
            )
        self._check_recipient(kind, body)
        if body.phone:
            return await self._resend_text(kind, normal_phone(body.phone))
        return await self._resend_mail(kind, normal_email(body.email or ""), ask)

    def _check_recipient(self, kind: ResendType, body: ResendBody) -> None:
        if not body.email and kind is ResendType.SIGNUP:
            raise errors.validation_failed("Type provided requires an email address")
        if not body.phone and kind is ResendType.SMS:
            raise errors.validation_failed("Type provided requires a phone number")
        if body.email and body.phone:
            raise errors.validation_failed("Only an email address or phone number should be provided.")
        if body.email and not self._config.email_sign_in:
            raise errors.email_disabled(400, "logins")
        if body.phone and not self._phones.served:
            raise errors.phone_disabled(400, "logins")
        if not body.email and not body.phone:
            raise errors.validation_failed("Missing email address or phone number")

    async def _resend_mail(self, kind: ResendType, email: str, ask: Ask) -> OtpSent:
        purpose = EMAIL_CHANGE if kind is ResendType.EMAIL_CHANGE else CONFIRMATION

        def prepare(records: Records) -> Outgoing | Rehearsal | str:
            user = records.users.by_email(email)
            again = None if user is None else self._again(records, kind, user, ask)
            return self._mails.prepare_nothing(records, email, purpose, ask) if again is None else again

        async with self._mails.evenly():
            outgoing = await self._store.write(prepare)
            if isinstance(outgoing, str):
                return OtpSent(message_id=outgoing)
            await self._mails.send(outgoing)
        return _NONE_SENT

    def _again(self, records: Records, kind: ResendType, user: UserRow, ask: Ask) -> Outgoing | str | None:
        if kind is ResendType.SIGNUP and user.email_confirmed_at is None:
            return self._sign_up.ask_to_confirm(records, user, ask).outgoing
        if kind is ResendType.EMAIL_CHANGE and user.new_email:
            return self._mails.prepare_email_change(records, user, user.new_email, ask)
        if kind is ResendType.PHONE_CHANGE and user.new_phone:
            return self._phones.send_change(records, user, user.new_phone)
        return None

    async def _resend_text(self, kind: ResendType, phone: str) -> OtpSent:
        def send(records: Records) -> str:
            user = records.users.by_phone(phone)
            if user is None:
                return ""
            if kind is ResendType.SMS and user.phone_confirmed_at is None:
                self._audit.note(records, Action.USER_RECOVERY_REQUESTED, actor=user)
                return self._phones.send_confirmation(records, user)
            if kind is ResendType.PHONE_CHANGE and user.new_phone:
                return self._phones.send_change(records, user, user.new_phone)
            return ""

        return OtpSent(message_id=await self._store.write(send))


def _resend_type(named: str | None) -> ResendType:
    try:
        return ResendType(named or "")
    except ValueError:
        message = "Missing one of these types: signup, email_change, sms, phone_change"
        raise errors.validation_failed(message) from None
