"""Third-party applications registered with this provider (``admin/oauth/clients``).

Above: ``records``. Below: ``table``.
"""

from __future__ import annotations

import msgspec

from cadenza.identity.records.table import Table


class OAuthClientRow(msgspec.Struct, frozen=True, kw_only=True):
    """One application. Lists are JSON; ``secret_digest`` is there for confidential ones only."""

    id: str
    client_name: str
    client_type: str
    registration_type: str
    token_endpoint_auth_method: str
    secret_digest: bytes | None
    redirect_uris: str
    grant_types: str
    client_uri: str = ""
    logo_uri: str = ""
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"<OAuthClientRow {self.id}>"


class OAuthClientTable(Table[OAuthClientRow]):
    """By id."""

    name = "oauth_clients"
    row = OAuthClientRow

    def newest(self) -> tuple[OAuthClientRow, ...]:
        """All of them, newest first."""
        return self._all("1 ORDER BY created_at DESC, rowid DESC")
