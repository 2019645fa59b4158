"""Who may call a method or join a channel: declared beside each, decided in ``backend.access``.

Above: ``methods``, ``channels``. Below: nothing.
"""

from __future__ import annotations

import enum


class Access(enum.Enum):
    """The rule, from the widest to the narrowest."""

    ANONYMOUS = "anyone, signed in or not"
    USER = "any signed-in user"
    OWNER = "the owner of the account"
    SERVICE = "role service or admin in app_metadata"
    ADMIN = "role admin in app_metadata"

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of which the caller must have one; none where no role is asked for."""
        return _ROLES.get(self, ())


_ROLES = {Access.SERVICE: ("service", "admin"), Access.ADMIN: ("admin",)}


class Guarded(enum.StrEnum):
    """Commands for which an operator may demand a second factor (``aal2``) as well, beside the rule.

    Not those of machines (``*.save``): a machine has no authenticator app.
    """

    CREDENTIALS = "credentials"
    ORDERS = "orders"
    WALLETS = "wallets"
