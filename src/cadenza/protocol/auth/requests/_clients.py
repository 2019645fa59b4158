"""What only an admin may ask, about third-party applications (Supabase Auth as an OAuth 2.1 server).

Above: the door, ``requests``. Below: ``_request``, ``admin``.
"""

from __future__ import annotations

import msgspec

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.admin import OAuthClientBody
from cadenza.protocol.auth.requests._request import Request, post


def admin_list_clients(service_token: str) -> Request:
    """All third-party applications. Read the answer with ``responses.parse_clients``."""
    return Request(method="GET", path=endpoints.ADMIN_OAUTH_CLIENTS, bearer=service_token)


def admin_create_client(service_token: str, body: OAuthClientBody) -> Request:
    """Register one. Read the answer with ``responses.parse_client``; it alone has the secret."""
    return post(endpoints.ADMIN_OAUTH_CLIENTS, body, bearer=service_token)


def admin_get_client(service_token: str, client_id: str) -> Request:
    """Read the answer with ``responses.parse_client``."""
    return Request(method="GET", path=endpoints.admin_oauth_client(client_id), bearer=service_token)


def admin_update_client(service_token: str, client_id: str, body: OAuthClientBody) -> Request:
    """Change what the body names. Read the answer with ``responses.parse_client``."""
    encoded = msgspec.json.encode(body)
    return Request(method="PUT", path=endpoints.admin_oauth_client(client_id), body=encoded, bearer=service_token)


def admin_delete_client(service_token: str, client_id: str) -> Request:
    """Remove one (204). Read the answer with ``responses.expect_success``."""
    return Request(method="DELETE", path=endpoints.admin_oauth_client(client_id), bearer=service_token)


def admin_regenerate_secret(service_token: str, client_id: str) -> Request:
    """Give it a new secret; the old one is gone at once. Read the answer with ``responses.parse_client``."""
    return Request(method="POST", path=endpoints.admin_oauth_client_secret(client_id), bearer=service_token)
