"""Invitations, and the links an administrator has made to hand over without a mail of ours.

The rules are Supabase Auth's (``internal/api/invite.go``, ``adminGenerateLink`` in ``mail.go``): an administrator may
ask as often as they like and also where sign-ups are closed, and somebody who has confirmed is not invited.

Above: ``handlers.admin_links``. Below: ``accounts``, ``code_mails``, ``mails.composing``, ``audit``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.accounts import Accounts, data_of, text_of
from cadenza.identity.addresses import normal_email
from cadenza.identity.audit import Action, Admin, Audit
from cadenza.identity.code_mails import CONFIRMATION, INVITATION, MAGIC_LINK, RECOVERY, Ask, CodeMails, Outgoing
from cadenza.identity.config import IdentityConfig
from cadenza.identity.mails import Letter
from cadenza.identity.mails.composing import Composer
from cadenza.identity.metadata import check_metadata, merged
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.records import Records, TokenKind, UserRow
from cadenza.identity.store import Store
from cadenza.identity.views import whole_view
from cadenza.protocol.auth import GeneratedLink, GenerateLinkBody, InviteBody, LinkType, User
from cadenza.protocol.auth.messages import Discreet

_CHANGES: Final = {
    LinkType.EMAIL_CHANGE_CURRENT: TokenKind.EMAIL_CHANGE_CURRENT,
    LinkType.EMAIL_CHANGE_NEW: TokenKind.EMAIL_CHANGE_NEW,
}
_FOR_USERS_ONLY: Final = frozenset({LinkType.RECOVERY, *_CHANGES})
_LONGEST_SHOWN: Final = 64


class _Wanted(Discreet, frozen=True, kw_only=True):
    """A link to make, as far as can be checked without the user. ``hashed`` is a new user's password."""

    kind: LinkType
    email: str
    new_email: str
    data: dict[str, object]
    hashed: str | None
    ask: Ask


class _Made(Discreet, frozen=True, kw_only=True):
    """What came of it: the user as they are shown, what the link is for, and the letter that would carry it."""

    user: User
    kind: LinkType
    letter: Letter


