"""The hook that Cadenza ships makes a real Supabase Auth's tokens say what the embedded provider's say (A7, A8)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.identity.browsing import fields
from tests.support.real import RealPrograms, find_postgres, find_programs, run_postgres, run_supabase_auth

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.access_token_hook import hook_sql, meta_of
from cadenza.protocol.auth import pkce
from cadenza.tokens.claims import check_form
from cadenza.tokens.signer import Signer, SigningKey

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})
_real = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

PASSWORD = "Password-123"
END = "http://127.0.0.1:3000/cb"
VERIFIER = "v" * 43


@pytest.mark.parametrize(
    ("app_metadata", "role", "tenant"),
    [
        ({}, "authenticated", None),
        ({"role": "admin", "tenant": "acme"}, "admin", "acme"),
        ({"role": "", "tenant": ""}, "authenticated", None),
        ({"role": ["admin"], "tenant": 7}, "authenticated", None),
        ({"role": None, "tenant": None}, "authenticated", None),
    ],
)
def test_meta_is_whole_and_only_a_text_is_a_role(
    app_metadata: dict[str, object], role: str, tenant: str | None
) -> None:
    meta = meta_of("s1", "aal1", "authenticated", app_metadata)
    assert meta == {"session_id": "s1", "aal": "aal1", "role": role} | ({"tenant": tenant} if tenant else {})


@pytest.fixture(scope="module")
def programs() -> RealPrograms:
    assert not isinstance(_REAL, str)
    return _REAL


@pytest.fixture(scope="module")
def database_url(programs: RealPrograms) -> Iterator[str]:
    with run_postgres(programs.postgres) as cluster:
        yield cluster.make_auth_database()


@dataclasses.dataclass(frozen=True)
class Service:
    """One of the two providers."""

    url: str
    issuer: str
    key: SigningKey


class Provider:
    """What an administrator and a user do at one."""

    def __init__(self, http: httpx.AsyncClient, service: Service) -> None:
        self.url = service.url
        self._http = http
        now = int(time.time())
        claims = {"iss": service.issuer, "aud": "authenticated", "role": "service_role", "iat": now, "exp": now + 600}
        self._service = Signer(service.key).sign(claims)

    async def call(self, verb: str, path: str, token: str = "", **body: Any) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = await self._http.request(verb, self.url + path, json=body or None, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def sign_up(self, **metadata: Any) -> dict[str, Any]:
        email = f"{os.urandom(6).hex()}@example.com"
        session: dict[str, Any] = await self.call("POST", "/signup", email=email, password=PASSWORD, data=metadata)
        return session

    async def refresh(self, session: dict[str, Any]) -> dict[str, Any]:
        body = {"refresh_token": session["refresh_token"]}
        fresh: dict[str, Any] = await self.call("POST", "/token?grant_type=refresh_token", **body)
        return fresh

    async def give_role(self, session: dict[str, Any], role: object, **further: object) -> None:
        path = f"/admin/users/{session['user']['id']}"
        await self.call("PUT", path, self._service, app_metadata={"role": role, **further})

    async def admin(self, verb: str, path: str, **body: Any) -> Any:
        return await self.call(verb, path, self._service, **body)


def claims_of(session: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = msgspec.json.decode(check_form(session["access_token"]).claims_json)
    return claims


def shape_of(value: Any) -> Any:
    """Names and kinds, without what differs from sign-in to sign-in."""
    if isinstance(value, dict):
        return {name: shape_of(item) for name, item in value.items()}
    return [shape_of(item) for item in value] if isinstance(value, list) else type(value).__name__


@pytest.fixture(scope="module")
def real(programs: RealPrograms, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Supabase Auth with the hook, and with an OAuth server for third parties."""
    key, log = SigningKey.generate("ES256"), tmp_path_factory.mktemp("hook") / "auth.log"
    issuer = "http://127.0.0.1:54321/auth/v1"
    further = {"GOTRUE_OAUTH_SERVER_ENABLED": "true", "GOTRUE_OAUTH_SERVER_AUTHORIZATION_PATH": "/consent"}
    with run_supabase_auth(
        programs.supabase_auth,
        database_url=database_url,
        private_jwk=key.private_jwk(),
        external_url=issuer,
        log=log,
        further=further,
    ) as url:
        yield Service(url, issuer, key)


@contextlib.asynccontextmanager
async def serving(config: IdentityConfig) -> AsyncIterator[Service]:
    """Ours."""
    async with IdentityServer(dataclasses.replace(config, port=0)) as server:
        (key, *_) = json.loads(server.config.signing_keys_path.read_text())["keys"]
        yield Service(server.config.listening_url, server.issuer, SigningKey.from_jwk(key))


@pytest.fixture(params=["embedded", pytest.param("real", marks=_real)])
async def provider(request: pytest.FixtureRequest, config: IdentityConfig) -> AsyncIterator[Provider]:
    """Either."""
    async with contextlib.AsyncExitStack() as running:
        http = await running.enter_async_context(httpx.AsyncClient(trust_env=False))
        embedded = request.param == "embedded"
        service = await running.enter_async_context(serving(config)) if embedded else request.getfixturevalue("real")
        yield Provider(http, service)


