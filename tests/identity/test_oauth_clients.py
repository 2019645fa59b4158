"""Unmodified supabase-auth and auth-js sign in through a provider, trade the code, use ID tokens, link and unlink."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from supabase_auth import AsyncGoTrueClient, AsyncMemoryStorage, SyncGoTrueClient, SyncMemoryStorage
from supabase_auth.errors import AuthApiError
from tests.identity.browsing import fields, walk

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.config import OAuthProvider
from cadenza.protocol.auth import pkce, requests, urls

END = "http://127.0.0.1:53683/callback"
JS = Path(__file__).resolve().parent.parent / "js"
DEADLINE_SECONDS = 30


@pytest.fixture
async def upstream(config: IdentityConfig, tmp_path: Path) -> AsyncIterator[IdentityServer]:
    """Another server, whose test provider is the issuer."""
    settings = dataclasses.replace(config, data_dir=tmp_path / "upstream", port=0, test_provider=True)
    async with IdentityServer(settings) as server:
        yield server


@pytest.fixture
async def server(config: IdentityConfig, upstream: IdentityServer) -> AsyncIterator[IdentityServer]:
    issuer = f"{upstream.url}/test-provider"
    keycloak = OAuthProvider(name="keycloak", client_id="kc-client", client_secret="kc-secret", url=issuer)
    # Any name will do for an OpenID issuer.
    sso = OAuthProvider(name="company-sso", client_id="sso-client", client_secret="s", url=issuer)
    settings = dataclasses.replace(config, port=0, test_provider=True, providers=(keycloak, sso))
    async with IdentityServer(settings) as server:
        yield server


def client_of(server: IdentityServer) -> AsyncGoTrueClient:
    return AsyncGoTrueClient(url=server.url, auto_refresh_token=False, storage=AsyncMemoryStorage(), flow_type="pkce")


async def id_token(upstream: IdentityServer, email: str) -> tuple[str, str]:
    """An ID token of the issuer for the client ``kc-client``, and the access token it came with."""
    at = f"{upstream.url}/test-provider/protocol/openid-connect"
    asked = f"client_id=kc-client&response_type=code&redirect_uri={END}&state=s"
    back = await walk(f"{at}/auth?{asked}", email=email, until=END)
    form = {"grant_type": "authorization_code", "code": fields(back)["code"], "redirect_uri": END}
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{at}/token", data={**form, "client_id": "kc-client"})
    return answer.json()["id_token"], answer.json()["access_token"]


async def test_supabase_auth_signs_in_through_a_provider(server: IdentityServer) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(server) as client:
        begun = await client.sign_in_with_oauth({"provider": "keycloak", "options": {"redirect_to": END}})
        back = await walk(begun.url, until=END)
        traded = await client.exchange_code_for_session({"auth_code": fields(back)["code"]})

        assert traded.session is not None
        assert traded.session.provider_token
        assert traded.session.user.email == "ann@example.com"
        assert traded.session.user.app_metadata["provider"] == "keycloak"
        refreshed = await client.refresh_session()
        assert refreshed.session is not None


@pytest.mark.parametrize("provider", ["test", "company-sso"])
async def test_any_openid_issuer_is_found_by_its_discovery_document(server: IdentityServer, provider: str) -> None:
    pair = pkce.make(os.urandom)
    query = urls.authorize_query(provider, redirect_to=END, code_challenge=pair.challenge)
    async with asyncio.timeout(DEADLINE_SECONDS), httpx.AsyncClient() as http:
        back = await walk(urls.authorize_url(server.url, query), until=END)
        request = requests.pkce_grant(fields(back)["code"], pair.verifier)
        answer = await http.post(
            server.url + request.path, params=dict(request.query), content=request.body, headers=request.headers()
        )

    assert answer.json()["user"]["app_metadata"] == {"provider": provider, "providers": [provider]}


async def test_supabase_auth_links_and_unlinks(server: IdentityServer) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(server) as client:
        await client.sign_up({"email": "bob@example.com", "password": "correct horse 1"})
        begun = await client.link_identity({"provider": "keycloak", "options": {"redirect_to": END}})
        await walk(begun.url, email="bob@work.example", until=END)
        linked = await client.get_user_identities()
        assert [each.provider for each in linked.identities] == ["email", "keycloak"]

        await client.unlink_identity(linked.identities[1])

        left = await client.get_user_identities()
        assert [each.provider for each in left.identities] == ["email"]
        with pytest.raises(AuthApiError) as caught:
            await client.unlink_identity(left.identities[0])
        assert caught.value.code == "single_identity_not_deletable"


async def test_supabase_auth_signs_in_with_an_id_token(server: IdentityServer, upstream: IdentityServer) -> None:
    token, access_token = await id_token(upstream, "cleo@example.com")
    async with asyncio.timeout(DEADLINE_SECONDS), client_of(server) as client:
        # Its types know fewer providers here than its own documentation.
        session = await client.sign_in_with_id_token(
            {"provider": "keycloak", "token": token, "access_token": access_token}  # type: ignore[typeddict-item]
        )

        assert session.user is not None
        assert session.user.email == "cleo@example.com"
        claims = await client.get_claims()
        assert claims is not None
        methods = [each["method"] for each in claims["claims"].get("amr", [])]
        assert methods == ["oauth"]


async def test_the_synchronous_client_signs_in_through_a_provider(server: IdentityServer) -> None:
    client = SyncGoTrueClient(url=server.url, auto_refresh_token=False, storage=SyncMemoryStorage(), flow_type="pkce")

    def begin() -> str:
        return client.sign_in_with_oauth({"provider": "keycloak", "options": {"redirect_to": END}}).url

    def trade(code: str) -> Any:
        with client:
            return client.exchange_code_for_session({"auth_code": code})

    async with asyncio.timeout(DEADLINE_SECONDS):
        back = await walk(await asyncio.to_thread(begin), until=END)
        traded = await asyncio.to_thread(trade, fields(back)["code"])
    assert traded.user.email == "ann@example.com"


@pytest.mark.node
async def test_auth_js_signs_in_links_and_unlinks(server: IdentityServer, upstream: IdentityServer) -> None:
    node = shutil.which("node")
    if node is None or not (JS / "node_modules" / "@supabase" / "auth-js").is_dir():
        pytest.fail("node or auth-js is not installed: run `make setup`")
    token, _ = await id_token(upstream, "cleo@example.com")
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS / "oauth_flow.mjs"),
        server.url,
        END,
        cwd=JS,
        env={**os.environ, "ID_TOKEN": token, "PASSWORD": "correct horse 1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    result: dict[str, Any] = {}
    async with asyncio.timeout(60):
        while line := await process.stdout.readline():
            said = json.loads(line)
            if "open" in said:  # a browser would
                back = await walk(said["open"], email=said["email"], until=END)
                process.stdin.write(f"{back}\n".encode())
                await process.stdin.drain()
            else:
                result = said
        await process.wait()

    assert result["signedIn"] == {"email": "ann@example.com", "provider": "test", "error": None}
    assert result["replayed"] == "flow_state_not_found"
    assert result["idToken"] == {"email": "cleo@example.com", "error": None}
    assert result["linked"] == ["email", "keycloak"]
    assert result["unlinked"] == ["email"]
    assert result["lastOne"] == "single_identity_not_deletable"
