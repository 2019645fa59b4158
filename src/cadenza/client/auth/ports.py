"""The port to whoever signs users in: the identity provider itself, or the backend over the WebSocket.

Above: ``flows``, ``_client``. ``provider`` and ``socket`` implement it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cadenza.client.auth.session import Session
from cadenza.protocol.auth import LogoutScope
from cadenza.schema.auth import AuthUser


class SignIn(Protocol):
    """What can be asked of it. Each raises ``IdentityError`` for a refusal, ``TransportError`` when out of reach."""

    async def password(self, email: str, password: str) -> Session:
        """Sign in."""
        ...

    async def sign_up(self, email: str, password: str, metadata: Mapping[str, object] | None) -> Session | None:
        """Make a user. None: the address must be confirmed first."""
        ...

    async def refresh(self, refresh_token: str) -> Session:
        """Trade a refresh token for a new session."""
        ...

    async def sign_out(self, access_token: str, scope: LogoutScope) -> None:
        """End sessions."""
        ...

    async def user(self, access_token: str) -> AuthUser:
        """Whose token it is."""
        ...
