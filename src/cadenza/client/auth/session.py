"""A signed-in session as the SDK keeps it, and as it stands in a store.

Above: ``tokens`` (keeps it fresh), ``stores`` (keep it), ``flows`` (make it). Below: ``protocol.auth``.
No text of these objects ever shows a token.
"""

from __future__ import annotations

import math
from typing import Final

from cadenza.client.auth.users import has_verified_factor
from cadenza.errors import TokenFormatError
from cadenza.protocol import auth as provider
from cadenza.protocol.auth.messages import Discreet
from cadenza.tokens.claims import Claims, check_form

#: Layout of what stands in a store. Raised when a field changes its meaning.
STORE_VERSION: Final = 1
#: A session after one factor; after two it is ``aal2`` (NIST SP 800-63B's assurance levels, as Supabase names them).
FIRST_LEVEL: Final = "aal1"


class Session(Discreet, frozen=True, kw_only=True):
    """Who is signed in, and the tokens that prove it.

    Attributes:
        access_token: The JWT for gateway and backend. Empty: none yet, refresh first.
        refresh_token: Trades for the next session, once. Empty: this session cannot be refreshed.
        expires_in: Seconds the access token lives from its receipt on, by the provider's count.
        expires_at: When it ends, seconds since the epoch by the provider's clock.
        user_id: The user's id (``sub``).
        email: The user's address, if there is one.
        has_second_factor: Whether the user has a second factor that counts, as the provider last said.
    """

    access_token: str
    refresh_token: str = ""
    expires_in: float
    expires_at: float
    user_id: str = ""
    email: str = ""
    has_second_factor: bool = False

    @property
    def level(self) -> str:
        """``aal2`` after a second factor, else ``aal1``, as the access token says."""
        return _claims(self.access_token).aal or FIRST_LEVEL

    @property
    def is_anonymous(self) -> bool:
        """Whether the user has no name yet: see ``upgrade``."""
        return _claims(self.access_token).is_anonymous or False

    @property
    def needs_second_factor(self) -> bool:
        """Whether the user has a second factor that this session has not seen yet: see ``mfa.verify``."""
        return self.has_second_factor and self.level == FIRST_LEVEL

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
            has_second_factor=has_verified_factor(session.user),
        )

    @classmethod
    def from_access_token(cls, access_token: str) -> Session:
        """A session of nothing but an access token: it lives as long as the gateway takes it, and no longer."""
        return cls(access_token=access_token, expires_in=math.inf, expires_at=math.inf)


def _claims(access_token: str) -> Claims:
    """What the token says of itself; nothing where it cannot be read. For what a person is shown, never for access."""
    try:
        return check_form(access_token).claims
    except TokenFormatError:
        return Claims()


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
