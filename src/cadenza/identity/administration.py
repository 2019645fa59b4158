"""What an administrator does with users: list, make, change, ban, delete; and reads the audit log.

The rules are Supabase Auth's (``internal/api/admin.go``). An administrator is a bearer whose role is one of
``admin_roles``; it names no user and has no session.

Above: ``handlers.admin``. Below: ``records``, ``accounts``, ``sessions``, ``bans``, ``audit``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors, factor_errors
from cadenza.identity.accounts import (
    EMAIL_PROVIDER,
    PHONE_PROVIDER,
    Accounts,
    changed_text,
    confirmed,
    data_of,
    text_of,
    with_nothing_sent,
)
from cadenza.identity.addresses import normal_email, normal_phone
from cadenza.identity.audit import Action, Admin, Audit, of_user
from cadenza.identity.bans import banned_until
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.ids import uuid_of
from cadenza.identity.metadata import check_metadata, merged
from cadenza.identity.passwords import PasswordPolicy, Passwords, is_hash
from cadenza.identity.records import FactorRow, Records, UserRow
from cadenza.identity.sessions import Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.identity.views import user_view, whole_view
from cadenza.protocol.auth import AdminFactorBody, AdminUserBody, ErrorCode, User

_NOT_FOUND: Final = 404
_NIL: Final = "00000000-0000-0000-0000-000000000000"


class Administration:
    """See the module.

    Args:
        config: Audience, role and bounds.
        store: Where users are.
        accounts: Makes ways in.
        sessions: Lowers those whose factor goes.
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
        accounts: Accounts,
        sessions: Sessions,
        passwords: Passwords,
        policy: PasswordPolicy,
        audit: Audit,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords
        self._policy = policy
        self._audit = audit
        self._clock = clock

    # Reading

    async def expect(self, user_id: str, factor_id: str | None = None) -> None:
        """Say of an id that it is nobody's, or none of that user's factors', before anything else is looked at.

        Raises:
            RefusalError: It is.
        """

        def look(records: Records) -> None:
            user_of(records, user_id)
            if factor_id is not None:
                _factor_of(records, user_id, factor_id)

        await self._store.read(look)

    async def user(self, user_id: str) -> User:
        """A user with everything that hangs on it. Raises ``RefusalError``: there is none."""
        return await self._store.read(lambda records: whole_view(records, user_of(records, user_id)))

    async def factors(self, user_id: str) -> tuple[FactorRow, ...]:
        """A user's second factors."""
        return await self._store.read(lambda records: records.factors.of(user_of(records, user_id).id))

    # Making

    async def create(self, admin: Admin, body: AdminUserBody) -> User:
        """Make a user, confirmed where the administrator says so.

        Raises:
            RefusalError: Not valid, or somebody has the address, the number or the id.
        """
        if not body.email and not body.phone:
            raise errors.validation_failed("Cannot create a user without either an email or phone")
        email = normal_email(body.email) if body.email else None
        await self._store.read(lambda records: _check_free(records, email, None))
        phone = normal_phone(body.phone) if body.phone else None
        await self._store.read(lambda records: _check_free(records, None, phone))
        if body.password is not None and body.password_hash:
            raise errors.validation_failed("Only a password or a password hash should be provided")
        hashed = await self._hashed(body)
        wanted = msgspec.structs.replace(body, email=email, phone=phone, password=None, password_hash=hashed)
        view = await self._store.write(lambda records: self._create(records, admin, wanted))
        return msgspec.structs.replace(view, confirmed_at=None)  # seen: the first answer lacks it

    async def _hashed(self, body: AdminUserBody) -> str:
        if body.password_hash:
            if not is_hash(body.password_hash):
                raise errors.validation_failed("Only password hashes of argon2id are understood here")
            return body.password_hash
        if not body.password:
            return await self._passwords.hash_of_none()
        self._policy.check_length(body.password)
        return await self._passwords.hash(body.password)

    def _create(self, records: Records, admin: Admin, body: AdminUserBody) -> User:
        _check_free(records, body.email, body.phone)
        now = instant(self._clock())
        user = self._accounts.register_named(
            records,
            email=body.email,
            phone=body.phone,
            password_hash=body.password_hash,
            data=self._checked(body.user_metadata),
            user_id=self._wanted_id(records, body.id),
        )
        user = msgspec.structs.replace(
            user,
            aud=body.aud or user.aud,
            role=body.role.strip() if body.role else user.role,
            app_metadata=_merged_text(user.app_metadata, body.app_metadata),
            banned_until=banned_until(body.ban_duration, now) if body.ban_duration else None,
        )
        user = self._confirmed(records, user, body)
        records.users.update(user)
        self._note(records, admin, Action.USER_SIGNED_UP, user)
        return whole_view(records, user)

    def _wanted_id(self, records: Records, wanted: str | None) -> str:
        if not wanted:
            return ""
        user_id = uuid_of(wanted)
        if user_id is None:
            raise errors.validation_failed("ID must conform to the uuid v4 format")
        if user_id == _NIL:
            raise errors.validation_failed("ID cannot be a nil uuid")
        if records.users.by_id(user_id) is not None:
            raise errors.user_already_exists()
        return user_id

    # Changing

    async def update(self, admin: Admin, user_id: str, body: AdminUserBody) -> User:
        """Change a user. A new password ends all of the user's sessions, and what was sent before opens nothing.

        Raises:
            RefusalError: Not valid, there is no such user, or somebody has the address or the number.
        """
        email = normal_email(body.email) if body.email else None
        phone = normal_phone(body.phone) if body.phone else None
        if body.ban_duration:
            banned_until(body.ban_duration, 0)
        if body.password is not None:
            self._policy.check(body.password)
        hashed = await self._passwords.hash(body.password) if body.password else None
        wanted = msgspec.structs.replace(body, email=email, phone=phone, password_hash=hashed)
        return await self._store.write(lambda records: self._update(records, admin, user_id, wanted))

    def _update(self, records: Records, admin: Admin, user_id: str, body: AdminUserBody) -> User:
        before = user = user_of(records, user_id)
        _check_free(records, body.email, body.phone, but=user.id)
        user = self._confirmed(records, user, body)
        if body.password is not None:
            # Whoever knew the old password may hold a link that was sent before it was changed.
            records.sessions.delete_of(user.id)
            records.one_time_tokens.drop(user.id)
            user = msgspec.structs.replace(with_nothing_sent(user), password_hash=body.password_hash)
        user = self._changed(user, body)
        records.users.update(user)
        self._update_ways_in(records, user, body)
        self._note(records, admin, Action.USER_MODIFIED, user)
        # Seen: the answer that confirms says what was so before.
        return msgspec.structs.replace(whole_view(records, user), confirmed_at=user_view(before, None).confirmed_at)

    def _changed(self, user: UserRow, body: AdminUserBody) -> UserRow:
        now = instant(self._clock())
        is_shown = bool((body.email and body.email_confirm) or (body.phone and body.phone_confirm))
        return msgspec.structs.replace(
            user,
            role=body.role.strip() if body.role else user.role,
            email=body.email or user.email,
            phone=body.phone or user.phone,
            app_metadata=_merged_text(user.app_metadata, body.app_metadata),
            user_metadata=text_of(self._checked(merged(data_of(user.user_metadata), body.user_metadata or {}))),
            banned_until=banned_until(body.ban_duration, now) if body.ban_duration else user.banned_until,
            is_anonymous=user.is_anonymous and not is_shown,
            updated_at=now,
        )

    def _confirmed(self, records: Records, user: UserRow, body: AdminUserBody) -> UserRow:
        """Confirmed once more, too; what was sent to the user so far opens nothing afterwards."""
        now = instant(self._clock())
        if body.email_confirm or body.phone_confirm:
            records.one_time_tokens.drop(user.id)
        user = confirmed(user, now) if body.email_confirm else user
        return msgspec.structs.replace(user, phone_confirmed_at=now) if body.phone_confirm else user

    def _update_ways_in(self, records: Records, user: UserRow, body: AdminUserBody) -> None:
        own = {"email_verified": False, "phone_verified": False, "sub": user.id}
        for provider, way, is_confirmed in (
            (EMAIL_PROVIDER, body.email, body.email_confirm),
            (PHONE_PROVIDER, body.phone, body.phone_confirm),
        ):
            if not way:
                continue
            data = {provider: way, f"{provider}_verified": bool(is_confirmed)}
            identity = records.identities.by_subject(provider, user.id)
            if identity is None:
                self._accounts.add_identity(records, user, provider, text_of({**own, **data}))
                continue
            records.identities.update(
                msgspec.structs.replace(
                    identity,
                    data=changed_text(identity.data, data),
                    email=way if provider == EMAIL_PROVIDER else identity.email,
                    updated_at=user.updated_at,
                )
            )

    def _checked(self, metadata: dict[str, object] | None) -> dict[str, object]:
        metadata = metadata or {}
        check_metadata(metadata, self._config.user_metadata_limit_bytes)
        return metadata

    # Deleting

    async def delete(self, admin: Admin, user_id: str, *, softly: bool) -> None:
        """Delete a user with all sessions and ways in; softly, the row stays with its personal data hashed.

        Raises:
            RefusalError: There is no such user.
        """

        def remove(records: Records) -> None:
            user = user_of(records, user_id)
            self._note(records, admin, Action.USER_DELETED, user)
            if not softly:
                records.users.delete(user.id)
            elif user.deleted_at is None:
                self._hide(records, user)

        await self._store.write(remove)

    def _hide(self, records: Records, user: UserRow) -> None:
        now = instant(self._clock())
        records.users.update(
            msgspec.structs.replace(
                user,
                email=_hashed_text(user.id, user.email) if user.email else None,
                phone=_hashed_text(user.id, user.phone)[:15] if user.phone else None,
                new_email=None,
                new_phone=None,
                password_hash=None,
                app_metadata="{}",
                user_metadata="{}",
                deleted_at=now,
                updated_at=now,
            )
        )
        for identity in records.identities.of(user.id):
            subject = _hashed_text(user.id, f"{identity.provider}:{identity.subject}")
            records.identities.update(
                msgspec.structs.replace(identity, subject=subject, email=None, data="{}", updated_at=now)
            )
        for factor in records.factors.of(user.id):
            records.factors.delete(factor.id)
        records.sessions.delete_of(user.id)
        records.one_time_tokens.drop(user.id)  # else a link that was sent before would lead back in

    # Factors

    async def rename_factor(self, admin: Admin, user_id: str, factor_id: str, body: AdminFactorBody) -> FactorRow:
        """Give a factor another name. Raises ``RefusalError``: there is none."""

        def rename(records: Records) -> FactorRow:
            user, factor = _factor_of(records, user_id, factor_id)
            if body.friendly_name:
                name, now = body.friendly_name, instant(self._clock())
                if any(other.friendly_name == name and other.id != factor.id for other in records.factors.of(user.id)):
                    raise factor_errors.name_taken(name)
                factor = msgspec.structs.replace(factor, friendly_name=name, updated_at=now)
                records.factors.update(factor)
            traits = {"user_id": user.id, "factor_id": factor.id}
            self._audit.note(records, Action.FACTOR_UPDATED, actor=admin, user_id=user.id, traits=traits)
            return factor

        return await self._store.write(rename)

    async def delete_factor(self, admin: Admin, user_id: str, factor_id: str) -> FactorRow:
        """Remove a factor, for who lost the device. Raises ``RefusalError``: there is none."""

        def remove(records: Records) -> FactorRow:
            user, factor = _factor_of(records, user_id, factor_id)
            self._sessions.step_down(records, factor)
            records.factors.delete(factor.id)
            traits = {"user_id": user.id, "factor_id": factor.id}
            self._audit.note(records, Action.FACTOR_DELETED, actor=admin, user_id=user.id, traits=traits)
            return factor

        return await self._store.write(remove)

    def _note(self, records: Records, admin: Admin, action: Action, user: UserRow) -> None:
        self._audit.note(records, action, actor=admin, user_id=user.id, traits=of_user(user))


