"""Rows as the wire shows them.

Above: ``sessions``, ``users``, ``handlers``. Below: ``records``, ``protocol.auth``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records import AuditRow, FactorRow, IdentityRow, Records, UserRow
from cadenza.identity.times import rfc3339, rfc3339_or_none
from cadenza.protocol.auth import AuditEntry, Factor, Identity, User


def whole_view(records: Records, user: UserRow) -> User:
    """A user with everything that hangs on it. Runs inside a transaction."""
    return user_view(user, records.identities.of(user.id), records.factors.of(user.id))


def user_view(user: UserRow, identities: tuple[IdentityRow, ...] | None, factors: tuple[FactorRow, ...] = ()) -> User:
    """A user as ``/user`` shows it. Without identities: as in an admin's list, where they are null."""
    return User(
        id=user.id,
        aud=user.aud,
        role=user.role,
        email=user.email or "",
        email_confirmed_at=rfc3339_or_none(user.email_confirmed_at),
        invited_at=rfc3339_or_none(user.invited_at),
        phone=user.phone or "",
        phone_confirmed_at=rfc3339_or_none(user.phone_confirmed_at),
        confirmation_sent_at=rfc3339_or_none(user.confirmation_sent_at),
        confirmed_at=rfc3339_or_none(_confirmed_at(user)),
        recovery_sent_at=rfc3339_or_none(user.recovery_sent_at),
        new_email=user.new_email or None,
        email_change_sent_at=rfc3339_or_none(user.email_change_sent_at),
        new_phone=user.new_phone or None,
        phone_change_sent_at=rfc3339_or_none(user.phone_change_sent_at),
        reauthentication_sent_at=rfc3339_or_none(user.reauthentication_sent_at),
        last_sign_in_at=rfc3339_or_none(user.last_sign_in_at),
        app_metadata=msgspec.json.decode(user.app_metadata, type=dict[str, object]),
        user_metadata=msgspec.json.decode(user.user_metadata, type=dict[str, object]),
        factors=tuple(factor_view(factor) for factor in factors),
        identities=None if identities is None else tuple(_identity_view(identity) for identity in identities),
        created_at=rfc3339(user.created_at),
        updated_at=rfc3339(user.updated_at),
        banned_until=rfc3339_or_none(user.banned_until),
        deleted_at=rfc3339_or_none(user.deleted_at),
        is_anonymous=user.is_anonymous,
    )


def _confirmed_at(user: UserRow) -> int | None:
    """Whichever way in was confirmed first."""
    return min((at for at in (user.email_confirmed_at, user.phone_confirmed_at) if at is not None), default=None)


def factor_view(factor: FactorRow) -> Factor:
    """A second factor as its user and admins see it: without its secret."""
    return Factor(
        id=factor.id,
        created_at=rfc3339(factor.created_at),
        updated_at=rfc3339(factor.updated_at),
        status=factor.status,
        friendly_name=factor.friendly_name or "",
        factor_type=factor.factor_type,
        phone="",
        last_challenged_at=rfc3339_or_none(factor.last_challenged_at),
    )


def entry_view(row: AuditRow) -> AuditEntry:
    """An entry of the audit log."""
    return AuditEntry(
        id=row.id,
        payload=msgspec.json.decode(row.payload, type=dict[str, object]),
        created_at=rfc3339(row.created_at),
        ip_address=row.address,
    )


def _identity_view(identity: IdentityRow) -> Identity:
    return Identity(
        identity_id=identity.id,
        id=identity.subject,
        user_id=identity.user_id,
        identity_data=msgspec.json.decode(identity.data, type=dict[str, object]),
        provider=identity.provider,
        last_sign_in_at=rfc3339_or_none(identity.last_sign_in_at),
        created_at=rfc3339(identity.created_at),
        updated_at=rfc3339(identity.updated_at),
        email=identity.email,
    )
