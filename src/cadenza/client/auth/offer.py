"""Which ways in a provider offers, as its ``/settings`` says: what a sign-in page, or a menu, is drawn from.

Above: ``account``, ``provider``. Below: ``protocol.auth``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cadenza.protocol.auth import Settings

#: Not an OAuth provider each, though they stand among them.
_ANONYMOUS: Final = "anonymous_users"
_EMAIL: Final = "email"
_PHONE: Final = "phone"


class WaysIn(msgspec.Struct, frozen=True, kw_only=True):
    """The ways in that are open.

    Attributes:
        providers: OAuth providers, for ``sign_in_with_provider``. An operator's own (``custom:...``) are not told.
        email: By address: password, code and link.
        anonymous: Without a name.
        sign_up: Whether new users are taken.
        confirms_email: Whether a new address must be confirmed before it can sign in.
    """

    providers: tuple[str, ...]
    email: bool
    anonymous: bool
    sign_up: bool
    confirms_email: bool

    @classmethod
    def of(cls, settings: Settings) -> WaysIn:
        """Take over what the provider answered."""
        others = {_ANONYMOUS, _EMAIL, _PHONE}
        return cls(
            providers=tuple(sorted(name for name, on in settings.external.items() if on and name not in others)),
            email=settings.external.get(_EMAIL, False),
            anonymous=settings.external.get(_ANONYMOUS, False),
            sign_up=not settings.disable_signup,
            confirms_email=not settings.mailer_autoconfirm,
        )
