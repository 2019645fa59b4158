"""What a mail is to say, and the mail itself, as values.

Above: ``composing`` and the rest of this package, the rules. Below: nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from cadenza.protocol.auth.messages import Discreet


class MailKind(enum.StrEnum):
    """Supabase Auth's templates, by the names its configuration gives them."""

    CONFIRMATION = "confirmation"
    RECOVERY = "recovery"
    INVITE = "invite"
    MAGIC_LINK = "magic_link"
    EMAIL_CHANGE = "email_change"
    REAUTHENTICATION = "reauthentication"


class Letter(Discreet, frozen=True, kw_only=True):
    """What is meant.

    Attributes:
        kind: Which template.
        to: Who gets it.
        code: The digits to type.
        token: The link's; empty: a mail without a link.
        verify_type: What ``/verify`` is told it is for.
        redirect_to: Where the link leads in the end.
        email: The user's address.
        new_email: The address it shall become.
        data: The user's own metadata, for templates.
    """

    kind: MailKind
    to: str
    code: str
    token: str = ""
    verify_type: str = ""
    redirect_to: str = ""
    email: str = ""
    new_email: str = ""
    data: Mapping[str, object] = {}


class Mail(Discreet, frozen=True, kw_only=True):
    """A mail as it goes out. ``link`` and ``code`` stand in it somewhere, or would with another template."""

    kind: MailKind
    to: str
    subject: str
    html: str
    link: str
    code: str