class Invitations:
    """See the module.

    Args:
        config: What a change of address needs.
        store: Where users are.
        accounts: Makes them.
        mails: Makes codes, and sends invitations.
        composer: Makes links.
        passwords: Hashes.
        policy: What a password must be.
        audit: Notes it.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        accounts: Accounts,
        mails: CodeMails,
        composer: Composer,
        passwords: Passwords,
        policy: PasswordPolicy,
        audit: Audit,
    ) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts
        self._mails = mails
        self._composer = composer
        self._passwords = passwords
        self._policy = policy
        self._audit = audit

    # Inviting

    async def invite(self, admin: Admin, body: InviteBody, *, redirect_to: str) -> User:
        """Make a user, if there is none of that address, and send the invitation.

        Raises:
            RefusalError: Not valid, they are there and confirmed, or the mail could not be sent.
        """
        email = normal_email(body.email or "")

        def prepare(records: Records) -> tuple[Outgoing, User]:
            user = self._invited(records, admin, email, body.data or {})
            outgoing = self._mails.prepare_invitation(records, user, Ask(redirect_to=redirect_to))
            return outgoing, whole_view(records, outgoing.user)

        outgoing, view = await self._store.write(prepare)
        await self._mails.send(outgoing)
        return view

    def _invited(self, records: Records, admin: Admin, email: str, data: dict[str, object]) -> UserRow:
        user = _unconfirmed(records, email) or self._new(records, email, data, None)
        traits = {"user_id": user.id, "user_email": user.email or ""}
        self._audit.note(records, Action.USER_INVITED, actor=admin, user_id=user.id, traits=traits)
        return user

    def _new(self, records: Records, email: str, data: dict[str, object], hashed: str | None) -> UserRow:
        check_metadata(data, self._config.user_metadata_limit_bytes)
        return self._accounts.register_named(records, email=email, password_hash=hashed, data=data)

    # Links to hand over

    async def link(self, admin: Admin, body: GenerateLinkBody, *, redirect_to: str) -> GeneratedLink:
        """Make a link and a code for somebody, who is made as well where the kind of link allows it.

        Raises:
            RefusalError: Not valid, there is no such user, or they are confirmed already.
        """
        wanted = await self._checked(body, redirect_to)
        made = await self._store.write(lambda records: self._make(records, admin, wanted))
        letter = made.letter
        return GeneratedLink(
            **msgspec.structs.asdict(made.user),
            action_link=self._composer.link(letter),
            email_otp=letter.code,
            # The link's own. For ``email_change_new`` Supabase Auth says another, which opens nothing.
            hashed_token=letter.token,
            verification_type=made.kind.value,
            redirect_to=redirect_to,
        )

    async def _checked(self, body: GenerateLinkBody, redirect_to: str) -> _Wanted:
        email = normal_email(body.email or "")
        is_known = await self._store.read(lambda records: records.users.by_email(email) is not None)
        kind = _link_type(body.type)
        if not is_known and kind in _FOR_USERS_ONLY:
            raise errors.no_user_of_address()
        if kind is LinkType.EMAIL_CHANGE_CURRENT and not self._config.mail.secure_email_change:
            raise errors.validation_failed("Enable secure email change to generate link for current email")
        hashed = None if is_known else await self._first_hash(kind, body.password)
        new_email = normal_email(body.new_email or "") if kind in _CHANGES else ""
        ask = Ask(redirect_to=redirect_to)
        return _Wanted(kind=kind, email=email, new_email=new_email, data=body.data or {}, hashed=hashed, ask=ask)

    async def _first_hash(self, kind: LinkType, password: str | None) -> str | None:
        if kind is not LinkType.SIGNUP:  # a magic link signs a stranger up; who is invited has no password yet
            return await self._passwords.hash_of_none() if kind is LinkType.MAGICLINK else None
        if not password:
            raise errors.validation_failed("Signup requires a valid password")
        self._policy.check(password)
        return await self._passwords.hash(password)

    def _make(self, records: Records, admin: Admin, wanted: _Wanted) -> _Made:
        user = records.users.by_email(wanted.email)
        kind = LinkType.SIGNUP if wanted.kind is LinkType.MAGICLINK and user is None else wanted.kind
        if kind is LinkType.SIGNUP:
            user, letter = self._to_sign_up(records, wanted)
        elif kind is LinkType.INVITE:
            user = self._invited(records, admin, wanted.email, wanted.data)
            user, letter = self._mails.issue(records, user, INVITATION, wanted.ask)
        elif user is None:
            raise errors.no_user_of_address()
        elif kind in _CHANGES:
            user, letter = self._to_change(records, user, wanted)
        else:
            self._audit.note(records, Action.USER_RECOVERY_REQUESTED, actor=user)
            purpose = MAGIC_LINK if kind is LinkType.MAGICLINK else RECOVERY
            user, letter = self._mails.issue(records, user, purpose, wanted.ask)
        # Whoever has the link comes in as the user: Supabase Auth does not say which administrator had it made.
        traits = {"user_id": user.id, "user_email": user.email or "", "link_type": kind.value}
        self._audit.note(records, Action.LINK_GENERATED, actor=admin, user_id=user.id, traits=traits)
        return _Made(user=whole_view(records, user), kind=kind, letter=letter)

    def _to_sign_up(self, records: Records, wanted: _Wanted) -> tuple[UserRow, Letter]:
        user = _unconfirmed(records, wanted.email)
        if user is None:
            user = self._new(records, wanted.email, wanted.data, wanted.hashed)
        else:
            data = merged(data_of(user.user_metadata), wanted.data)
            check_metadata(data, self._config.user_metadata_limit_bytes)
            user = msgspec.structs.replace(user, user_metadata=text_of(data))
        return self._mails.issue(records, user, CONFIRMATION, wanted.ask)

    def _to_change(self, records: Records, user: UserRow, wanted: _Wanted) -> tuple[UserRow, Letter]:
        owner = records.users.by_email(wanted.new_email)
        if owner is not None and owner.id != user.id:
            raise errors.email_exists()
        return self._mails.issue_email_change(records, user, wanted.new_email, _CHANGES[wanted.kind], wanted.ask)


def _unconfirmed(records: Records, email: str) -> UserRow | None:
    """The user of an address who has not confirmed it yet.

    Raises:
        RefusalError: They have.
    """
    user = records.users.by_email(email)
    if user is not None and user.email_confirmed_at is not None:
        raise errors.email_exists()
    return user


def _link_type(named: str | None) -> LinkType:
    try:
        return LinkType(named or "")
    except ValueError:
        shown = (named or "").encode("unicode_escape").decode()[:_LONGEST_SHOWN]
        raise errors.validation_failed(f"Invalid email action link type requested: {shown}") from None
