"""Signing up, and the grants of ``POST /token``.

Above: the door, ``requests``. Below: ``_request``, ``bodies``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.bodies import (
    IdTokenGrantBody,
    PasswordGrantBody,
    PkceGrantBody,
    RefreshTokenGrantBody,
    SignupBody,
)
from cadenza.protocol.auth.requests._request import Request, method_for, own, post
from cadenza.protocol.auth.words import GrantType


def sign_up(
    email: str,
    password: str,
    *,
    metadata: Mapping[str, object] | None = None,
    redirect_to: str = "",
    code_challenge: str | None = None,
) -> Request:
    """Make a user. Read the answer with ``responses.parse_sign_up``: a session, or a user yet to be confirmed.

    Args:
        email: The address.
        password: In clear; at least as long as the provider demands (8 by default), at most 72 bytes.
        metadata: The user's own data, kept as ``user_metadata``.
        redirect_to: Where the confirmation link leads in the end.
        code_challenge: A ``Pkce.challenge``: the link then yields a code for ``pkce_grant``.
    """
    body = SignupBody(
        email=email,
        password=password,
        data=own(metadata),
        code_challenge=code_challenge,
        code_challenge_method=method_for(code_challenge),
    )
    return post(endpoints.SIGNUP, body, redirect_to=redirect_to)


def sign_up_by_phone(phone: str, password: str, *, metadata: Mapping[str, object] | None = None) -> Request:
    """Make a user with a telephone number (digits, country first). Read it with ``responses.parse_sign_up``."""
    return post(endpoints.SIGNUP, SignupBody(phone=phone, password=password, data=own(metadata)))


def sign_up_anonymously(*, metadata: Mapping[str, object] | None = None) -> Request:
    """Make a user without address or password. Read the answer with ``responses.parse_session``."""
    return post(endpoints.SIGNUP, SignupBody(data=own(metadata)))


def password_grant(email: str, password: str, *, phone: str = "") -> Request:
    """Sign in. Read the answer with ``responses.parse_session``. ``phone``: instead of an address (leave it empty)."""
    body = PasswordGrantBody(email=email or None, phone=phone or None, password=password)
    return _token(GrantType.PASSWORD, body)


def refresh_token_grant(refresh_token: str) -> Request:
    """Trade a refresh token for a new session. Read the answer with ``responses.parse_session``."""
    return _token(GrantType.REFRESH_TOKEN, RefreshTokenGrantBody(refresh_token=refresh_token))


def pkce_grant(auth_code: str, code_verifier: str) -> Request:
    """Trade the code of a redirect for a session, once. Read the answer with ``responses.parse_session``."""
    return _token(GrantType.PKCE, PkceGrantBody(auth_code=auth_code, code_verifier=code_verifier))


def id_token_grant(
    provider: str, id_token: str, *, access_token: str | None = None, nonce: str | None = None
) -> Request:
    """Sign in with an ID token that another issuer gave. Read the answer with ``responses.parse_session``.

    Args:
        provider: A configured one (``google``), or an issuer's address.
        id_token: OpenID Connect's.
        access_token: Where the ID token has an ``at_hash``.
        nonce: In clear; the ID token holds its SHA-256.
    """
    body = IdTokenGrantBody(provider=provider, id_token=id_token, access_token=access_token, nonce=nonce)
    return _token(GrantType.ID_TOKEN, body)


def _token(grant: GrantType, body: msgspec.Struct) -> Request:
    query = ((endpoints.GRANT_TYPE, grant.value),)
    return Request(method="POST", path=endpoints.TOKEN, query=query, body=msgspec.json.encode(body))
