"""Addresses that a browser opens, as Supabase Auth's own clients build them.

Above: ``client.auth``, ``backend`` (``command.auth.oauth.start``), ``cadenza.identity`` (links in mails).
Below: ``endpoints``.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping

from cadenza.protocol.auth import endpoints
from cadenza.protocol.auth.words import S256


def authorize_query(
    provider: str,
    *,
    redirect_to: str = "",
    scopes: str = "",
    code_challenge: str = "",
    extra: Mapping[str, str] | None = None,
) -> tuple[tuple[str, str], ...]:
    """What ``/authorize`` and ``/user/identities/authorize`` are asked, in the order the recorded clients sent it.

    Args:
        provider: ``google``, ``github`` ...
        redirect_to: Where the browser ends; must be on the provider's allow-list.
        scopes: More scopes, separated by spaces.
        code_challenge: A ``Pkce.challenge``; empty for the implicit flow.
        extra: Handed on to the provider (``prompt``, ``login_hint``, ``nonce``); never one of the names above.
    """
    pairs = {
        endpoints.PROVIDER: provider,
        endpoints.REDIRECT_TO: redirect_to,
        endpoints.CODE_CHALLENGE: code_challenge,
        endpoints.CODE_CHALLENGE_METHOD: S256 if code_challenge else "",
        endpoints.SCOPES: scopes,
    }
    further = {name: value for name, value in (extra or {}).items() if name not in pairs}
    return tuple((name, value) for name, value in {**pairs, **further}.items() if value)


def authorize_url(base_url: str, query: tuple[tuple[str, str], ...]) -> str:
    """Where a browser begins to sign in with an OAuth provider.

    Args:
        base_url: The service's root, with ``/auth/v1`` where Supabase's gateway stands in front.
        query: As ``authorize_query`` built it.
    """
    return _join(base_url, endpoints.AUTHORIZE, query)


def verify_url(base_url: str, *, token_hash: str, verify_type: str, redirect_to: str) -> str:
    """The link of a mail. ``token_hash`` begins with ``pkce_`` where a challenge came with the request."""
    query = (("token", token_hash), ("type", verify_type), (endpoints.REDIRECT_TO, redirect_to))
    return _join(base_url, endpoints.VERIFY, query)


def _join(base_url: str, path: str, query: tuple[tuple[str, str], ...]) -> str:
    return f"{base_url.rstrip('/')}{path}?{urllib.parse.urlencode(query)}"
