"""Whose user somebody at another provider is: known, linked by an address both vouch for, or new.

The rules are Supabase Auth's (``internal/models/linking.go``): addresses link where the provider says they are verified
(or where everything is confirmed at once). Ours are narrower in one case: a way in whose address nobody has verified,
and that is not its user's own, links nobody; else who adds such a one to their account would receive its owner.

A user whose address was never confirmed may be a trap laid by somebody else: when its owner comes by a provider, the
password, the other ways in and the sessions made before are removed.

Everything runs inside a transaction of the caller's. Who cannot come in before their address is confirmed is *returned*
as ``Waiting``: what was done for them must stay.

Above: ``oauth``, ``handlers.identities``, ``grants.id_token``. Below: ``ways_in``, ``records``, ``providers``,
``code_mails``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

import msgspec

from cadenza.identity import oauth_errors as errors
from cadenza.identity.accounts import changed_text, confirmed, text_of, with_nothing_sent
from cadenza.identity.agent import NOBODY, Agent
from cadenza.identity.audit import Action, Audit
from cadenza.identity.bans import is_banned
from cadenza.identity.code_mails import CONFIRMATION, Ask, CodeMails, Outgoing
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError, sign_up_disabled, user_banned
from cadenza.identity.one_time_codes import OneTimeCodes
from cadenza.identity.providers import Profile
from cadenza.identity.records import IdentityRow, Records, TokenKind, UserRow
from cadenza.identity.times import instant
from cadenza.identity.ways_in import WaysIn, is_verified


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose address must be confirmed first: what they are told, and the mail that asks for it, if any."""

    refusal: RefusalError
    mail: Outgoing | None = None

    def __repr__(self) -> str:
        return "<Waiting>"


