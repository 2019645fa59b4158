"""Builds the requests to Supabase Auth: calls in, method, path, query and body out. No I/O.

A request knows its bearer but never shows it. With httpx::

    request = requests.password_grant("ann@example.com", password)
    answer = await http.request(
        request.method, base_url + request.path,
        params=dict(request.query), headers=request.headers(api_key=key), content=request.body,
    )
    session = responses.parse_session(answer.status_code, answer.headers, answer.content)

``base_url`` is the service's root, with ``/auth/v1`` where Supabase's gateway stands in front.

Above: ``client.auth`` and ``backend``. Below: ``messages``, ``endpoints``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.messages import (
    Discreet,
    GrantType,
    LogoutScope,
    PasswordGrantBody,
    RefreshTokenGrantBody,
    SignupBody,
    UserUpdateBody,
)


class Request(Discreet, frozen=True, kw_only=True):
    """One HTTP request, relative to the service's root.

    Attributes:
        method: HTTP's method.
        path: Begins with a slash, without the prefix.
        query: Name and value pairs, not yet encoded.
        body: JSON, or empty for none.
        bearer: The access token to send, or empty for none.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    bearer: str = ""

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"

    def headers(self, *, api_key: str = "") -> dict[str, str]:
        """The headers to send. ``api_key``: the project's publishable key, for Supabase's gateway."""
        headers = {"Accept": "application/json", endpoints.API_VERSION_HEADER: endpoints.API_VERSION}
        if self.body:
            headers["Content-Type"] = "application/json;charset=UTF-8"
        if api_key:
            headers[endpoints.API_KEY_HEADER] = api_key
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        return headers


def sign_up(
    email: str, password: str, *, metadata: Mapping[str, object] | None = None, redirect_to: str = ""
) -> Request:
    """Make a user. Read the answer with ``responses.parse_sign_up``: a session, or a user yet to be confirmed.

    Args:
        email: The address.
        password: In clear; at least as long as the provider demands (8 by default), at most 72 bytes.
        metadata: The user's own data, kept as ``user_metadata``.
        redirect_to: Where the confirmation link leads in the end.
    """
    body = SignupBody(email=email, password=password, data=dict(metadata) if metadata is not None else None)
    query = ((endpoints.REDIRECT_TO, redirect_to),) if redirect_to else ()
    return Request(method="POST", path=endpoints.SIGNUP, query=query, body=msgspec.json.encode(body))


def password_grant(email: str, password: str) -> Request:
    """Sign in. Read the answer with ``responses.parse_session``."""
    return _token(GrantType.PASSWORD, PasswordGrantBody(email=email, password=password))


def refresh_token_grant(refresh_token: str) -> Request:
    """Trade a refresh token for a new session. Read the answer with ``responses.parse_session``."""
    return _token(GrantType.REFRESH_TOKEN, RefreshTokenGrantBody(refresh_token=refresh_token))


def get_user(access_token: str) -> Request:
    """Ask who the token's user is. Read the answer with ``responses.parse_user``."""
    return Request(method="GET", path=endpoints.USER, bearer=access_token)


def update_user(
    access_token: str, *, password: str | None = None, metadata: Mapping[str, object] | None = None
) -> Request:
    """Change the password, or merge ``metadata`` into the user's own (a null removes a key).

    A new password ends the user's other sessions. Read the answer with ``responses.parse_user``.
    """
    body = UserUpdateBody(password=password, data=dict(metadata) if metadata is not None else None)
    return Request(method="PUT", path=endpoints.USER, body=msgspec.json.encode(body), bearer=access_token)


def log_out(access_token: str, *, scope: LogoutScope = LogoutScope.GLOBAL) -> Request:
    """End sessions. Read the answer with ``responses.expect_success``."""
    query = ((endpoints.SCOPE, scope.value),)
    return Request(method="POST", path=endpoints.LOGOUT, query=query, bearer=access_token)


def health() -> Request:
    """Ask whether the provider lives. Read the answer with ``responses.parse_health``."""
    return Request(method="GET", path=endpoints.HEALTH)


def settings() -> Request:
    """Ask which ways in are open. Read the answer with ``responses.parse_settings``."""
    return Request(method="GET", path=endpoints.SETTINGS)


def openid_configuration() -> Request:
    """Ask for issuer and key set address. Read the answer with ``responses.parse_openid_configuration``."""
    return Request(method="GET", path=endpoints.OPENID_CONFIGURATION)


def _token(grant: GrantType, body: msgspec.Struct) -> Request:
    query = ((endpoints.GRANT_TYPE, grant.value),)
    return Request(method="POST", path=endpoints.TOKEN, query=query, body=msgspec.json.encode(body))
