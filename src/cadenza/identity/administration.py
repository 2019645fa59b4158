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
)
from cadenza.identity.addresses import normal_email, normal_phone
from cadenza.identity.audit import Action, Admin, Audit, of_user
from cadenza.identity.bans import banned_until
from cadenza.identity.config import IdentityConfig
from cadenza.identity.errors import RefusalError
from cadenza.identity.ids import uuid_of
from cadenza.identity.metadata import check_metadata, merged
from cadenza.identity.passwords import PasswordPolicy, Passwords
from cadenza.identity.records import FactorRow, Records, UserRow
from cadenza.identity.sessions import Sessions
from cadenza.identity.store import Store
from cadenza.identity.times import instant
from cadenza.identity.views import whole_view
from cadenza.protocol.auth import AdminFactorBody, AdminUserBody, ErrorCode, User

_NOT_FOUND: Final = 404


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
        if body.password is not None and body.password_hash:
            raise errors.validation_failed("Only a password or a password hash should be provided")
        wanted = msgspec.structs.replace(
            body,
            email=normal_email(body.email) if body.email else None,
            phone=normal_phone(body.phone) if body.phone else None,
            password=None,
            password_hash=await self._hashed(body),
        )
        view = await self._store.write(lambda records: self._create(records, admin, wanted))
        return msgspec.structs.replace(view, confirmed_at=None)  # seen: the first answer lacks it

    async def _hashed(self, body: AdminUserBody) -> str | None:
        if body.password_hash:
            if not body.password_hash.startswith("$argon2id$"):
                raise errors.validation_failed("Only password hashes of argon2id are understood here")
            return body.password_hash
        return await self._passwords.hash(body.password) if body.password else None

    def _create(self, records: Records, admin: Admin, body: AdminUserBody) -> User:
        self._check_free(records, body.email, body.phone)
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
            role=body.role or user.role,
            app_metadata=_merged_text(user.app_metadata, body.app_metadata),
            banned_until=banned_until(body.ban_duration, now) if body.ban_duration else None,
        )
        user = self._confirmed(user, body, now)
        records.users.update(user)
        self._note(records, admin, Action.USER_SIGNED_UP, user)
        return whole_view(records, user)

    def _wanted_id(self, records: Records, wanted: str | None) -> str:
        if not wanted:
            return ""
        user_id = uuid_of(wanted)
        if user_id is None:
            raise errors.validation_failed("ID must conform to the uuid v4 format")
        if records.users.by_id(user_id) is not None:
            raise errors.user_already_exists()
        return user_id

    # Changing

    async def update(self, admin: Admin, user_id: str, body: AdminUserBody) -> User:
        """Change a user. A new password ends all of the user's sessions.

        Raises:
            RefusalError: Not valid, there is no such user, or somebody has the address or the number.
        """
        if body.password is not None:
            self._policy.check(body.password)
        hashed = await self._passwords.hash(body.password) if body.password is not None else None
        email = normal_email(body.email) if body.email else None
        phone = normal_phone(body.phone) if body.phone else None

        def change(records: Records) -> User:
            user = user_of(records, user_id)
            self._check_free(records, email if email != user.email else None, phone if phone != user.phone else None)
            user = self._changed(user, body, email, phone, hashed)
            records.users.update(user)
            self._update_ways_in(records, user, body)
            if hashed is not None:
                # Whoever knew the old password may hold a link that was sent before it was changed.
                records.sessions.delete_of(user.id)
                records.one_time_tokens.drop(user.id)
            self._note(records, admin, Action.USER_MODIFIED, user)
            return whole_view(records, user)

        return await self._store.write(change)

    def _changed(
        self, user: UserRow, body: AdminUserBody, email: str | None, phone: str | None, hashed: str | None
    ) -> UserRow:
        now = instant(self._clock())
        user = msgspec.structs.replace(
            user,
            role=body.role or user.role,
            email=email or user.email,
            phone=phone or user.phone,
            password_hash=hashed or user.password_hash,
            app_metadata=_merged_text(user.app_metadata, body.app_metadata),
            user_metadata=text_of(self._checked(merged(data_of(user.user_metadata), body.user_metadata or {}))),
            banned_until=banned_until(body.ban_duration, now) if body.ban_duration else user.banned_until,
            is_anonymous=user.is_anonymous and not ((email and body.email_confirm) or (phone and body.phone_confirm)),
            updated_at=now,
        )
        return self._confirmed(user, body, now)

    def _confirmed(self, user: UserRow, body: AdminUserBody, now: int) -> UserRow:
        if body.email_confirm and user.email and user.email_confirmed_at is None:
            user = confirmed(user, now)
        if body.phone_confirm and user.phone and user.phone_confirmed_at is None:
            user = msgspec.structs.replace(user, phone_confirmed_at=now, updated_at=now)
        return user

    def _update_ways_in(self, records: Records, user: UserRow, body: AdminUserBody) -> None:
        own = {"email_verified": False, "phone_verified": False, "sub": user.id}
        for provider, way, is_given in (
            (EMAIL_PROVIDER, user.email, body.email),
            (PHONE_PROVIDER, user.phone, body.phone),
        ):
            identity = records.identities.by_subject(provider, user.id)
            if not is_given or way is None:
                continue
            if identity is None:
                self._accounts.add_identity(records, user, provider, text_of({provider: way, **own}))
            else:
                changed = changed_text(identity.data, {provider: way})
                email = way if provider == EMAIL_PROVIDER else identity.email
                records.identities.update(
                    msgspec.structs.replace(identity, data=changed, email=email, updated_at=user.updated_at)
                )

    def _check_free(self, records: Records, email: str | None, phone: str | None) -> None:
        if email and records.users.by_email(email) is not None:
            raise errors.email_exists()
        if phone and records.users.by_phone(phone) is not None:
            raise errors.phone_exists()

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
            records.identities.delete(identity.id)
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
