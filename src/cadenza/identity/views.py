"""Rows as the wire shows them.

Above: ``sessions``, ``users``, ``handlers``. Below: ``records``, ``protocol.auth``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records import IdentityRow, UserRow
from cadenza.identity.times import rfc3339, rfc3339_or_none
from cadenza.protocol.auth import Identity, User


def user_view(user: UserRow, identities: tuple[IdentityRow, ...]) -> User:
    """A user as ``/user`` shows it."""
    confirmed_at = rfc3339_or_none(user.email_confirmed_at)
    return User(
        id=user.id,
        aud=user.aud,
        role=user.role,
        email=user.email or "",
        email_confirmed_at=confirmed_at,
        phone="",
        confirmation_sent_at=rfc3339_or_none(user.confirmation_sent_at),
        confirmed_at=confirmed_at,
        last_sign_in_at=rfc3339_or_none(user.last_sign_in_at),
        app_metadata=msgspec.json.decode(user.app_metadata, type=dict[str, object]),
        user_metadata=msgspec.json.decode(user.user_metadata, type=dict[str, object]),
        identities=tuple(_identity_view(identity) for identity in identities),
        created_at=rfc3339(user.created_at),
        updated_at=rfc3339(user.updated_at),
        is_anonymous=user.is_anonymous,
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
