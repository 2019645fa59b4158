"""Users: registered, recognised by their password, changed.

Whether an address is registered is told to nobody who does not know its password, except by a sign-up that is confirmed
at once (``user_already_exists``): Supabase Auth draws the line there, and so do we. The work done is the same in either
case: one hash.

Above: ``handlers``, ``grants.password``, ``admin``. Below: ``records``, ``passwords``, ``sessions``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.agent import NOBODY, Agent
from cadenza.identity.audit import Action, Audit
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.metadata import check_metadata, merged
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.records import IdentityRow, Records, UserRow
from cadenza.identity.sessions import Caller, Opened, Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import MICROSECONDS, instant, rfc3339
from cadenza.identity.views import whole_view
from cadenza.protocol.auth import FactorStatus, Session, SignupBody, User, UserUpdateBody

#: The role in PostgreSQL of whoever is signed in; Supabase's row-level rules name it.
SIGNED_IN_ROLE: Final = "authenticated"
EMAIL_PROVIDER: Final = "email"
PASSWORD_METHOD: Final = "password"  # noqa: S105 - the name of a method

_BY_EMAIL: Final = {"provider": EMAIL_PROVIDER}
_LONGEST_EMAIL: Final = 255
_LABEL: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
#: The form HTML's e-mail field takes, which Supabase Auth takes too.
_EMAIL: Final = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """Someone whose password was right, for the hash that was stored at that moment."""

    user_id: str
    verified_hash: str
    hash_of_today: str

    def __repr__(self) -> str:
        return f"<Recognised {self.user_id}>"


def normal_email(email: str) -> str:
    """An address in lower case.

    Raises:
        RefusalError: It has not the form of one.
    """
    if not email:
        raise errors.validation_failed("An email address is required")
    if len(email) > _LONGEST_EMAIL:
        raise errors.validation_failed("An email address is too long")
    if _EMAIL.fullmatch(email) is None:
        raise errors.validation_failed("Unable to validate email address: invalid format")
    return email.lower()


class Users:
    """The rules over users.

    Args:
        config: What a user may be, and whether a sign-up is confirmed at once.
        store: Where they are kept.
        passwords: Hashes.
        policy: What a password must be.
        sessions: Opens a session after a sign-up.
        audit: Notes sign-ups and changes.
        clock: Seconds since the epoch.
        new_id: Makes ids.
    """

    def __init__(
        self,
        config: IdentityConfig,
        *,
        store: Store,
        passwords: Passwords,
        policy: PasswordPolicy,
        sessions: Sessions,
        audit: Audit,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._store = store
        self._passwords = passwords
        self._policy = policy
        self._sessions = sessions
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    # Registering

    async def sign_up(self, body: SignupBody, *, agent: Agent = NOBODY) -> Session | User:
        """Register a user: a session, or a user whose address must be confirmed first.

        Raises:
            RefusalError: Not valid, or not allowed.
        """
        password, data = body.password or "", body.data or {}
        email = self._validated(body, password, data)
        hashed = await self._passwords.hash(password)
        outcome = await self._store.write(lambda records: self._register(records, email, hashed, data, agent))
        if isinstance(outcome, Opened):
            session = self._sessions.hand_out(outcome)
            # Seen: the answer to a sign-up lacks this one field, the next answer has it.
            return msgspec.structs.replace(session, user=msgspec.structs.replace(session.user, confirmed_at=None))
        return outcome

    def _validated(self, body: SignupBody, password: str, data: dict[str, object]) -> str:
        if self._config.disable_sign_up:
            raise errors.sign_up_disabled()
        if not password:
            raise errors.validation_failed("Signup requires a valid password")
        self._policy.check(password)
        if body.email and body.phone:
            raise errors.validation_failed("Only an email address or phone number should be provided on signup.")
        if not body.email:
            raise errors.phone_disabled(400, "signups")
        check_metadata(data, self._config.user_metadata_limit_bytes)
        return normal_email(body.email)

    def _register(
        self, records: Records, email: str, hashed: str, data: dict[str, object], agent: Agent
    ) -> Opened | User:
        now = instant(self._clock())
        user = records.users.by_email(email)
        if user is not None and user.email_confirmed_at is not None:
            if self._config.autoconfirm:
                raise errors.user_already_exists()
            self._audit.note(records, Action.USER_REPEATED_SIGN_UP, actor=user, traits=_BY_EMAIL)
            return self._stranger(email, now)
        if user is None:
            user = self._new_user(email, hashed, data, now)
            records.users.insert(user)
            records.identities.insert(self._email_identity(user, now))
        if self._config.autoconfirm:
            # Nobody has shown yet that an unconfirmed address is theirs, so the password of whoever comes last counts.
            confirmed = msgspec.structs.replace(_confirmed(user, now), password_hash=hashed)
            self._audit.note(records, Action.USER_SIGNED_UP, actor=confirmed, traits=_BY_EMAIL)
            return self._sessions.open(records, confirmed, method=PASSWORD_METHOD, agent=agent, provider=EMAIL_PROVIDER)
        user = self._confirmation_requested(user, now)
        records.users.update(user)
        self._audit.note(records, Action.USER_CONFIRMATION_REQUESTED, actor=user, traits=_BY_EMAIL)
        return whole_view(records, user)

    def _new_user(self, email: str, hashed: str, data: dict[str, object], now: int) -> UserRow:
        user_id = self._new_id()
        own = {"email": email, "email_verified": False, "phone_verified": False, "sub": user_id}
        return UserRow(
            id=user_id,
            aud=self._config.audience,
            role=SIGNED_IN_ROLE,
            email=email,
            password_hash=hashed,
            email_confirmed_at=None,
            confirmation_sent_at=None,
            last_sign_in_at=None,
            app_metadata=_text({"provider": EMAIL_PROVIDER, "providers": [EMAIL_PROVIDER]}),
            user_metadata=_text({**merged({}, data), **own}),
            is_anonymous=False,
            created_at=now,
            updated_at=now,
        )

    def _email_identity(self, user: UserRow, now: int) -> IdentityRow:
        return IdentityRow(
            id=self._new_id(),
            user_id=user.id,
            provider=EMAIL_PROVIDER,
            subject=user.id,
            email=user.email,
            data=user.user_metadata,
            last_sign_in_at=now,
            created_at=now,
            updated_at=now,
        )

    def _confirmation_requested(self, user: UserRow, now: int) -> UserRow:
        if user.confirmation_sent_at is not None:
            wait = user.confirmation_sent_at + instant(self._config.mail.interval_seconds) - now
            if wait > 0:
                raise errors.confirmation_too_soon(wait / MICROSECONDS)
        return msgspec.structs.replace(user, confirmation_sent_at=now, updated_at=now)

    def _stranger(self, email: str, now: int) -> User:
        """What a sign-up for somebody else's address gets: a user made up on the spot, as Supabase Auth does it."""
        at = rfc3339(now)
        return User(
            id=self._new_id(),
            aud=self._config.audience,
            role="",
            email=email,
            phone="",
            confirmation_sent_at=at,
            app_metadata={"provider": EMAIL_PROVIDER, "providers": [EMAIL_PROVIDER]},
            user_metadata={},
            identities=(),
            created_at=at,
            updated_at=at,
            is_anonymous=False,
        )

    async def ensure(self, email: str, password: str) -> bool:
        """Have a confirmed user of that address; ``False`` if there was one, whose password stays as it is."""
        email = normal_email(email)
        if await self.exists(email):  # asked at every start of the stack: no hash for nothing
            return False
        self._policy.check(password)
        hashed = await self._passwords.hash(password)

        def register(records: Records) -> bool:
            if records.users.by_email(email) is not None:
                return False
            now = instant(self._clock())
            user = _confirmed(self._new_user(email, hashed, {}, now), now)
            records.users.insert(user)
            records.identities.insert(self._email_identity(user, now))
            return True

        return await self._store.write(register)

    async def exists(self, email: str) -> bool:
        """Whether there is a user of that address."""
        return await self._store.read(lambda records: records.users.by_email(email.lower()) is not None)

    async def confirm(self, email: str) -> bool:
        """Confirm an address, as following the link of a mail would; ``False`` if there is no such user."""

        def confirm(records: Records) -> bool:
            user = records.users.by_email(email.lower())
            if user is None:
                return False
            now = instant(self._clock())
            records.users.update(_confirmed(user, now))
            for identity in records.identities.of(user.id):
                if identity.provider == EMAIL_PROVIDER:
                    records.identities.update_data(identity.id, _email_verified(identity.data), now)
            return True

        return await self._store.write(confirm)

    # Recognising

    async def authenticate(self, email: str, password: str) -> Recognised:
        """The confirmed user of that address and password.

        Raises:
            RefusalError: ``invalid_credentials`` after the same work whether there is such a user or not;
                ``email_not_confirmed`` to whoever knows the password.
        """
        user = await self._store.read(lambda records: records.users.by_email(email.lower()))
        hashed = None if user is None else user.password_hash
        if not await self._passwords.verify(password, hashed) or user is None or hashed is None:
            raise errors.invalid_credentials() if user is None else errors.invalid_credentials().about(user.id)
        if user.email_confirmed_at is None:
            raise errors.email_not_confirmed().about(user.id)
        today = await self._passwords.hash(password) if self._passwords.is_outdated(hashed) else hashed
        return Recognised(user_id=user.id, verified_hash=hashed, hash_of_today=today)

    def recall(self, records: Records, recognised: Recognised) -> UserRow:
        """The user recognised, with a hash of today's cost. Runs inside a transaction.

        Raises:
            RefusalError: The user is gone, or the password was changed since.
        """
        user = records.users.by_id(recognised.user_id)
        if user is None or user.password_hash != recognised.verified_hash:
            raise errors.invalid_credentials()
        return msgspec.structs.replace(user, password_hash=recognised.hash_of_today)

    def weakness(self, password: str) -> RefusalError | None:
        """Why a password that was good once would not be taken today."""
        return self._policy.weakness(password)

    # Changing

    async def update(self, caller: Caller, body: UserUpdateBody) -> User:
        """Change the caller's password or data.

        Raises:
            RefusalError: Not valid, or not allowed.
        """
        self._check_level(caller, body)
        await self._check_update(caller.user, body)
        hashed = await self._new_hash(caller.user, body.password)

        def apply(records: Records) -> User:
            user = records.users.by_id(caller.user.id)
            if user is None:
                raise errors.user_not_found()
            user = self._changed(user, body, hashed)
            records.users.update(user)
            if hashed is not None:
                # A password is changed because someone may know the old one: their sessions end.
                records.sessions.delete_of(user.id, but=None if caller.session is None else caller.session.id)
                self._audit.note(records, Action.USER_UPDATED_PASSWORD, actor=user)
            self._audit.note(records, Action.USER_MODIFIED, actor=user)
            return whole_view(records, user)

        return await self._store.write(apply)

    def _check_level(self, caller: Caller, body: UserUpdateBody) -> None:
        """Who has a second factor must have shown it before they change what they sign in with."""
        changes = (body.email and body.email.lower() != caller.user.email) or body.phone or body.password is not None
        has_factor = any(factor.status == FactorStatus.VERIFIED for factor in caller.factors)
        if changes and has_factor and (caller.session is None or caller.session.aal != "aal2"):
            raise errors.level_too_low_to_update().about(caller.user.id)

    async def _check_update(self, user: UserRow, body: UserUpdateBody) -> None:
        new_email = normal_email(body.email) if body.email else user.email
        if body.password is not None:
            self._policy.check(body.password)
        if body.app_metadata is not None:
            raise errors.not_admin()
        if new_email and new_email != user.email:
            raise errors.email_exists() if await self.exists(new_email) else errors.email_change_disabled()
        if body.phone:
            raise errors.phone_disabled(422, "changes")

    async def _new_hash(self, user: UserRow, password: str | None) -> str | None:
        if password is None:
            return None
        if await self._passwords.verify(password, user.password_hash):
            raise errors.same_password()
        return await self._passwords.hash(password)

    def _changed(self, user: UserRow, body: UserUpdateBody, hashed: str | None) -> UserRow:
        metadata = user.user_metadata
        if body.data is not None:
            new = merged(msgspec.json.decode(metadata, type=dict[str, object]), body.data)
            check_metadata(new, self._config.user_metadata_limit_bytes)
            metadata = _text(new)
        user = msgspec.structs.replace(user, user_metadata=metadata, updated_at=instant(self._clock()))
        if hashed is not None:
            user = msgspec.structs.replace(user, password_hash=hashed, confirmation_sent_at=None)
        return user


def _confirmed(user: UserRow, now: int) -> UserRow:
    metadata = _email_verified(user.user_metadata)
    return msgspec.structs.replace(user, email_confirmed_at=now, user_metadata=metadata, updated_at=now)


def _email_verified(data: str) -> str:
    return _text({**msgspec.json.decode(data, type=dict[str, object]), "email_verified": True})


def _text(value: dict[str, object]) -> str:
    return msgspec.json.encode(value).decode()
