"""What a signed-in user asks about themselves: the user, ways in, sessions.

Above: the door, ``requests``. Below: ``_request``, ``bodies``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.bodies import UserUpdateBody
from cadenza.protocol.auth.own_data import DeleteAccountBody
from cadenza.protocol.auth.requests._request import Request, method_for, own
from cadenza.protocol.auth.urls import authorize_query
from cadenza.protocol.auth.words import LogoutScope


def get_user(access_token: str) -> Request:
    """Ask who the token's user is. Read the answer with ``responses.parse_user``."""
    return Request(method="GET", path=endpoints.USER, bearer=access_token)


def update_user(
    access_token: str,
    *,
    email: str | None = None,
    phone: str | None = None,
    password: str | None = None,
    current_password: str | None = None,
    nonce: str | None = None,
    metadata: Mapping[str, object] | None = None,
    redirect_to: str = "",
    code_challenge: str | None = None,
) -> Request:
    """Change address, number or password, or merge ``metadata`` into the user's own (a null removes a key).

    A new password ends the user's other sessions; a new address waits for its confirmation (``new_email``). Read the
    answer with ``responses.parse_user``.

    Args:
        access_token: The user's.
        email: A new address; an anonymous user becomes a lasting one by it.
        phone: A new number.
        password: A new password.
        current_password: The old one, where the provider wants it with a new one.
        nonce: The code of ``reauthenticate``, where the provider wants it with a new password.
        metadata: Changes to ``user_metadata``.
        redirect_to: Where the links of a change of address lead in the end.
        code_challenge: A ``Pkce.challenge`` for those links.
    """
    body = UserUpdateBody(
        email=email,
        phone=phone,
        password=password,
        current_password=current_password,
        nonce=nonce,
        data=own(metadata),
        code_challenge=code_challenge,
        code_challenge_method=method_for(code_challenge),
    )
    query = ((endpoints.REDIRECT_TO, redirect_to),) if redirect_to else ()
    return Request(method="PUT", path=endpoints.USER, query=query, body=msgspec.json.encode(body), bearer=access_token)


def reauthenticate(access_token: str) -> Request:
    """Send the code that ``update_user`` takes as ``nonce``. Read the answer with ``responses.expect_success``."""
    return Request(method="GET", path=endpoints.REAUTHENTICATE, bearer=access_token)


def export_account(access_token: str) -> Request:
    """All that is kept of the user; ours alone. Read the answer with ``responses.parse_account_export``."""
    return Request(method="GET", path=endpoints.EXPORT, bearer=access_token)


def delete_account(access_token: str, *, nonce: str | None = None) -> Request:
    """Delete the user for good; ours alone. Read the answer with ``responses.parse_deleted_account``.

    Args:
        access_token: The user's.
        nonce: The code of ``reauthenticate``, where the sign-in is not recent.
    """
    body = msgspec.json.encode(DeleteAccountBody(nonce=nonce)) if nonce else b""
    return Request(method="DELETE", path=endpoints.USER, body=body, bearer=access_token)


def link_identity(
    access_token: str,
    provider: str,
    *,
    redirect_to: str = "",
    scopes: str = "",
    code_challenge: str = "",
    extra: Mapping[str, str] | None = None,
) -> Request:
    """Begin to add a way in. Read the answer with ``responses.parse_provider_url``: where the browser goes."""
    query = authorize_query(
        provider, redirect_to=redirect_to, scopes=scopes, code_challenge=code_challenge, extra=extra
    )
    query += ((endpoints.SKIP_HTTP_REDIRECT, "true"),)
    return Request(method="GET", path=endpoints.LINK_IDENTITY, query=query, bearer=access_token)


def unlink_identity(access_token: str, identity_id: str) -> Request:
    """Remove a way in; never the last one. Read the answer with ``responses.expect_success``."""
    return Request(method="DELETE", path=endpoints.identity(identity_id), bearer=access_token)


def log_out(access_token: str, *, scope: LogoutScope = LogoutScope.GLOBAL) -> Request:
    """End sessions. Read the answer with ``responses.expect_success``."""
    query = ((endpoints.SCOPE, scope.value),)
    return Request(method="POST", path=endpoints.LOGOUT, query=query, bearer=access_token)