def user_of(records: Records, user_id: str) -> UserRow:
    """The user of that id, as an administrator names one. Raises ``RefusalError``: there is none."""
    known = uuid_of(user_id)
    if known is None:
        raise RefusalError(_NOT_FOUND, ErrorCode.VALIDATION_FAILED, "user_id must be an UUID")
    user = records.users.by_id(known)
    if user is None:
        raise RefusalError(_NOT_FOUND, ErrorCode.USER_NOT_FOUND, "User not found")
    return user


def _check_free(records: Records, email: str | None, phone: str | None, *, but: str = "") -> None:
    """Refuse what is another user's."""
    by_email = records.users.by_email(email) if email else None
    if by_email is not None and by_email.id != but:
        raise errors.email_exists()
    by_phone = records.users.by_phone(phone) if phone else None
    if by_phone is not None and by_phone.id != but:
        raise errors.phone_registered()


def _factor_of(records: Records, user_id: str, factor_id: str) -> tuple[UserRow, FactorRow]:
    user, known = user_of(records, user_id), uuid_of(factor_id)
    if known is None:
        raise factor_errors.id_malformed()
    factor = records.factors.by_id(known)
    if factor is None or factor.user_id != user.id:
        raise factor_errors.not_found()
    return user, factor


def _merged_text(old: str, changes: dict[str, object] | None) -> str:
    return text_of(merged(data_of(old), changes or {}))


def _hashed_text(user_id: str, value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{user_id}{value}".encode()).digest()).rstrip(b"=").decode()
