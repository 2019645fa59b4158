"""Codes on their way to a user: made in the transaction that wants them, sent after it, undone where sending failed.

So no transaction waits for a mail server, and whoever got no mail can ask again at once. For an address that is
nobody's everything is done but the sending: its answer must be the same, and take as long.

Above: ``sign_up``, ``links``, ``changes``, ``reauthentication``, ``invitations``. Below: ``one_time_codes``,
``flows``, ``intervals``, ``evenly``, ``mails``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity.accounts import EMAIL_PROVIDER, data_of
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.evenly import Evenly
from cadenza.identity.flows import Flows
from cadenza.identity.intervals import Intervals
from cadenza.identity.mails import Letter, MailKind, Post
from cadenza.identity.one_time_codes import OneTimeCodes
from cadenza.identity.records import Records, TokenKind, UserRow
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.protocol.auth import VerifyType
from cadenza.protocol.auth.messages import Discreet


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """How a mail was asked for: ``challenge`` for the PKCE flow or empty, ``redirect_to`` the end of its link's way."""

    challenge: str = ""
    redirect_to: str = ""


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of mail: its template, its code, where a user's row remembers it, what ``amr`` says of a PKCE flow.

    ``what`` names it where an error does.
    """

    mail: MailKind
    token: TokenKind
    verify_type: VerifyType | None
    sent_at: str
    method: str = ""
    what: str


CONFIRMATION: Final = Purpose(
    mail=MailKind.CONFIRMATION,
    token=TokenKind.CONFIRMATION,
    verify_type=VerifyType.SIGNUP,
    sent_at="confirmation_sent_at",
    method="email/signup",
    what="confirmation",
)
INVITATION: Final = Purpose(
    mail=MailKind.INVITE,
    token=TokenKind.CONFIRMATION,
    verify_type=VerifyType.INVITE,
    sent_at="confirmation_sent_at",
    method="invite",
    what="invite",
)
RECOVERY: Final = Purpose(
    mail=MailKind.RECOVERY,
    token=TokenKind.RECOVERY,
    verify_type=VerifyType.RECOVERY,
    sent_at="recovery_sent_at",
    method="recovery",
    what="recovery",
)
MAGIC_LINK: Final = Purpose(
    mail=MailKind.MAGIC_LINK,
    token=TokenKind.RECOVERY,
    verify_type=VerifyType.MAGICLINK,
    sent_at="recovery_sent_at",
    method="magiclink",
    what="magic link",
)
REAUTHENTICATION: Final = Purpose(
    mail=MailKind.REAUTHENTICATION,
    token=TokenKind.REAUTHENTICATION,
    verify_type=None,
    sent_at="reauthentication_sent_at",
    what="reauthentication",
)
EMAIL_CHANGE: Final = Purpose(
    mail=MailKind.EMAIL_CHANGE,
    token=TokenKind.EMAIL_CHANGE_NEW,
    verify_type=VerifyType.EMAIL_CHANGE,
    sent_at="email_change_sent_at",
    method="email_change",
    what="email change",
)


class Outgoing(Discreet, frozen=True, kw_only=True):
    """What leaves after the transaction: the letters, the user as written, and as they were before."""

    purpose: Purpose
    letters: tuple[Letter, ...]
    user: UserRow
    before: UserRow


class Rehearsal(Discreet, frozen=True, kw_only=True):
    """The letter that does not leave after the transaction, for its address is nobody's."""

    purpose: Purpose
    letter: Letter


