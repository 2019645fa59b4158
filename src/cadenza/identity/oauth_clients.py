"""Third-party applications that users may let act for them: registered, changed, given new secrets, removed by admins.

The rules, and the words of what is refused, are Supabase Auth's (``internal/api/oauthserver``). A secret is told once
and kept as its SHA-256, as there: it has 256 random bits, so there is nothing to guess that a slow hash would save.
No user is sent to an application from here: the OAuth server itself is not served.

Above: ``handlers.oauth_clients``. Below: ``records``, ``oauth_client_checks``, ``audit``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from cadenza.identity import errors
from cadenza.identity.audit import Action, Admin, Audit
from cadenza.identity.errors import RefusalError
from cadenza.identity.ids import uuid_of
from cadenza.identity.oauth_client_checks import (
    GRANTS,
    METHODS_OF,
    check_method,
    check_registration,
    check_update,
    type_of,
)
from cadenza.identity.records import OAuthClientRow, Records
from cadenza.identity.store import Store
from cadenza.identity.times import instant, rfc3339
from cadenza.protocol.auth import ClientType, ErrorCode, OAuthClient, OAuthClientBody

_NOT_FOUND: Final = 404
_SECRET_BYTES: Final = 32


class OAuthClients:
    """See the module.

    Args:
        store: Where they are.
        audit: Notes what was done to them.
        clock: Seconds since the epoch.
        new_id: Makes ids.
        random_bytes: Where secrets come from.
    """

    def __init__(
        self,
        *,
        store: Store,
        audit: Audit,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._random_bytes = random_bytes

    async def all(self) -> tuple[OAuthClient, ...]:
        """All of them, newest first."""
        rows = await self._store.read(lambda records: records.oauth_clients.newest())
        return tuple(_view(row) for row in rows)

    async def get(self, client_id: str) -> OAuthClient:
        """One of them. Raises ``RefusalError``: there is none."""
        return _view(await self._store.read(lambda records: _client_of(records, client_id)))

    async def register(self, admin: Admin, body: OAuthClientBody) -> OAuthClient:
        """Take one in. The answer alone holds its secret, if it can keep one.

        Raises:
            RefusalError: Not valid.
        """
        check_registration(body)
        method = body.token_endpoint_auth_method
        client_type = body.client_type or type_of(method or METHODS_OF[ClientType.CONFIDENTIAL][0])
        secret = self._new_secret() if client_type == ClientType.CONFIDENTIAL else ""
        now = instant(self._clock())
        row = OAuthClientRow(
            id=self._new_id(),
            client_name=body.client_name or "",
            client_type=client_type,
            registration_type="manual",
            token_endpoint_auth_method=method or METHODS_OF[client_type][0],
            secret_digest=_digest(secret) if secret else None,
            redirect_uris=_text(body.redirect_uris or ()),
            grant_types=_text(body.grant_types or GRANTS),
            client_uri=body.client_uri or "",
            logo_uri=body.logo_uri or "",
            created_at=now,
            updated_at=now,
        )

        def add(records: Records) -> None:
            records.oauth_clients.insert(row)
            self._note(records, admin, Action.OAUTH_CLIENT_CREATED, row)

        await self._store.write(add)
        return _view(row, secret)

    async def update(self, admin: Admin, client_id: str, body: OAuthClientBody) -> OAuthClient:
        """Change what the body names.

        Raises:
            RefusalError: Not valid, nothing named, or there is no such client.
        """
        check_update(body)

        def change(records: Records) -> OAuthClientRow:
            row = self._changed(_client_of(records, client_id), body)
            records.oauth_clients.update(row)
            self._note(records, admin, Action.OAUTH_CLIENT_UPDATED, row)
            return row

        return _view(await self._store.write(change))

    def _changed(self, row: OAuthClientRow, body: OAuthClientBody) -> OAuthClientRow:
        method = body.token_endpoint_auth_method
        check_method(row.client_type, method)
        return msgspec.structs.replace(
            row,
            token_endpoint_auth_method=method or row.token_endpoint_auth_method,
            redirect_uris=row.redirect_uris if body.redirect_uris is None else _text(body.redirect_uris),
            grant_types=row.grant_types if body.grant_types is None else _text(body.grant_types),
            client_name=row.client_name if body.client_name is None else body.client_name,
            client_uri=row.client_uri if body.client_uri is None else body.client_uri,
            logo_uri=row.logo_uri if body.logo_uri is None else body.logo_uri,
            updated_at=instant(self._clock()),
        )

    async def new_secret(self, admin: Admin, client_id: str) -> OAuthClient:
        """Give one a new secret, which the answer alone holds. The old one is nothing from now on.

        Raises:
            RefusalError: There is no such client, or it can keep no secret.
        """
        secret = self._new_secret()

        def change(records: Records) -> OAuthClientRow:
            row = _client_of(records, client_id)
            if row.client_type != ClientType.CONFIDENTIAL:
                raise errors.validation_failed("Cannot regenerate secret for public client")
            row = msgspec.structs.replace(row, secret_digest=_digest(secret), updated_at=instant(self._clock()))
            records.oauth_clients.update(row)
            self._note(records, admin, Action.OAUTH_CLIENT_UPDATED, row, what="client_secret")
            return row

        return _view(await self._store.write(change), secret)

    async def remove(self, admin: Admin, client_id: str) -> None:
        """Remove one. Raises ``RefusalError``: there is none."""

        def delete(records: Records) -> None:
            row = _client_of(records, client_id)
            records.oauth_clients.delete(row.id)
            self._note(records, admin, Action.OAUTH_CLIENT_DELETED, row)

        await self._store.write(delete)

    def _new_secret(self) -> str:
        return base64.urlsafe_b64encode(self._random_bytes(_SECRET_BYTES)).rstrip(b"=").decode()

    def _note(self, records: Records, admin: Admin, action: Action, row: OAuthClientRow, **further: str) -> None:
        traits = {"client_id": row.id, "client_name": row.client_name, **further}
        self._audit.note(records, action, actor=admin, traits=traits)


def _client_of(records: Records, client_id: str) -> OAuthClientRow:
    known = uuid_of(client_id)
    if known is None:
        raise errors.validation_failed("invalid client_id format")
    row = records.oauth_clients.by_id(known)
    if row is None:
        raise RefusalError(_NOT_FOUND, ErrorCode.OAUTH_CLIENT_NOT_FOUND, "OAuth client not found")
    return row


def _view(row: OAuthClientRow, secret: str = "") -> OAuthClient:
    return OAuthClient(
        client_id=row.id,
        client_secret=secret,
        client_type=row.client_type,
        redirect_uris=_list(row.redirect_uris),
        token_endpoint_auth_method=row.token_endpoint_auth_method,
        grant_types=_list(row.grant_types),
        response_types=("code",),
        client_name=row.client_name,
        client_uri=row.client_uri,
        logo_uri=row.logo_uri,
        registration_type=row.registration_type,
        created_at=rfc3339(row.created_at),
        updated_at=rfc3339(row.updated_at),
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _text(values: tuple[str, ...]) -> str:
    return msgspec.json.encode(values).decode()


def _list(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
