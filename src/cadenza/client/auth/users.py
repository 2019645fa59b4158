"""The user as the SDK shows one: the contract's user, the ways in, the second factors.

Above: ``ports``, ``account``, ``mfa``. Below: ``protocol.auth`` and schema, from which ``provider`` and ``socket`` make
it. Nothing here shows personal data in its text.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.protocol.auth import Identity, User
from cadenza.protocol.auth.messages import Discreet, Factor
from cadenza.protocol.auth.words import FactorStatus
from cadenza.schema.auth import AuthUser, AuthUserAppMetadata, AuthUserIdentity


class LinkedIdentity(Discreet, frozen=True, kw_only=True):
    """One way in of a user.

    Attributes:
        identity_id: Its id, for ``unlink_identity``.
        provider: ``email``, ``google`` ...
        email: The address that provider has of the user.
        created_at: RFC 3339 text.
        last_sign_in_at: RFC 3339 text.
    """

    identity_id: str
    provider: str
    email: str = ""
    created_at: str = ""
    last_sign_in_at: str = ""

    def __repr__(self) -> str:
        return f"<LinkedIdentity {self.identity_id} at {self.provider}>"


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor of a user.

    Attributes:
        id: For ``mfa.challenge``, ``mfa.verify`` and ``mfa.unenroll``.
        kind: ``totp``.
        name: As the user called it; may be empty.
        verified: Whether it counts. One that was never verified counts for nothing.
        created_at: RFC 3339 text.
    """

    id: str
    kind: str
    name: str = ""
    verified: bool
    created_at: str = ""


class UserRecord(Discreet, frozen=True, kw_only=True):
    """All that is known of the signed-in user."""

    user: AuthUser
    identities: tuple[LinkedIdentity, ...] = ()
    factors: tuple[SecondFactor, ...] = ()


def record_of(user: User) -> UserRecord:
    """The provider's user as the SDK shows it."""
    return UserRecord(
        user=contract_user(user),
        identities=tuple(_linked(identity) for identity in user.identities or ()),
        factors=tuple(_factor(factor) for factor in user.factors),
    )


def has_verified_factor(user: User) -> bool:
    """Whether signing in should go on to a second factor."""
    return any(factor.status == FactorStatus.VERIFIED for factor in user.factors)


def contract_user(user: User) -> AuthUser:
    """The provider's user as the contract has one."""
    return AuthUser(
        id=user.id,
        email=user.email,
        phone=user.phone or None,
        email_confirmed_at=user.email_confirmed_at,
        phone_confirmed_at=user.phone_confirmed_at,
        last_sign_in_at=user.last_sign_in_at,
        role=user.role,
        created_at=user.created_at,
        updated_at=user.updated_at,
        app_metadata=_app_metadata(user.app_metadata),
        user_metadata=user.user_metadata,
        identities=tuple(_identity(identity) for identity in user.identities or ()),
    )


def _linked(identity: Identity) -> LinkedIdentity:
    return LinkedIdentity(
        identity_id=identity.identity_id,
        provider=identity.provider,
        email=identity.email or "",
        created_at=identity.created_at,
        last_sign_in_at=identity.last_sign_in_at or "",
    )


def _factor(factor: Factor) -> SecondFactor:
    return SecondFactor(
        id=factor.id,
        kind=factor.factor_type,
        name=factor.friendly_name,
        verified=factor.status == FactorStatus.VERIFIED,
        created_at=factor.created_at,
    )


def _app_metadata(metadata: Mapping[str, object]) -> AuthUserAppMetadata:
    try:
        return msgspec.convert(metadata, type=AuthUserAppMetadata)
    except msgspec.ValidationError:
        return AuthUserAppMetadata()  # an operator may keep anything there


def _identity(identity: Identity) -> AuthUserIdentity:
    return AuthUserIdentity(
        id=identity.id,
        user_id=identity.user_id,
        identity_data=identity.identity_data,
        provider=identity.provider,
        last_sign_in_at=identity.last_sign_in_at,
        created_at=identity.created_at,
        updated_at=identity.updated_at,
    )
