"""Makes a mail of what it is to say: the link, the values of its template, the text.

Above: ``post``; ``invitations`` asks for links. Below: ``templates``, ``letters``.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, quote_plus, urljoin

from cadenza.identity.config import IdentityConfig
from cadenza.identity.mails.letters import Letter, Mail, MailKind
from cadenza.identity.mails.templates import Templates
from cadenza.protocol.auth import endpoints

#: No line of a mail's head may end where a value says so (RFC 5322 section 2.2).
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_LONGEST_SUBJECT: Final = 250
#: Supabase Auth looks for the first three; the others too would be read back as something else.
_MUST_BE_QUOTED: Final = re.compile(r"[&=#%+ ]")
#: Supabase Auth has one path for links that sign in, whatever they are called.
_PATH_OF: Final = {MailKind.MAGIC_LINK: MailKind.RECOVERY}


class Composer:
    """Composes mails.

    Args:
        config: Addresses of the service and of the site, and the paths of links.
        templates: Subjects and texts.
    """

    def __init__(self, config: IdentityConfig, templates: Templates) -> None:
        self._config = config
        self._templates = templates

    async def compose(self, letter: Letter) -> Mail:
        """The mail of a letter."""
        link = self.link(letter)
        values: dict[str, object] = {
            "SiteURL": self._config.site_url,
            "ConfirmationURL": link,
            "Email": letter.email,
            "NewEmail": letter.new_email,
            "SendingTo": letter.to,
            "Token": letter.code,
            "TokenHash": letter.token,
            "RedirectTo": letter.redirect_to,
            "Data": letter.data,
        }
        subject, text = await self._templates.render(letter.kind, values)
        return Mail(
            kind=letter.kind,
            to=letter.to,
            subject=_CONTROL.sub(" ", subject)[:_LONGEST_SUBJECT].strip(),
            html=text,
            link=link,
            code=letter.code,
        )

    def link(self, letter: Letter) -> str:
        """Where following the mail leads; empty for a mail of a code alone."""
        if not letter.token:
            return ""
        path = self._config.mail.url_paths.get(_PATH_OF.get(letter.kind, letter.kind).value, "")
        base = self._config.base_url
        where = urljoin(f"{base}/", path) if path else base + endpoints.VERIFY
        leads_to = letter.redirect_to
        if _MUST_BE_QUOTED.search(leads_to):
            leads_to = quote_plus(leads_to)
        return f"{where}?token={quote(letter.token)}&type={quote(letter.verify_type)}&redirect_to={leads_to}"
