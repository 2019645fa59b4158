"""Sending a browser on, with what it came for: a code, a session in the fragment, or why there is neither.

The forms are those recorded of Supabase Auth: names in alphabetical order, ``sb=`` beside what stands in a fragment,
and the small page Go's ``http.Redirect`` writes for whoever follows no redirects.

Above: ``handlers`` that answer browsers. Below: ``errors``, ``exchange``.
"""

from __future__ import annotations

import html
import urllib.parse
from collections.abc import Mapping
from typing import Final

from cadenza.identity.errors import RefusalError
from cadenza.identity.exchange import PRIVATE, Response
from cadenza.identity.oauth_errors import OAuthRefusalError
from cadenza.protocol.auth import ErrorCode, Session

FOUND: Final = 302
SEE_OTHER: Final = 303

_REASONS: Final[Mapping[int, str]] = {FOUND: "Found", SEE_OTHER: "See Other"}
#: OAuth's word for an HTTP status (Supabase Auth's ``oauthErrorMap``).
_WORDS: Final[Mapping[int, str]] = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}
_DENIED: Final = frozenset(
    {ErrorCode.SIGNUP_DISABLED, ErrorCode.USER_BANNED, ErrorCode.PROVIDER_EMAIL_NEEDS_VERIFICATION}
)


def send_on(url: str, *, status: int = FOUND, headers: Mapping[str, str] | None = None) -> Response:
    """A redirect. What it carries is nobody's to keep, nor to hand on as a referrer."""
    page = f'<a href="{html.escape(url)}">{_REASONS[status]}</a>.\n\n'
    own = {"Content-Type": "text/html; charset=utf-8", "Location": url, "Referrer-Policy": "no-referrer"}
    return Response(status=status, headers={**PRIVATE, **own, **(headers or {})}, body=page.encode())


def with_code(url: str, code: str) -> str:
    """The address with a code to trade in its query."""
    return _with_query(url, {"code": code})


def with_session(url: str, session: Session, *, kind: str = "") -> str:
    """The address with a session in its fragment. ``kind``: what a mail's link was for."""
    fields = {
        "access_token": session.access_token,
        "token_type": session.token_type,
        "expires_in": str(session.expires_in),
        "expires_at": str(session.expires_at),
        "refresh_token": session.refresh_token,
        "sb": "",
    }
    further = {
        "provider_token": session.provider_token,
        "provider_refresh_token": session.provider_refresh_token,
        "type": kind,
    }
    return f"{url}#{_encoded({**fields, **{name: value for name, value in further.items() if value}})}"


def with_error(url: str, refusal: RefusalError, *, in_fragment: bool = True, in_query: bool = True) -> str:
    """The address with a refusal in its query, its fragment, or both."""
    fields = _fields(refusal)
    if in_query:
        url = _with_query(url, fields)
    return f"{url.partition('#')[0]}#{_encoded({**fields, 'sb': ''})}" if in_fragment else url


def with_message(url: str, message: str, *, in_query: bool) -> str:
    """The address with a sentence for a person in its fragment, and in its query where that is read."""
    if in_query:
        url = _with_query(url, {"message": message})
    return f"{url.partition('#')[0]}#{_encoded({'message': message, 'sb': ''})}"


def _fields(refusal: RefusalError) -> dict[str, str]:
    if isinstance(refusal, OAuthRefusalError):
        described = {"error_description": refusal.message} if refusal.message else {}
        return {"error": refusal.error, **described}
    word = "access_denied" if refusal.error_code in _DENIED else _WORDS.get(refusal.status, "server_error")
    return {"error": word, "error_code": refusal.error_code.value, "error_description": refusal.message}


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    parts = urllib.parse.urlsplit(url)
    # A name that stands there already is replaced: nobody reads the second of two.
    kept = [pair for pair in urllib.parse.parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in fields]
    query = urllib.parse.urlencode(sorted([*kept, *fields.items()], key=lambda pair: pair[0]))
    before, fragment = url.partition("#")[0].partition("?")[0], url.partition("#")[2]
    return f"{before}?{query}{'#' if fragment else ''}{fragment}"


def _encoded(fields: Mapping[str, str]) -> str:
    return urllib.parse.urlencode(sorted(fields.items()))
