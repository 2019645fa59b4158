"""Mails: composed from templates, carried by an SMTP server or kept in an inbox to be read at ``/inbox``.

Above: the rules that send them, by ``Post``. Below: ``letters`` say what is meant, ``templates`` how it is put,
``composing`` makes the mail, ``smtp`` and ``inbox`` carry it.
"""

from cadenza.identity.mails.inbox import Inbox
from cadenza.identity.mails.letters import Letter, Mail, MailKind
from cadenza.identity.mails.post import Post

__all__ = ["Inbox", "Letter", "Mail", "MailKind", "Post"]