class Linking:
    """Decides, and writes what follows.

    Args:
        config: Whether new users are taken, and confirmed at once.
        mails: Asks for confirmations.
        codes: Recognises invitations.
        audit: Notes what was linked.
        clock: Seconds since the epoch.
        new_id: Makes ids.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        mails: CodeMails,
        codes: OneTimeCodes,
        audit: Audit,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._mails = mails
        self._codes = codes
        self._ways_in = WaysIn(config, clock=clock, new_id=new_id)
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def turn_away(self, waiting: Waiting) -> NoReturn:
        """Send the mail that was prepared, after the transaction, and say that it must be answered.

        Raises:
            RefusalError: Always.
        """
        if waiting.mail is not None:
            await self._mails.send(waiting.mail)
        raise waiting.refusal

    # Coming in

    def sign_in(
        self,
        records: Records,
        profile: Profile,
        *,
        provider: str,
        email_optional: bool = False,
        agent: Agent = NOBODY,
        redirect_to: str = "",
    ) -> UserRow | Waiting:
        """The user of a profile, found, linked or made.

        Args:
            records: The transaction's.
            profile: What the provider says.
            provider: Its name.
            email_optional: Take users without an address.
            agent: Who asks, for the audit log.
            redirect_to: Where the link of a confirmation leads; empty: to the site.

        Returns:
            The user, or that they must confirm their address first.

        Raises:
            RefusalError: They may not come in, and nothing is to stay.
        """
        data = self._ways_in.fitting(profile.data)
        identity = records.identities.by_subject(provider, profile.subject)
        if identity is not None:
            user = self._ways_in.seen_again(records, identity, data)
        else:
            found = self._user_of_addresses(records, profile)
            user = self._new_user(records, profile, provider, data) if found is None else found
            identity = self._ways_in.add(records, user, provider, profile.subject, data)
            user = self._ways_in.with_data(records, user, data)
            if found is not None:
                self._note(records, Action.IDENTITY_LINKED, user, identity, agent)
        if is_banned(user, instant(self._clock())):
            raise user_banned().about(user.id)
        if user.email_confirmed_at is not None or (email_optional and not user.email):
            return user
        user = self._ways_in.without_strangers(records, user, identity)
        return self._first_confirmed(records, user, profile, provider, Ask(redirect_to=redirect_to))

    def _user_of_addresses(self, records: Records, profile: Profile) -> UserRow | None:
        """The one user whose verified address the profile shares.

        Raises:
            RefusalError: There are several.
        """
        autoconfirm = self._config.autoconfirm
        addresses = {email.address.lower() for email in profile.emails if email.verified or autoconfirm}
        owners: dict[str, UserRow] = {}
        for address in addresses:
            for identity in records.identities.of_email(address):
                owner = records.users.by_id(identity.user_id)
                if owner is not None and (owner.email == address or is_verified(identity)):
                    owners[owner.id] = owner
        if not owners:
            users = (records.users.by_email(address) for address in addresses)
            owners = {user.id: user for user in users if user is not None}
        if len(owners) > 1:
            raise errors.multiple_accounts()
        return next(iter(owners.values()), None)

    def _new_user(self, records: Records, profile: Profile, provider: str, data: Mapping[str, object]) -> UserRow:
        if self._config.disable_sign_up:
            raise sign_up_disabled()
        now = instant(self._clock())
        address = _primary(profile)
        user = UserRow(
            id=self._new_id(),
            aud=self._config.audience,
            role=self._config.default_role,
            # An address that is somebody's already, and that this provider does not vouch for, stays theirs.
            email=address if address and records.users.by_email(address) is None else None,
            password_hash=None,
            email_confirmed_at=None,
            confirmation_sent_at=None,
            last_sign_in_at=None,
            app_metadata=text_of({"provider": provider, "providers": [provider]}),
            user_metadata=text_of(data),
            is_anonymous=False,
            created_at=now,
            updated_at=now,
        )
        records.users.insert(user)
        return user

    def _first_confirmed(
        self, records: Records, user: UserRow, profile: Profile, provider: str, ask: Ask
    ) -> UserRow | Waiting:
        """What is done when nobody had shown yet that the user's address is theirs."""
        address = self._vouched_for(records, user, profile)
        if not self._config.autoconfirm and address is None:
            mail = self._confirmation(records, user, ask)
            refusal = errors.email_needs_verification(provider, sent=mail is not None)
            return Waiting(refusal=refusal, mail=mail)
        user = confirmed(msgspec.structs.replace(user, email=address or user.email), instant(self._clock()))
        records.users.update(user)
        self._audit.note(records, Action.USER_SIGNED_UP, actor=user, traits={"provider": provider})
        return user

    def _confirmation(self, records: Records, user: UserRow, ask: Ask) -> Outgoing | None:
        if not user.email:
            return None
        where = ask.redirect_to or self._config.site_url
        return self._mails.prepare(records, user, CONFIRMATION, Ask(redirect_to=where))

    def _vouched_for(self, records: Records, user: UserRow, profile: Profile) -> str | None:
        """The user's address, or the one they are to have, if the provider says it is theirs."""
        email = profile.email
        if email is None or not (email.verified and email.primary):
            return None
        address = email.address.lower()
        if user.email is None and records.users.by_email(address) is None:
            return address
        return address if user.email == address else None

    # Coming by an invitation

    def invited(self, records: Records, invitation: str) -> UserRow | None:
        """Whom the token of an invitation's link was sent to, if it is still good."""
        row = self._codes.by_link(records, invitation, TokenKind.CONFIRMATION)
        return None if row is None else records.users.by_id(row.user_id)

    def accept(self, records: Records, profile: Profile, invitation: str, *, provider: str, agent: Agent) -> UserRow:
        """The user of an invitation, with a way in at the provider and no other.

        Whoever has the link had the mail, so the address needs no further proof; but it must be the provider's too.

        Raises:
            RefusalError: The invitation is used or too old, or for another address, or the way in is somebody's.
        """
        user = self.invited(records, invitation)
        if user is None:
            raise errors.invitation_not_found()
        now = instant(self._clock())
        if is_banned(user, now):
            raise user_banned().about(user.id)
        if user.email not in {email.address.lower() for email in profile.emails}:
            raise errors.invitation_for_another().about(user.id)
        known = records.identities.by_subject(provider, profile.subject)
        if known is not None:
            raise errors.identity_already_linked(to_another=known.user_id != user.id).about(user.id)
        identity = self._ways_in.add(records, user, provider, profile.subject, self._ways_in.fitting(profile.data))
        traits = {"provider": provider}
        self._audit.note(records, Action.INVITE_ACCEPTED, actor=user, address=agent.address, traits=traits)
        user = confirmed(self._ways_in.without_strangers(records, user, identity), now)
        records.users.update(user)
        return user

    # Adding and removing by hand

    def link(
        self,
        records: Records,
        user_id: str,
        profile: Profile,
        *,
        provider: str,
        agent: Agent = NOBODY,
        redirect_to: str = "",
    ) -> UserRow | Waiting:
        """Add a way in to a user who is signed in; an anonymous one is none afterwards.

        Returns:
            The user, or that they must confirm their address first.

        Raises:
            RefusalError: The user is gone, or the way in is somebody's already.
        """
        user = records.users.by_id(user_id)
        if user is None:
            raise errors.linking_user_not_found()
        known = records.identities.by_subject(provider, profile.subject)
        if known is not None:
            raise errors.identity_already_linked(to_another=known.user_id != user.id)
        data = self._ways_in.fitting(profile.data)
        identity = self._ways_in.add(records, user, provider, profile.subject, data)
        self._note(records, Action.IDENTITY_LINKED, user, identity, agent)
        user = self._ways_in.with_providers(records, user)
        if user.email:
            return user
        return self._with_first_address(records, user, profile, provider, Ask(redirect_to=redirect_to))

    def _with_first_address(
        self, records: Records, user: UserRow, profile: Profile, provider: str, ask: Ask
    ) -> UserRow | Waiting:
        email = profile.email
        if email is None:
            user = msgspec.structs.replace(user, is_anonymous=False)
            records.users.update(user)
            return user
        address = email.address.lower()
        if records.users.by_email(address) is not None:
            raise errors.linked_email_exists()
        now = instant(self._clock())
        user = _without_pending(records, msgspec.structs.replace(user, email=address, updated_at=now))
        if not email.verified:
            records.users.update(user)
            mail = self._confirmation(records, user, ask)
            return Waiting(refusal=errors.linked_email_not_confirmed(provider), mail=mail)
        user = confirmed(msgspec.structs.replace(user, is_anonymous=False), now)
        records.users.update(user)
        return user

    def unlink(self, records: Records, user: UserRow, identity_id: str, *, agent: Agent = NOBODY) -> UserRow:
        """Remove a way in.

        Raises:
            RefusalError: It is the last one, or not the user's, or what is left is another user's address.
        """
        identities = records.identities.of(user.id)
        if len(identities) <= 1:
            raise errors.last_identity()
        gone = next((identity for identity in identities if identity.id == identity_id), None)
        if gone is None:
            raise errors.identity_not_found()
        self._note(records, Action.IDENTITY_UNLINKED, user, gone, agent)
        records.identities.delete(gone.id)
        left = tuple(identity for identity in identities if identity is not gone)
        return self._ways_in.with_providers(records, self._with_address_of(records, user, left))

    def _with_address_of(self, records: Records, user: UserRow, left: tuple[IdentityRow, ...]) -> UserRow:
        """The user with an address that one of the ways in left has; verified ones first, then the oldest."""
        if any((identity.email or "") == (user.email or "") for identity in left):
            return user
        ranked = sorted(left, key=lambda identity: (not identity.email, not is_verified(identity)))
        for identity in ranked:
            owner = records.users.by_email(identity.email) if identity.email else None
            if owner is None or owner.id == user.id:
                return self._moved_to(records, user, identity)
        raise errors.identity_email_conflict()

    def _moved_to(self, records: Records, user: UserRow, identity: IdentityRow) -> UserRow:
        user = _without_pending(records, msgspec.structs.replace(user, email=identity.email))
        if identity.email and (is_verified(identity) or self._config.autoconfirm):
            return user
        metadata = changed_text(user.user_metadata, {"email_verified": False})
        return msgspec.structs.replace(user, email_confirmed_at=None, user_metadata=metadata)

    # Shared

    def _note(self, records: Records, action: Action, user: UserRow, identity: IdentityRow, agent: Agent) -> None:
        traits = {"identity_id": identity.id, "provider": identity.provider, "provider_id": identity.subject}
        self._audit.note(records, action, actor=user, address=agent.address, traits=traits)


def _primary(profile: Profile) -> str:
    email = profile.email
    return email.address.lower() if email is not None and email.primary else ""


def _without_pending(records: Records, user: UserRow) -> UserRow:
    """The user without what was under way for another address."""
    records.one_time_tokens.drop(user.id)
    return msgspec.structs.replace(with_nothing_sent(user), new_email=None, email_change_status=0, new_phone=None)
