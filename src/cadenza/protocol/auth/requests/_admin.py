"""What only an admin may ask, about users. ``service_token`` is a token whose role the provider holds for an admin's.

Above: the door, ``requests``. Below: ``_request``, ``admin``.
"""

from __future__ import annotations

import msgspec

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.admin import (
    AdminDeleteBody,
    AdminFactorBody,
    AdminUserBody,
    GenerateLinkBody,
    InviteBody,
)
from cadenza.protocol.auth.requests._request import Request, post


def admin_list_users(service_token: str, *, page: int = 1, per_page: int = 50) -> Request:
    """A page of all users, newest first. Read the answer with ``responses.parse_user_list``."""
    return _page(endpoints.ADMIN_USERS, service_token, page, per_page)


def admin_create_user(service_token: str, body: AdminUserBody) -> Request:
    """Make a user. Read the answer with ``responses.parse_user``."""
    return post(endpoints.ADMIN_USERS, body, bearer=service_token)


def admin_get_user(service_token: str, user_id: str) -> Request:
    """Read the answer with ``responses.parse_user``."""
    return Request(method="GET", path=endpoints.admin_user(user_id), bearer=service_token)


def admin_update_user(service_token: str, user_id: str, body: AdminUserBody) -> Request:
    """Change a user. Read the answer with ``responses.parse_user``."""
    return _put(endpoints.admin_user(user_id), body, service_token)


def admin_delete_user(service_token: str, user_id: str, *, softly: bool = False) -> Request:
    """Delete a user with all sessions. Read the answer with ``responses.expect_success``."""
    body = AdminDeleteBody(should_soft_delete=softly)
    encoded = msgspec.json.encode(body)
    return Request(method="DELETE", path=endpoints.admin_user(user_id), body=encoded, bearer=service_token)


def admin_export(service_token: str, user_id: str) -> Request:
    """All that is kept of a user; ours alone. Read the answer with ``responses.parse_account_export``."""
    return Request(method="GET", path=endpoints.admin_export(user_id), bearer=service_token)


def admin_list_factors(service_token: str, user_id: str) -> Request:
    """A user's second factors. Read the answer with ``responses.parse_factors``."""
    return Request(method="GET", path=endpoints.admin_factors(user_id), bearer=service_token)


def admin_update_factor(service_token: str, user_id: str, factor_id: str, *, friendly_name: str) -> Request:
    """Rename one of them. Read the answer with ``responses.parse_factor``."""
    body = AdminFactorBody(friendly_name=friendly_name)
    return _put(endpoints.admin_factor(user_id, factor_id), body, service_token)


def admin_delete_factor(service_token: str, user_id: str, factor_id: str) -> Request:
    """Remove one of them, for who lost the device. Read the answer with ``responses.parse_factor``."""
    path = endpoints.admin_factor(user_id, factor_id)
    return Request(method="DELETE", path=path, bearer=service_token)


def invite(service_token: str, body: InviteBody, *, redirect_to: str = "") -> Request:
    """Make a user and send the invitation. Read the answer with ``responses.parse_user``."""
    return post(endpoints.INVITE, body, bearer=service_token, redirect_to=redirect_to)


def generate_link(service_token: str, body: GenerateLinkBody) -> Request:
    """Have a link and code without any mail. Read the answer with ``responses.parse_generated_link``."""
    return post(endpoints.ADMIN_GENERATE_LINK, body, bearer=service_token)


def admin_audit(service_token: str, *, page: int = 1, per_page: int = 50) -> Request:
    """A page of the audit log, newest first. Read the answer with ``responses.parse_audit``."""
    return _page(endpoints.ADMIN_AUDIT, service_token, page, per_page)


def _page(path: str, service_token: str, page: int, per_page: int) -> Request:
    query = ((endpoints.PAGE, str(page)), (endpoints.PER_PAGE, str(per_page)))
    return Request(method="GET", path=path, query=query, bearer=service_token)


def _put(path: str, body: msgspec.Struct, bearer: str) -> Request:
    return Request(method="PUT", path=path, body=msgspec.json.encode(body), bearer=bearer)
