"""An internet of a test's own making, with OpenID issuers in it, and a provider that asks it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from cadenza.identity.config import IdentityConfig, OAuthProvider
from cadenza.identity.flows import FlowSecrets
from cadenza.identity.providers import CodeFlow, Profile, Providers, Tokens
from cadenza.tokens.signer import Signer, SigningKey

NOW = 1_795_423_000.0
SECRETS = FlowSecrets(verifier="v" * 43, nonce="n1")
SIGNER = Signer(SigningKey.generate("ES256", kid="k1"))
TENANT = "11111111-2222-3333-4444-555555555555"
AZURE = f"https://login.microsoftonline.com/{TENANT}/v2.0"

Answers = Mapping[str, Any]


class Internet:
    """Answers by address; remembers what was asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers = dict(answers)
        self.asked: list[httpx.Request] = []

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.answers.get(str(request.url))
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(404) if found is None else httpx.Response(200, json=found)


def discovery(issuer: str, /, **changes: Any) -> dict[str, Any]:
    """What an issuer serves."""
    whole = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/keys",
    }
    return {
        f"{issuer}/.well-known/openid-configuration": {**whole, **changes},
        f"{issuer}/keys": {"keys": [SIGNER.key.public_jwk()]},
    }


def id_token(issuer: str, /, **claims: Any) -> str:
    whole = {"iss": issuer, "aud": "ours", "sub": "s1", "iat": int(NOW), "exp": int(NOW) + 300, "nonce": "n1", **claims}
    return SIGNER.sign({name: value for name, value in whole.items() if value is not None})


def found(tmp_path: Path, internet: Internet, provider: OAuthProvider) -> CodeFlow:
    config = IdentityConfig(data_dir=tmp_path, providers=(provider,))
    return Providers(config, make_client=internet.client, clock=lambda: NOW).find(provider.name)


async def profile_of(provider: CodeFlow, *, token: str = "") -> Profile:
    return await provider.profile(Tokens(access_token="at", id_token=token), nonce="n1")


async def leads_to(provider: CodeFlow, **extra: str) -> tuple[str, dict[str, str]]:
    url = await provider.authorization_url(state="s", scopes="more", extra=extra, secrets=SECRETS)
    where, _, query = url.partition("?")
    return where, dict(parse_qsl(query))
