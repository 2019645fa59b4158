"""Where Supabase Auth's endpoints stand, and the names of the headers that matter, as constants.

Paths are relative to the service's root: bare (``http://host:port``) when Supabase Auth is asked directly, under
``/auth/v1`` behind Supabase's gateway. Both stand in ``reference/supabase-auth.md``.

Above: ``requests`` (who asks) and ``cadenza.identity`` (who answers).
"""

from __future__ import annotations

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
USER: Final = "/user"
LOGOUT: Final = "/logout"

#: Query parameters.
GRANT_TYPE: Final = "grant_type"
SCOPE: Final = "scope"
REDIRECT_TO: Final = "redirect_to"

#: Asks for (and, on an error, confirms) the dated form of error bodies.
API_VERSION_HEADER: Final = "X-Supabase-Api-Version"
#: The first version with ``{"code": "<error_code>", "message": ...}``; both official clients send it.
API_VERSION: Final = "2024-01-01"
#: The error code once more, so that a proxy's log can show it without opening the body.
ERROR_CODE_HEADER: Final = "X-Sb-Error-Code"
#: Supabase's gateway wants the project's publishable key here; Supabase Auth itself does not look at it.
API_KEY_HEADER: Final = "apikey"
