"""The words of Supabase Auth's wire: what may stand in ``type``, ``scope``, ``grant_type`` and their like.

Above: ``messages``, ``bodies``, ``requests``, and ``cadenza.identity``. Source: Supabase Auth's own constants.
"""

from __future__ import annotations

import enum
from typing import Final


class LogoutScope(enum.StrEnum):
    """Which sessions a sign-out ends."""

    GLOBAL = "global"
    LOCAL = "local"
    OTHERS = "others"


class GrantType(enum.StrEnum):
    """The grants of ``POST /token`` (``web3`` is not spoken here)."""

    PASSWORD = "password"  # noqa: S105 - a grant's name
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a grant's name
    PKCE = "pkce"
    ID_TOKEN = "id_token"  # noqa: S105 - a grant's name


class VerifyType(enum.StrEnum):
    """What a one-time code or a link is for (``type`` of ``/verify``)."""

    SIGNUP = "signup"
    EMAIL = "email"
    MAGICLINK = "magiclink"
    RECOVERY = "recovery"
    INVITE = "invite"
    EMAIL_CHANGE = "email_change"
    SMS = "sms"
    PHONE_CHANGE = "phone_change"


class ResendType(enum.StrEnum):
    """What ``POST /resend`` sends once more."""

    SIGNUP = "signup"
    EMAIL_CHANGE = "email_change"
    SMS = "sms"
    PHONE_CHANGE = "phone_change"


class LinkType(enum.StrEnum):
    """What ``POST /admin/generate_link`` makes."""

    SIGNUP = "signup"
    INVITE = "invite"
    MAGICLINK = "magiclink"
    RECOVERY = "recovery"
    EMAIL_CHANGE_CURRENT = "email_change_current"
    EMAIL_CHANGE_NEW = "email_change_new"


class FactorType(enum.StrEnum):
    """Kinds of second factor this stack speaks."""

    TOTP = "totp"


class FactorStatus(enum.StrEnum):
    """A factor counts only once it has been verified."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"


class ClientType(enum.StrEnum):
    """Whether a third-party application can keep a secret (RFC 6749 section 2.1)."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


class TokenEndpointAuthMethod(enum.StrEnum):
    """How a third-party application proves itself (RFC 7591 section 2)."""

    NONE = "none"
    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 - a method's name
    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 - a method's name


#: What every link and code of a PKCE flow begins with.
PKCE_PREFIX: Final = "pkce_"
#: The one challenge method this stack sends and takes, as both official clients spell it (case does not matter).
S256: Final = "s256"
#: ``ban_duration`` that ends a ban; a ban is a Go duration (``24h``).
NO_BAN: Final = "none"
