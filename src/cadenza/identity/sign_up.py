"""Signing up with an address or a test number: a session, or a user who must confirm first.

Whether an address is registered is told to nobody, except by a sign-up that is confirmed at once
(``user_already_exists``): Supabase Auth draws the line there, and so do we. The work done is the same in either case:
one hash, one transaction that writes, one mail made.

Above: ``handlers.tokens``, ``links``. Below: ``accounts``, ``code_mails``, ``phones``, ``passwords``, ``sessions``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.accounts import (
    ANONYMOUS_METHOD,
    EMAIL_PROVIDER,
    PASSWORD_METHOD,
    PHONE_PROVIDER,
    Accounts,
    confirmed,
)
from cadenza.identity.addresses import normal_email, normal_phone
from cadenza.identity.agent import NOBODY, Agent
from cadenza.identity.audit import Action, Audit
from cadenza.identity.code_mails import CONFIRMATION, Ask, CodeMails, Outgoing, Rehearsal
from cadenza.identity.config import IdentityConfig
from cadenza.identity.flows import check_challenge
from cadenza.identity.metadata import check_metadata
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.phones import Phones
from cadenza.identity.records import Records, UserRow
from cadenza.identity.sessions import Opened, Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import instant, rfc3339
from cadenza.identity.views import whole_view
from cadenza.protocol.auth import Session, SignupBody, User
from cadenza.protocol.auth.messages import Discreet

_BY: Final = {name: {"provider": name} for name in (EMAIL_PROVIDER, PHONE_PROVIDER)}


class _Wanted(Discreet, frozen=True, kw_only=True):
    """A sign-up, checked: an address or a number. ``hashed`` is the password's."""

    email: str
    phone: str
    hashed: str = ""
    data: dict[str, object]
    ask: Ask
    agent: Agent


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A user who must confirm first, and the mail that says so."""

    user: User
    outgoing: Outgoing | None


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signs up with an address that is another's, who is told nothing; nor is there a mail."""

    user: User
    outgoing: Rehearsal | None


