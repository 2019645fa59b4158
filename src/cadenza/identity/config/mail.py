"""Mails: how long what they hold is good for, and who carries them.

Above: ``main``. Below: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, repr=False)
class SmtpServer:
    """Where mails are handed over (RFC 5321, STARTTLS where it is offered; port 465: TLS at once)."""

    host: str
    port: int = 587
    user: str = ""
    password: str = ""
    sender: str = ""
    sender_name: str = ""

    def __repr__(self) -> str:
        return f"<SmtpServer {self.host}:{self.port}>"


@dataclass(frozen=True, kw_only=True)
class MailConfig:
    """Mails and their codes.

    Attributes:
        smtp: Who carries them; ``None``: they stay in the inbox, to be read at ``/inbox``.
        interval_seconds: Between two mails of one kind to one user.
        code_lifetime_seconds: A link or code is good for so long.
        code_digits: Of a code, 6 to 10.
        secure_email_change: Both addresses must confirm a change.
        url_paths: Kind of mail -> path of its link, ``/verify`` where not named.
        subjects: Kind of mail -> subject.
        templates: Kind of mail -> address or file of its text, Go template with Supabase Auth's names.
        inbox_limit: Mails kept; the oldest goes first.
        answer_step_seconds: Whether a mail was sent or not, the answer takes a whole number of these and a little more.
            0: as long as it takes, which tells who is registered.
    """

    smtp: SmtpServer | None = None
    interval_seconds: float = 60
    code_lifetime_seconds: float = 3600
    code_digits: int = 6
    secure_email_change: bool = True
    url_paths: Mapping[str, str] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    inbox_limit: int = 200
    answer_step_seconds: float = 0.02
