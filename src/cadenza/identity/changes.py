"""What users change of themselves: their data, their password, their address or number.

A new address counts once it is confirmed, from the old one too. A new password ends the user's other sessions, for it
is changed because someone may know the old one; an old session must prove once more who it is, if so configured.

Above: ``handlers.user``. Below: ``confirmations``, ``code_mails``, ``phones``, ``reauthentication``, ``passwords``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.accounts import data_of, text_of, with_nothing_sent
from cadenza.identity.addresses import normal_email, normal_phone
from cadenza.identity.audit import Action, Audit
from cadenza.identity.code_mails import Ask, CodeMails, Outgoing
from cadenza.identity.config import IdentityConfig
from cadenza.identity.confirmations import Confirmations
from cadenza.identity.flows import check_challenge
from cadenza.identity.levels import check_second_factor
from cadenza.identity.metadata import check_metadata, merged
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.phones import Phones
from cadenza.identity.reauthentication import Reauthentication
from cadenza.identity.records import Records, UserRow
from cadenza.identity.sessions import Caller
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.identity.views import whole_view
from cadenza.protocol.auth import User, UserUpdateBody

#: A session this young needs no further proof.
_YOUNG_SECONDS: Final = 24 * 3600


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A request to change, checked: what is ``None`` or empty stays. ``hashed`` is the new password's."""

    email: str = ""
    phone: str = ""
    hashed: str | None = None
    data: dict[str, object] | None = None
    ask: Ask

    def __repr__(self) -> str:
        return "<_Wanted>"


class Changes:
    """See the module.

    Args:
        config: What needs a confirmation or a proof.
        store: Where users are.
        confirmations: Changes what needs none.
        mails: Sends codes.
        phones: Gives test numbers theirs.
        reauthentication: Checks the proof.
        passwords: Hashes.
        policy: What a password must be.
        audit: Notes it.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        confirmations: Confirmations,
        mails: CodeMails,
        phones: Phones,
        reauthentication: Reauthentication,
        passwords: Passwords,
        policy: PasswordPolicy,
        audit: Audit,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._store = store
        self._confirmations = confirmations
        self._mails = mails
        self._phones = phones
        self._reauthentication = reauthentication
        self._passwords = passwords
        self._policy = policy
        self._audit = audit
        self._clock = clock

    async def apply(self, caller: Caller, body: UserUpdateBody, *, redirect_to: str = "", address: str = "") -> User:
        """Change the caller.

        Args:
            caller: Who.
            body: What.
            redirect_to: Where links in mails end.
            address: Whom wrong proofs are counted for.

        Raises:
            RefusalError: Not valid, not allowed, or a mail could not be sent.
        """
        wanted = await self._checked(caller, body, redirect_to)
        if body.password is not None:
            await self._check_proof(caller, body.nonce or "", address)
            wanted = msgspec.structs.replace(wanted, hashed=await self._new_hash(caller.user, body.password))
        view, outgoing = await self._store.write(lambda records: self._apply(records, caller, wanted))
        if outgoing is not None:
            await self._mails.send(outgoing)
        return view

    # Checking

    async def _checked(self, caller: Caller, body: UserUpdateBody, redirect_to: str) -> _Wanted:
        user = caller.user
        email = normal_email(body.email) if body.email else ""
        phone = normal_phone(body.phone) if body.phone else ""
        if phone:
            self._phones.check_channel(body.channel)
        if body.password is not None:
            self._policy.check(body.password)
        if body.app_metadata is not None:
            raise errors.not_admin()
        email = email if email != user.email else ""
        phone = phone if phone != user.phone else ""
        if email or phone or body.password:
            # Who has a second factor must have shown it before they change what they sign in with.
            check_second_factor(caller, errors.level_too_low_to_update())
        if user.is_anonymous and body.password and not (email or phone):
            raise errors.anonymous_password()
        await self._check_free(email, phone)
        if phone and not self._phones.served:
            raise errors.phone_disabled(422, "changes")
        challenge = check_challenge(body.code_challenge, body.code_challenge_method) if email else ""
        ask = Ask(challenge=challenge, redirect_to=redirect_to)
        return _Wanted(email=email, phone=phone, data=body.data, ask=ask)

    async def _check_free(self, email: str, phone: str) -> None:
        def check(records: Records) -> None:
            if email and records.users.by_email(email) is not None:
                raise errors.email_exists()
            if phone and records.users.by_phone(phone) is not None:
                raise errors.phone_exists()

        if email or phone:
            await self._store.read(check)

    async def _check_proof(self, caller: Caller, nonce: str, address: str) -> None:
        if not self._config.password_change_needs_reauthentication:
            return
        session, now = caller.session, instant(self._clock())
        if session is not None and now <= session.created_at + instant(_YOUNG_SECONDS):
            return
        if not nonce:
            raise errors.reauthentication_needed()
        await self._reauthentication.prove(caller.user, nonce, address)

    async def _new_hash(self, user: UserRow, password: str) -> str:
        if await self._passwords.verify(password, user.password_hash):
            raise errors.same_password()
        return await self._passwords.hash(password)

    # Changing

    def _apply(self, records: Records, caller: Caller, wanted: _Wanted) -> tuple[User, Outgoing | None]:
        user = records.users.by_id(caller.user.id)
        if user is None:
            raise errors.user_not_found()
        user = self._with_data(user, wanted.data)
        if wanted.hashed is not None:
            user = self._with_password(records, caller, user, wanted.hashed)
        records.users.update(user)
        outgoing = self._change_email(records, user, wanted) if wanted.email else None
        if wanted.phone:
            self._change_phone(records, user, wanted.phone)
        user = records.users.by_id(user.id) or user
        self._audit.note(records, Action.USER_MODIFIED, actor=user)
        return whole_view(records, user), outgoing

    def _with_data(self, user: UserRow, data: dict[str, object] | None) -> UserRow:
        changes: dict[str, object] = {"updated_at": instant(self._clock())}
        if data is not None:
            new = merged(data_of(user.user_metadata), data)
            check_metadata(new, self._config.user_metadata_limit_bytes)
            changes["user_metadata"] = text_of(new)
        return msgspec.structs.replace(user, **changes)

    def _with_password(self, records: Records, caller: Caller, user: UserRow, hashed: str) -> UserRow:
        """What waits for a code was asked for by whoever knew the old password: it waits no more."""
        records.one_time_tokens.drop(user.id)
        records.sessions.delete_of(user.id, but=None if caller.session is None else caller.session.id)
        self._audit.note(records, Action.USER_UPDATED_PASSWORD, actor=user)
        return msgspec.structs.replace(with_nothing_sent(user), password_hash=hashed)

    def _change_email(self, records: Records, user: UserRow, wanted: _Wanted) -> Outgoing | None:
        if user.is_anonymous and self._config.autoconfirm:
            # Like a sign-up; whoever has an address already confirms the next one, come what may.
            self._confirmations.change_email(records, msgspec.structs.replace(user, new_email=wanted.email))
            return None
        return self._mails.prepare_email_change(records, user, wanted.email, wanted.ask)

    def _change_phone(self, records: Records, user: UserRow, phone: str) -> None:
        user = records.users.by_id(user.id) or user
        if self._phones.autoconfirm:
            self._confirmations.change_phone(records, msgspec.structs.replace(user, new_phone=phone))
        else:
            self._phones.send_change(records, user, phone)
