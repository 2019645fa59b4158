"""The inbox: mails that were kept instead of sent, as a page for a person and as JSON for a program.

Whoever reads it can sign in as anybody, so it answers on this machine alone, where no SMTP server is configured, and
to no other page in a browser: the allow-list of origins does not hold for it.

Above: ``parts``. Below: ``mails.inbox``.
"""

from __future__ import annotations

import base64
import hashlib
import html
import math
from collections.abc import Mapping
from functools import partial
from typing import Final

from cadenza.identity import errors
from cadenza.identity.exchange import PRIVATE, Request, Response, json_response
from cadenza.identity.handlers import Table
from cadenza.identity.mails.inbox import Inbox, KeptMail
from cadenza.protocol.auth.messages import Discreet

INBOX: Final = "/inbox"
_LONGEST_WAIT_SECONDS: Final = 30.0
_REFRESH_SECONDS: Final = 5

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid #8884; border-radius: .5rem; padding: .5rem 1rem; margin: 1rem 0; }
h2 { font-size: 1.1rem; margin: .25rem 0; }
code { font-size: 1.5rem; letter-spacing: .15em; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.dim { opacity: .7; }
:root { color-scheme: light dark; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE_HEADERS: Final[Mapping[str, str]] = {
    **PRIVATE,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
}


class _Mails(Discreet, frozen=True, kw_only=True):
    """The JSON: newest first. ``last_id``: of the newest mail there is, to ask for what comes after it."""

    mails: tuple[KeptMail, ...]
    last_id: int


class InboxEndpoints:
    """See the module.

    Args:
        inbox: What is shown; ``None``: there is no such endpoint.
    """

    def __init__(self, inbox: Inbox | None) -> None:
        self._inbox = inbox

    def table(self) -> Table:
        """Path pattern -> method -> endpoint."""
        return {} if self._inbox is None else {INBOX: {"GET": partial(self._show, self._inbox)}}

    async def _show(self, inbox: Inbox, request: Request) -> Response:
        """Mails, newest first: ``?to=`` an address, ``after=`` a mail's id, ``wait=`` seconds for one to come."""
        if _is_another_page(request.headers):
            return Response(status=403, headers={"Content-Type": "text/plain; charset=utf-8"}, body=b"403 forbidden\n")
        to, after = request.query.get("to", ""), int(_number(request, "after"))
        wait = min(_number(request, "wait"), _LONGEST_WAIT_SECONDS)
        mails = inbox.newest(to=to, after=after)
        if not mails and wait > 0:
            mails = await inbox.wait(to=to, after=after, seconds=wait)
        if "application/json" in request.headers.get("accept", ""):
            return json_response(_Mails(mails=mails, last_id=inbox.last_id))
        return Response(headers=_PAGE_HEADERS, body=_page(mails).encode())


def _is_another_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser asks on behalf of a page that is not the inbox (Fetch Metadata); a person's click is none."""
    if headers.get("origin"):
        return True
    if headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document":
        return False
    return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}


def _number(request: Request, name: str) -> float:
    text = request.query.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < 2**53:
        raise errors.validation_failed(f"{name} must be a number that is not negative")
    return number


def _page(mails: tuple[KeptMail, ...]) -> str:
    listed = "".join(_article(mail) for mail in mails) or "<p>No mail yet. This page looks again by itself.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Inbox - Cadenza</title>'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="{_REFRESH_SECONDS}">'
        f"<style>{_STYLE}</style></head><body><h1>Inbox</h1>"
        f'<p class="dim">No SMTP server is configured, so mails are kept here until this program ends.</p>'
        f"{listed}</body></html>"
    )


def _article(mail: KeptMail) -> str:
    to, subject, at = html.escape(mail.to), html.escape(mail.subject), html.escape(mail.received_at)
    link = html.escape(mail.link)
    leads = f'<p><a href="{link}">{link}</a></p>' if mail.link.startswith(("http://", "https://")) else ""
    code = f"<p><code>{html.escape(mail.code)}</code></p>" if mail.code else ""
    return f'<article><h2>{subject}</h2><p class="dim">to {to}, {at}</p>{code}{leads}</article>'