async def test_every_token_says_session_level_and_role_at_sign_in_and_after_a_refresh(provider: Provider) -> None:
    session = await provider.sign_up(role="admin")  # user_metadata, which users write themselves
    for claims in (claims_of(session), claims_of(await provider.refresh(session))):
        session_id = claims["session_id"]
        assert claims["meta"] == {"session_id": session_id, "aal": "aal1", "role": "authenticated"}
        assert claims["channels"] == [f"session:{session_id}"]


async def test_a_demoted_admin_is_none_after_the_next_refresh(provider: Provider) -> None:
    """Row A8: the gateway replaces ``meta`` only by a new one, so it has to be there after a demotion too."""
    session = await provider.sign_up()
    await provider.give_role(session, "admin", tenant="acme")
    session = await provider.refresh(session)
    promoted = claims_of(session)
    assert (promoted["meta"]["role"], promoted["meta"]["tenant"]) == ("admin", "acme")
    assert promoted["role"] == "authenticated"
    for nothing in ("", None, ["admin"], {"admin": True}, 1):
        await provider.give_role(session, nothing, tenant="")
        session = await provider.refresh(session)
        meta = claims_of(session)["meta"]
        assert meta == {"session_id": promoted["session_id"], "aal": "aal1", "role": "authenticated"}


@pytest.mark.real
@pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))
async def test_both_providers_tokens_have_the_same_claims(config: IdentityConfig, real: Service) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, serving(config) as embedded:
        shapes = []
        for service in (embedded, real):
            provider = Provider(http, service)
            session = await provider.sign_up()
            await provider.give_role(session, "service", tenant="acme")
            claims = claims_of(await provider.refresh(session))
            shapes.append(shape_of(claims))
    assert shapes[0] == shapes[1]
    assert shapes[0]["meta"] == dict.fromkeys(("session_id", "aal", "role", "tenant"), "str")


@pytest.mark.real
@pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))
async def test_a_third_partys_token_says_whose_it_is(real: Service) -> None:
    """Row A6: same audience, same user; ``client_id`` alone tells it from the project's own."""
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as http:
        provider = Provider(http, real)
        owner = await provider.sign_up()
        client = await provider.admin("POST", "/admin/oauth/clients", client_name="theirs", redirect_uris=[END])
        theirs = await authorize(http, real.url, client, owner["access_token"])
    ours, meta = claims_of(owner), claims_of(theirs)["meta"]
    assert claims_of(theirs)["aud"] == ours["aud"]
    assert meta["client_id"] == client["client_id"]
    assert "client_id" not in ours["meta"]
    assert meta["session_id"] != ours["session_id"]


async def authorize(http: httpx.AsyncClient, url: str, client: dict[str, Any], token: str) -> dict[str, Any]:
    """Let a third party's app have a token of a user's, as its consent page would."""
    query = {
        "client_id": client["client_id"],
        "redirect_uri": END,
        "response_type": "code",
        "code_challenge": pkce.challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    begun = await http.get(f"{url}/oauth/authorize", params=query)
    authorization = fields(begun.headers["location"])["authorization_id"]
    headers = {"authorization": f"Bearer {token}", "origin": "http://127.0.0.1:3000"}
    at = f"{url}/oauth/authorizations/{authorization}"
    await http.get(at, headers=headers)
    consent = await http.post(f"{at}/consent", headers=headers, json={"action": "approve"})
    form = {
        "grant_type": "authorization_code",
        "code": fields(consent.json()["redirect_url"])["code"],
        "redirect_uri": END,
        "code_verifier": VERIFIER,
    }
    answer = await http.post(f"{url}/oauth/token", data=form, auth=(client["client_id"], client["client_secret"]))
    assert answer.is_success, answer.text
    session: dict[str, Any] = answer.json()
    return session


@pytest.mark.skipif(find_postgres() is None, reason="PostgreSQL (initdb) is not installed")
def test_the_hook_may_be_installed_again_and_only_supabase_auth_may_call_it() -> None:
    postgres = find_postgres()
    assert postgres is not None
    with run_postgres(postgres) as cluster:
        cluster.sql("postgres", "create role supabase_auth_admin", "create role anon", "create role authenticated")
        # As in a hosted project: whatever is made in the schema, the REST API's roles may call.
        cluster.sql("postgres", "alter default privileges grant execute on functions to anon, authenticated")
        cluster.sql("postgres", hook_sql(), hook_sql())
        may = "has_function_privilege('{}', 'public.cadenza_access_token(jsonb)', 'execute')"
        check = "do $$ begin assert {}; end $$"
        cluster.sql("postgres", check.format(may.format("supabase_auth_admin")))
        for role in ("anon", "authenticated"):
            cluster.sql("postgres", check.format("not " + may.format(role)))
