"""What the provider's ``/inbox`` answers, as far as the command line shows it.

Above: ``cli.inbox``, which imports this only when it runs. Below: msgspec.
"""

from __future__ import annotations

import msgspec

__all__ = ["Mail", "Mails"]


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. ``link`` and ``code`` sign in whoever has them: no ``repr`` shows them."""

    id: int
    to: str
    subject: str
    link: str
    code: str
    received_at: str

    def __repr__(self) -> str:
        return f"<Mail {self.id}>"


class Mails(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; ``last_id`` is of the newest there is, whomever it is to."""

    mails: tuple[Mail, ...]
    last_id: int
