"""Where Supabase Auth's endpoints stand, and the names of the headers that matter, as constants.

Paths are relative to the service's root: bare (``http://host:port``) when Supabase Auth is asked directly, under
``/auth/v1`` behind Supabase's gateway. Both stand in ``reference/supabase-auth.md``.

Above: ``requests`` (who asks) and ``cadenza.identity`` (who answers).
"""

from __future__ import annotations

import urllib.parse
from typing import Final

#: The prefix under which Supabase's gateway shows the service.
GATEWAY_PREFIX: Final = "/auth/v1"

HEALTH: Final = "/health"
SETTINGS: Final = "/settings"
JWKS: Final = "/.well-known/jwks.json"
OPENID_CONFIGURATION: Final = "/.well-known/openid-configuration"
OAUTH_AUTHORIZATION_SERVER: Final = "/.well-known/oauth-authorization-server"
SIGNUP: Final = "/signup"
TOKEN: Final = "/token"  # noqa: S105 - a path, not a secret
OTP: Final = "/otp"
MAGICLINK: Final = "/magiclink"
VERIFY: Final = "/verify"
RECOVER: Final = "/recover"
RESEND: Final = "/resend"
REAUTHENTICATE: Final = "/reauthenticate"
USER: Final = "/user"
#: Ours: all that is kept of the user.
EXPORT: Final = "/user/export"
IDENTITIES: Final = "/user/identities"
LINK_IDENTITY: Final = "/user/identities/authorize"
LOGOUT: Final = "/logout"
FACTORS: Final = "/factors"
AUTHORIZE: Final = "/authorize"
CALLBACK: Final = "/callback"
INVITE: Final = "/invite"
ADMIN_USERS: Final = "/admin/users"
ADMIN_GENERATE_LINK: Final = "/admin/generate_link"
ADMIN_AUDIT: Final = "/admin/audit"
ADMIN_OAUTH_CLIENTS: Final = "/admin/oauth/clients"


def identity(identity_id: str) -> str:
    """One way in (``DELETE``). ``identity_id`` is the row's id, not the id at the provider."""
    return f"{IDENTITIES}/{_segment(identity_id)}"


def factor(factor_id: str) -> str:
    """One second factor (``DELETE``)."""
    return f"{FACTORS}/{_segment(factor_id)}"


def factor_challenge(factor_id: str) -> str:
    """Where a factor's challenge is made."""
    return f"{factor(factor_id)}/challenge"


def factor_verify(factor_id: str) -> str:
    """Where a challenge is answered."""
    return f"{factor(factor_id)}/verify"


def admin_user(user_id: str) -> str:
    """One user, as an admin sees it."""
    return f"{ADMIN_USERS}/{_segment(user_id)}"


def admin_export(user_id: str) -> str:
    """All that is kept of a user. Ours."""
    return f"{admin_user(user_id)}/export"


def admin_factors(user_id: str) -> str:
    """A user's second factors."""
    return f"{admin_user(user_id)}/factors"


def admin_factor(user_id: str, factor_id: str) -> str:
    """One of them."""
    return f"{admin_factors(user_id)}/{_segment(factor_id)}"


def admin_oauth_client(client_id: str) -> str:
    """One third-party application."""
    return f"{ADMIN_OAUTH_CLIENTS}/{_segment(client_id)}"


def admin_oauth_client_secret(client_id: str) -> str:
    """Where it gets a new secret."""
    return f"{admin_oauth_client(client_id)}/regenerate_secret"


def _segment(text: str) -> str:
    # An id from a user's hand must never become another path: no slash, no `..`, and not an empty segment.
    quoted = urllib.parse.quote(text, safe="")
    return {"": "%20", ".": "%2E", "..": "%2E%2E"}.get(quoted, quoted)


#: Query parameters.
GRANT_TYPE: Final = "grant_type"
SCOPE: Final = "scope"
REDIRECT_TO: Final = "redirect_to"
PROVIDER: Final = "provider"
SCOPES: Final = "scopes"
CODE_CHALLENGE: Final = "code_challenge"
CODE_CHALLENGE_METHOD: Final = "code_challenge_method"
INVITE_TOKEN: Final = "invite_token"  # noqa: S105 - a parameter's name
SKIP_HTTP_REDIRECT: Final = "skip_http_redirect"
PAGE: Final = "page"
PER_PAGE: Final = "per_page"

#: Asks for (and, on an error, confirms) the dated form of error bodies.
API_VERSION_HEADER: Final = "X-Supabase-Api-Version"
#: The first version with ``{"code": "<error_code>", "message": ...}``; both official clients send it.
API_VERSION: Final = "2024-01-01"
#: The error code once more, so that a proxy's log can show it without opening the body.
ERROR_CODE_HEADER: Final = "X-Sb-Error-Code"
#: Supabase's gateway wants the project's publishable key here; Supabase Auth itself does not look at it.
API_KEY_HEADER: Final = "apikey"
#: How many there are in all, beside a page of a list; ``Link`` (RFC 8288) leads to the next and the last page.
TOTAL_COUNT_HEADER: Final = "X-Total-Count"

#: Where a program on the user's own machine waits for a browser to come back: three ports, listed exactly, because
#: hosted allow-lists know no rule for loopback (row G1). Client and provider both hold to them.
LOOPBACK_REDIRECTS: Final = tuple(f"http://127.0.0.1:{port}/callback" for port in (53682, 53683, 53684))
