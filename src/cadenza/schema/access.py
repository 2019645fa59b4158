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
