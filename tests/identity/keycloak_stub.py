"""The Keycloak of the recordings, as far as Supabase Auth asked it: codes are good, and say who they are for.

It stands at ``http://127.0.0.1:18611`` in a transport of httpx, without a socket.
"""

from __future__ import annotations

import functools
import json
from typing import Any
from urllib.parse import parse_qs

import httpx

from cadenza.tokens.signer import Signer, SigningKey

URL = "http://127.0.0.1:18611"


@functools.cache
def signer() -> Signer:
    return Signer(SigningKey.generate("RS256", kid="k1"))


def sign(claims: dict[str, Any]) -> str:
    """An ID token of these claims."""
    return signer().sign(claims)


def answer(request: httpx.Request) -> httpx.Response:
    """Answer one request."""
    found = {
        "/.well-known/openid-configuration": _discovery,
        "/certs": _keys,
        "/protocol/openid-connect/token": _token,
        "/protocol/openid-connect/userinfo": _userinfo,
    }.get(request.url.path)
    return found(request) if found else httpx.Response(404)


def make_client() -> httpx.AsyncClient:
    """What ``assemble`` asks providers with."""
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def _discovery(_: httpx.Request) -> httpx.Response:
    at = f"{URL}/protocol/openid-connect"
    return httpx.Response(
        200,
        json={
            "issuer": URL,
            "authorization_endpoint": f"{at}/auth",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo",
            "jwks_uri": f"{URL}/certs",
        },
    )


def _keys(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"keys": [signer().key.public_jwk()]})


def _token(request: httpx.Request) -> httpx.Response:
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    if (form["client_id"], form["client_secret"]) != ("kc-client", "kc-secret") or form["code"].startswith("bad"):
        return httpx.Response(400, json={"error": "invalid_grant"})
    code = form["code"]
    return httpx.Response(
        200, json={"access_token": f"at-{code}", "refresh_token": f"rt-{code}", "token_type": "bearer"}
    )


def _userinfo(request: httpx.Request) -> httpx.Response:
    who = request.headers["authorization"].removeprefix("Bearer at-")
    claims = {
        "sub": f"kc-{who}",
        "name": f"OAuth {who}",
        "email": f"{who}@oauth.example",
        "email_verified": True,
    }
    return httpx.Response(200, content=json.dumps(claims))
