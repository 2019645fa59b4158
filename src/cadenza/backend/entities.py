"""Supabase Auth's answers as the contract's entities.

Above: ``provider``. Below: ``protocol.auth``, schema. The SDK has the same walk for a provider it asks directly
(``client.auth.provider``); neither room may know the other, and no room below knows both vocabularies.
"""

from collections.abc import Mapping

from cadenza.protocol.auth import EnrolledFactor, Factor, HalfConfirmed, Identity, Session, User
from cadenza.schema.auth import (
    AuthSession,
    AuthUser,
    AuthUserAppMetadata,
    AuthUserIdentity,
    MfaEnrollment,
    MfaFactor,
)

__all__ = ["enrollment_of", "factor_of", "session_of", "user_of"]


def session_of(answer: Session | User | HalfConfirmed) -> AuthSession:
    """A session; without tokens where the provider wants a confirmation first."""
    if isinstance(answer, HalfConfirmed):
        return AuthSession()
    if isinstance(answer, User):
        return AuthSession(user=user_of(answer))
    return AuthSession(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        token_type=answer.token_type,
        expires_in=answer.expires_in,
        expires_at=answer.expires_at,
        user=user_of(answer.user),
    )


def user_of(user: User) -> AuthUser:
    """A user."""
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
        app_metadata=_app_metadata_of(user.app_metadata),
        user_metadata=user.user_metadata,
        identities=tuple(_identity_of(identity) for identity in user.identities or ()),
    )


def factor_of(factor: Factor) -> MfaFactor:
    """A second factor."""
    return MfaFactor(
        id=factor.id,
        type=factor.factor_type,
        status=factor.status,
        friendly_name=factor.friendly_name or None,
        created_at=factor.created_at,
        updated_at=factor.updated_at,
    )


def enrollment_of(factor: EnrolledFactor) -> MfaEnrollment | None:
    """What an authenticator app needs; None for another kind of factor. Who shows a QR code makes it of ``uri``."""
    if factor.totp is None:
        return None
    return MfaEnrollment(
        factor_id=factor.id,
        type=factor.type,
        friendly_name=factor.friendly_name or None,
        secret=factor.totp.secret,
        uri=factor.totp.uri,
    )


def _identity_of(identity: Identity) -> AuthUserIdentity:
    return AuthUserIdentity(
        id=identity.id,
        user_id=identity.user_id,
        identity_data=identity.identity_data,
        provider=identity.provider,
        last_sign_in_at=identity.last_sign_in_at,
        created_at=identity.created_at,
        updated_at=identity.updated_at,
    )


def _app_metadata_of(metadata: Mapping[str, object]) -> AuthUserAppMetadata:
    """The two entries the contract knows; the operator may have put anything there, so others do not pass."""
    tenant, environments = metadata.get("tenantId"), metadata.get("environments")
    return AuthUserAppMetadata(
        tenant_id=tenant if isinstance(tenant, str) else None,
        environments=tuple(word for word in environments if isinstance(word, str))
        if isinstance(environments, list)
        else None,
    )