class CodeMails:
    """See the module.

    Args:
        config: Whether both addresses must confirm a change.
        store: For what must be undone.
        codes: Makes codes.
        flows: Remembers who asked with a challenge.
        post: Sends.
        intervals: Between mails.
        evenly: Within it an answer is given that must not tell whether there was a mail.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        codes: OneTimeCodes,
        flows: Flows,
        post: Post,
        intervals: Intervals,
        evenly: Evenly,
        clock: Callable[[], float],
    ) -> None:
        self.evenly = evenly
        self._secure_email_change = config.mail.secure_email_change
        self._store = store
        self._codes = codes
        self._flows = flows
        self._post = post
        self._intervals = intervals
        self._clock = clock

    def prepare(self, records: Records, user: UserRow, purpose: Purpose, ask: Ask) -> Outgoing:
        """Make a code for a user and the letter that carries it. Runs inside a transaction.

        Raises:
            RefusalError: Too soon after the last one, or too many mails in all.
        """
        self._check(user, purpose)
        after = self._sent(user, purpose)
        self._begin_flow(records, user, purpose, ask)
        letter = self._letter(records, after, purpose, ask, to=user.email or "")
        records.users.update(after)
        return Outgoing(purpose=purpose, letters=(letter,), user=after, before=user)

    def prepare_email_change(self, records: Records, user: UserRow, new_email: str, ask: Ask) -> Outgoing:
        """Make the codes of a change of address: one for the new address and, to be sure, one for the old."""
        self._check(user, EMAIL_CHANGE)
        after = self._changing(user, new_email)
        self._begin_flow(records, user, EMAIL_CHANGE, ask)
        letters = [self._letter(records, after, EMAIL_CHANGE, ask, to=new_email)]
        if self._secure_email_change and user.email:
            kind = TokenKind.EMAIL_CHANGE_CURRENT
            letters.append(self._letter(records, after, EMAIL_CHANGE, ask, to=user.email, kind=kind))
        else:
            records.one_time_tokens.drop(user.id, TokenKind.EMAIL_CHANGE_CURRENT)
        records.users.update(after)
        return Outgoing(purpose=EMAIL_CHANGE, letters=tuple(letters), user=after, before=user)

    def prepare_invitation(self, records: Records, user: UserRow, ask: Ask) -> Outgoing:
        """Make the code and the letter of an invitation. An administrator may send one as soon as they like.

        Raises:
            RefusalError: Too many mails in all.
        """
        self._post.reserve()
        after, letter = self.issue(records, user, INVITATION, ask)
        return Outgoing(purpose=INVITATION, letters=(letter,), user=after, before=user)

    def issue(self, records: Records, user: UserRow, purpose: Purpose, ask: Ask) -> tuple[UserRow, Letter]:
        """Make a code and the letter that would carry it, for an administrator, who hands it over: none is counted."""
        after = self._sent(user, purpose)
        letter = self._letter(records, after, purpose, ask, to=user.email or "")
        records.users.update(after)
        return after, letter

    def issue_email_change(
        self, records: Records, user: UserRow, new_email: str, kind: TokenKind, ask: Ask
    ) -> tuple[UserRow, Letter]:
        """The same for one half of a change of address; the other half's stays good if it is for the same address."""
        if user.new_email != new_email:
            records.one_time_tokens.drop(user.id, TokenKind.EMAIL_CHANGE_CURRENT, TokenKind.EMAIL_CHANGE_NEW)
        after = self._changing(user, new_email)
        to = new_email if kind is TokenKind.EMAIL_CHANGE_NEW else user.email or ""
        letter = self._letter(records, after, EMAIL_CHANGE, ask, to=to, kind=kind)
        records.users.update(after)
        return after, letter

    def prepare_nothing(
        self, records: Records, address: str, purpose: Purpose, ask: Ask, *, data: dict[str, object] | None = None
    ) -> Rehearsal:
        """For an address that gets no mail: the same work, waits and errors, and nothing comes of it."""
        self._intervals.check_stranger(purpose.what, address)
        self._post.reserve()
        # Dropped at once, but written: the disk takes its time for this one too.
        flow = self._flows.begin(records, provider=EMAIL_PROVIDER, method=purpose.method, challenge=ask.challenge)
        records.flow_states.delete(flow.id)
        secret = self._codes.unissued(pkce=bool(ask.challenge))
        letter = _filled(purpose, ask, to=address, email=address, code=secret.code, token=secret.token, data=data or {})
        return Rehearsal(purpose=purpose, letter=letter)

    async def send(self, outgoing: Outgoing | Rehearsal) -> None:
        """Send what was prepared. Runs after the transaction.

        Raises:
            RefusalError: It could not be sent; the user may ask again at once.
        """
        if isinstance(outgoing, Rehearsal):
            await self._post.rehearse(outgoing.letter, what=outgoing.purpose.what)
            return
        try:
            await self._post.send(outgoing.letters, what=outgoing.purpose.what)
        except RefusalError:
            await self._store.write(lambda records: _undo(records, outgoing))
            raise

    def _check(self, user: UserRow, purpose: Purpose) -> None:
        sent_at: int | None = getattr(user, purpose.sent_at)
        self._intervals.check(sent_at)
        self._post.reserve()

    def _sent(self, user: UserRow, purpose: Purpose) -> UserRow:
        now = instant(self._clock())
        invited_at = now if purpose is INVITATION else user.invited_at
        return msgspec.structs.replace(user, **{purpose.sent_at: now}, invited_at=invited_at, updated_at=now)

    def _changing(self, user: UserRow, new_email: str) -> UserRow:
        return msgspec.structs.replace(self._sent(user, EMAIL_CHANGE), new_email=new_email, email_change_status=0)

    def _begin_flow(self, records: Records, user: UserRow, purpose: Purpose, ask: Ask) -> None:
        if ask.challenge and purpose.method:
            self._flows.begin(
                records, provider=EMAIL_PROVIDER, method=purpose.method, challenge=ask.challenge, user_id=user.id
            )

    def _letter(
        self, records: Records, user: UserRow, purpose: Purpose, ask: Ask, *, to: str, kind: TokenKind | None = None
    ) -> Letter:
        pkce = bool(ask.challenge and purpose.method)
        issued = self._codes.issue(records, kind or purpose.token, user_id=user.id, sent_to=to, pkce=pkce)
        return _filled(
            purpose,
            ask,
            to=to,
            email=user.email or "",
            new_email=user.new_email or "",
            code=issued.code,
            token=issued.token,
            data=data_of(user.user_metadata),
        )


def _filled(
    purpose: Purpose,
    ask: Ask,
    *,
    to: str,
    email: str,
    code: str,
    token: str,
    data: dict[str, object],
    new_email: str = "",
) -> Letter:
    verify_type = purpose.verify_type
    return Letter(
        kind=purpose.mail,
        to=to,
        code=code,
        token="" if verify_type is None else token,
        verify_type="" if verify_type is None else verify_type.value,
        redirect_to=ask.redirect_to,
        email=email,
        new_email=new_email,
        data=data,
    )


def _undo(records: Records, outgoing: Outgoing) -> None:
    """Take back a code that reached nobody, unless a newer one is on its way by now."""
    purpose, before = outgoing.purpose, outgoing.before
    user = records.users.by_id(before.id)
    if user is None or getattr(user, purpose.sent_at) != getattr(outgoing.user, purpose.sent_at):
        return
    changes = {purpose.sent_at: getattr(before, purpose.sent_at), "invited_at": before.invited_at}
    kinds = [purpose.token]
    if purpose is EMAIL_CHANGE:
        changes |= {"new_email": before.new_email, "email_change_status": before.email_change_status}
        kinds.append(TokenKind.EMAIL_CHANGE_CURRENT)
    records.users.update(msgspec.structs.replace(user, **changes))
    records.one_time_tokens.drop(user.id, *kinds)
