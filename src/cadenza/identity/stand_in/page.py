"""The test provider's page: who do you want to be, and may this application know it?

Plain HTML, no script, everything from outside escaped, nothing loaded from anywhere.

Above: ``handlers.stand_in``. Below: ``provider``.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from cadenza.identity.exchange import PRIVATE
from cadenza.identity.stand_in.provider import Asked

DEFAULT_NAME: Final = "Ann Example"
DEFAULT_EMAIL: Final = "ann@example.com"

_STYLE: Final = """
:root { color-scheme: light dark; --accent: #2458d6; --line: #8884; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(26rem, calc(100vw - 2rem)); border: 1px solid var(--line); border-radius: 1rem; padding: 1.75rem; }
h1 { font-size: 1.3rem; margin: 0 0 .25rem; }
p { margin: .25rem 0 1rem; overflow-wrap: anywhere; }
.badge { display: inline-block; font-size: .8rem; padding: .1rem .6rem; border-radius: 1rem; margin: 0 0 .75rem;
  background: #f5c54233; border: 1px solid #f5c542; }
.dim { opacity: .75; font-size: .9rem; margin: 1.5rem 0 0; }
label { display: block; font-weight: 600; margin: .75rem 0 .25rem; }
label.check { font-weight: 400; display: flex; gap: .5rem; align-items: center; }
input:not([type=checkbox]) { width: 100%; padding: .55rem .7rem; font: inherit; border: 1px solid var(--line);
  border-radius: .5rem; background: transparent; color: inherit; }
.buttons { display: flex; flex-direction: row-reverse; gap: .75rem; margin-top: 1.25rem; }
button { flex: 1; font: inherit; padding: .6rem; border-radius: .5rem; border: 1px solid var(--line);
  background: transparent; color: inherit; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: #fff; font-weight: 600; }
:focus-visible { outline: 3px solid #2458d688; outline-offset: 2px; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    **PRIVATE,
    "Content-Type": "text/html; charset=utf-8",
    # No form-action: browsers hold the redirects that follow the form to it as well, and those lead to the application.
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it browsers say `Origin: null` of this page's own form.
    "Referrer-Policy": "same-origin",
}


def consent(asked: Asked, *, ticket: str) -> bytes:
    """The page with the form."""
    where = html.escape(urlsplit(asked.redirect_uri).netloc)
    hidden = {**msgspec.structs.asdict(asked), "ticket": ticket}
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(str(value))}">' for name, value in hidden.items()
    )
    email = html.escape(asked.login_hint or DEFAULT_EMAIL)
    body = (
        "<h1>Who do you want to be?</h1>"
        f"<p><b>{html.escape(asked.client_id[:100])}</b> at <b>{where}</b> wants to know your name and address.</p>"
        f'<form method="post">{fields}'
        f'<label for="name">Name</label><input id="name" name="name" maxlength="100" value="{DEFAULT_NAME}">'
        f'<label for="email">E-mail</label>'
        f'<input id="email" name="email" type="email" required maxlength="255" value="{email}">'
        '<label class="check"><input type="checkbox" name="email_verified" value="true" checked>'
        "the address is verified</label>"
        # Allow comes first, for the Enter key, and stands last.
        '<div class="buttons"><button class="main" name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny" formnovalidate>Deny</button></div></form>'
    )
    return _page("Sign in", body)


def refusal(description: str) -> bytes:
    """The page for a request that must not be answered to where it says."""
    return _page("Cannot sign in", f"<h1>This request cannot be answered</h1><p>{html.escape(description)}.</p>")


def _page(title: str, body: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - Cadenza test provider</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        f'<span class="badge">Test provider</span>{body}'
        '<p class="dim">Part of the development stack: anybody here can be anybody. No password is asked for, and '
        "nothing leaves this machine.</p></main></body></html>"
    ).encode()