class SignUp:
    """See the module.

    Args:
        config: Whether, and whether confirmed at once.
        store: Where users are.
        accounts: Makes them.
        mails: Sends codes.
        phones: Gives test numbers theirs.
        passwords: Hashes.
        policy: What a password must be.
        sessions: Opens one.
        audit: Notes it.
        clock: Seconds since the epoch.
        new_id: Makes ids.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        accounts: Accounts,
        mails: CodeMails,
        phones: Phones,
        passwords: Passwords,
        policy: PasswordPolicy,
        sessions: Sessions,
        audit: Audit,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts
        self._mails = mails
        self._phones = phones
        self._passwords = passwords
        self._policy = policy
        self._sessions = sessions
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def sign_up(self, body: SignupBody, *, redirect_to: str = "", agent: Agent = NOBODY) -> Session | User:
        """Register somebody with a password.

        Raises:
            RefusalError: Not valid, not allowed, or the mail could not be sent.
        """
        wanted = self._validated(body, redirect_to, agent)
        wanted = msgspec.structs.replace(wanted, hashed=await self._passwords.hash(body.password or ""))
        async with contextlib.nullcontext() if self._config.autoconfirm else self._mails.evenly():
            outcome = await self._store.write(lambda records: self._register(records, wanted))
            if not isinstance(outcome, Opened):
                if outcome.outgoing is not None:
                    await self._mails.send(outcome.outgoing)
                return outcome.user
        session = self._sessions.hand_out(outcome)
        # Seen: the answer to a sign-up lacks this one field, the next answer has it.
        return msgspec.structs.replace(session, user=msgspec.structs.replace(session.user, confirmed_at=None))

    async def sign_up_anonymously(self, body: SignupBody, *, agent: Agent = NOBODY) -> Session:
        """Register somebody who says nothing of who they are.

        Raises:
            RefusalError: Not allowed.
        """
        if not self._config.anonymous_users:
            raise errors.anonymous_disabled()
        if self._config.disable_sign_up:
            raise errors.sign_up_disabled()
        data = body.data or {}
        check_metadata(data, self._config.user_metadata_limit_bytes)

        def register(records: Records) -> Opened:
            user = self._accounts.register_anonymously(records, data)
            self._audit.note(records, Action.USER_SIGNED_UP, actor=user, traits={"provider": ANONYMOUS_METHOD})
            return self._sessions.open(records, user, method=ANONYMOUS_METHOD, agent=agent, signing_up=True)

        return self._sessions.hand_out(await self._store.write(register))

    # Checking

    def _validated(self, body: SignupBody, redirect_to: str, agent: Agent) -> _Wanted:
        if self._config.disable_sign_up:
            raise errors.sign_up_disabled()
        if not body.password:
            raise errors.validation_failed("Signup requires a valid password")
        self._policy.check(body.password)
        if body.email and body.phone:
            raise errors.validation_failed("Only an email address or phone number should be provided on signup.")
        if body.phone and body.code_challenge:
            raise errors.validation_failed("PKCE not supported for phone signups")
        challenge = check_challenge(body.code_challenge, body.code_challenge_method)
        email, phone = self._recipient(body)
        data = body.data or {}
        check_metadata(data, self._config.user_metadata_limit_bytes)
        ask = Ask(challenge=challenge, redirect_to=redirect_to)
        return _Wanted(email=email, phone=phone, data=data, ask=ask, agent=agent)

    def _recipient(self, body: SignupBody) -> tuple[str, str]:
        if body.phone:
            self._phones.check_channel(body.channel)
            if not self._phones.served:
                raise errors.phone_disabled(400, "signups")
            return "", normal_phone(body.phone)
        if not self._config.email_sign_in:
            raise errors.email_disabled(400, "signups")
        return normal_email(body.email or ""), ""

    # Registering

    def _register(self, records: Records, wanted: _Wanted) -> Opened | Pending | Stranger:
        if wanted.phone:
            user = records.users.by_phone(wanted.phone)
            is_taken = user is not None and user.phone_confirmed_at is not None
        else:
            user = records.users.by_email(wanted.email)
            is_taken = user is not None and user.email_confirmed_at is not None
        if user is not None and is_taken:
            return self._taken(records, user, wanted)
        if user is None:
            user = self._accounts.register(
                records,
                email=wanted.email or None,
                phone=wanted.phone or None,
                password_hash=wanted.hashed,
                data=wanted.data,
            )
        return self._by_phone(records, user, wanted) if wanted.phone else self._by_email(records, user, wanted)

    def _by_email(self, records: Records, user: UserRow, wanted: _Wanted) -> Opened | Pending:
        if not self._config.autoconfirm:
            return self.ask_to_confirm(records, user, wanted.ask)
        # Nobody has shown yet that an unconfirmed address is theirs, so the password of whoever comes last counts.
        user = msgspec.structs.replace(confirmed(user, instant(self._clock())), password_hash=wanted.hashed)
        return self._come_in(records, user, wanted)

    def _by_phone(self, records: Records, user: UserRow, wanted: _Wanted) -> Opened | Pending:
        if self._phones.autoconfirm:
            now = instant(self._clock())
            user = msgspec.structs.replace(user, phone_confirmed_at=now, updated_at=now, password_hash=wanted.hashed)
            return self._come_in(records, user, wanted)
        self._audit.note(records, Action.USER_CONFIRMATION_REQUESTED, actor=user, traits=_BY[PHONE_PROVIDER])
        self._phones.send_confirmation(records, user)
        return Pending(user=whole_view(records, records.users.by_id(user.id) or user), outgoing=None)

    def ask_to_confirm(self, records: Records, user: UserRow, ask: Ask) -> Pending:
        """Prepare the mail by which a user shows that the address is theirs. Runs inside a transaction."""
        outgoing = self._mails.prepare(records, user, CONFIRMATION, ask)
        self._audit.note(records, Action.USER_CONFIRMATION_REQUESTED, actor=user, traits=_BY[EMAIL_PROVIDER])
        view = whole_view(records, outgoing.user)
        if user.invited_at is not None:  # what the invitation said of them is no business of whoever signs up
            view = msgspec.structs.replace(view, user_metadata={}, identities=())
        return Pending(user=view, outgoing=outgoing)

    def _come_in(self, records: Records, user: UserRow, wanted: _Wanted) -> Opened:
        provider = PHONE_PROVIDER if wanted.phone else EMAIL_PROVIDER
        self._audit.note(records, Action.USER_SIGNED_UP, actor=user, traits=_BY[provider])
        return self._sessions.open(
            records, user, method=PASSWORD_METHOD, agent=wanted.agent, provider=provider, signing_up=True
        )

    def _taken(self, records: Records, user: UserRow, wanted: _Wanted) -> Stranger:
        if self._config.autoconfirm or self._phones.autoconfirm:
            raise errors.user_already_exists()
        provider = PHONE_PROVIDER if wanted.phone else EMAIL_PROVIDER
        self._audit.note(records, Action.USER_REPEATED_SIGN_UP, actor=user, traits=_BY[provider])
        at = rfc3339(instant(self._clock()))
        made_up = User(
            id=self._new_id(),
            aud=self._config.audience,
            role="",
            email=wanted.email,
            phone=wanted.phone,
            confirmation_sent_at=at,
            app_metadata={"provider": provider, "providers": [provider]},
            user_metadata=wanted.data,
            identities=(),
            created_at=at,
            updated_at=at,
            is_anonymous=False,
        )
        outgoing = None
        if wanted.email:
            outgoing = self._mails.prepare_nothing(records, wanted.email, CONFIRMATION, wanted.ask, data=wanted.data)
        return Stranger(user=made_up, outgoing=outgoing)
