"""Credentials: a venue's keys. Secrets go in and never come out.

Above: ``methods``. Below: scalars.
"""

from __future__ import annotations

from cadenza.schema.envelope import Pagination
from cadenza.schema.scalars import (
    CredentialStatus,
    CredentialType,
    DateTimeText,
    Message,
    Nullable,
    SecretMessage,
    Uuid,
    Venue,
)


class TradingAccountCredential(SecretMessage, frozen=True, kw_only=True):
    """A venue's keys without the secrets among them; times are RFC 3339 text.

    ``with_info`` and ``with_secret`` say what is filled in; ``api_key`` is there only with the latter.
    """

    credential_id: Uuid | None = None
    nickname: str | None = None
    credential_type: Nullable[CredentialType] = None
    status: CredentialStatus | None = None
    venue: Venue | None = None
    api_key: str | None = None
    created_at: DateTimeText | None = None
    updated_at: DateTimeText | None = None
    revoked_at: DateTimeText | None = None
    with_info: bool | None = None
    with_secret: bool | None = None


class CreateCredentialParams(SecretMessage, frozen=True, kw_only=True):
    """Keys to keep: encrypted, never returned. ``credential_type`` must be given, if as null."""

    trading_account_id: Uuid
    venue: Venue
    credential_type: Nullable[CredentialType]
    api_key: str | None = None
    secret_key: str | None = None
    secret_passphrase: str | None = None
    nickname: str | None = None


class SaveCredentialParams(Message, frozen=True, kw_only=True):
    """A credential to keep as it is (role ``service``)."""

    credential: TradingAccountCredential


class ListCredentialsParams(Message, frozen=True, kw_only=True):
    """Filters, all of which must fit, and which page."""

    credential_ids: tuple[Uuid, ...] | None = None
    venue: Venue | None = None
    credential_type: Nullable[CredentialType] = None
    status: CredentialStatus | None = None
    pagination: Pagination | None = None


class RevokeCredentialParams(Message, frozen=True, kw_only=True):
    """Which credential is revoked for good; accounts that use it are disconnected."""

    credential_id: Uuid


class RotateCredentialParams(SecretMessage, frozen=True, kw_only=True):
    """New keys under the same credential; the old ones stop at once."""

    credential_id: Uuid
    credential_type: Nullable[CredentialType]
    api_key: str | None = None
    secret_key: str | None = None
    secret_passphrase: str | None = None


class VerifyCredentialParams(Message, frozen=True, kw_only=True):
    """Kept credentials by id, or whole ones."""

    credential_ids: tuple[Uuid, ...] | None = None
    credentials: tuple[TradingAccountCredential, ...] | None = None
