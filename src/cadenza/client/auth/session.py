"""A signed-in session as the SDK keeps it, and as it stands in a store.

Above: ``tokens`` (keeps it fresh), ``stores`` (keep it), ``flows`` (make it). Below: ``protocol.auth``.
No text of these objects ever shows a token.
"""

from __future__ import annotations

import math
from typing import Final

from cadenza.protocol import auth as provider
from cadenza.protocol.auth.messages import Discreet

#: Layout of what stands in a store. Raised when a field changes its meaning.
STORE_VERSION: Final = 1


class Session(Discreet, frozen=True, kw_only=True):
    """Who is signed in, and the tokens that prove it.

    Attributes:
        access_token: The JWT for gateway and backend. Empty: none yet, refresh first.
        refresh_token: Trades for the next session, once. Empty: this session cannot be refreshed.
        expires_in: Seconds the access token lives from its receipt on, by the provider's count.
        expires_at: When it ends, seconds since the epoch by the provider's clock.
        user_id: The user's id (``sub``).
        email: The user's address, if there is one.
    """

    access_token: str
    refresh_token: str = ""
    expires_in: float
    expires_at: float
    user_id: str = ""
    email: str = ""

    def __repr__(self) -> str:
        return f"<Session of user {self.user_id}, expires_at={self.expires_at:.0f}>"

    @classmethod
    def from_provider(cls, session: provider.Session) -> Session:
        """Take over what the identity provider answered."""
        return cls(
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            expires_in=session.expires_in,
            expires_at=session.expires_at,
            user_id=session.user.id,
            email=session.user.email,
        )

    @classmethod
    def from_access_token(cls, access_token: str) -> Session:
        """A session of nothing but an access token: it lives as long as the gateway takes it, and no longer."""
        return cls(access_token=access_token, expires_in=math.inf, expires_at=math.inf)


class StoredSession(Discreet, frozen=True, kw_only=True):
    """A session beside the addresses it belongs to: it is never sent anywhere else.

    Attributes:
        version: Layout of this record.
        ws_url: The gateway.
        supabase_url: The provider, or None when it is reached through the gateway alone.
        session: The session.
    """

    version: int = STORE_VERSION
    ws_url: str
    supabase_url: str | None = None
    session: Session

    def __repr__(self) -> str:
        return f"<StoredSession {self.session!r} at {self.ws_url}>"
