"""The real Supabase Auth and ours, beside each other, before the same provider: the same stories end the same way.

The provider is our test provider, which stands there as a Keycloak realm. A difference that is meant is said in the
story; there are few.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.identity.browsing import fields, walk
from tests.identity.comparing import payload_of
from tests.identity.conftest import CHEAP
from tests.identity.mailing import DATED
from tests.identity.test_environment import recorded
from tests.identity.test_service_keys import key_of
from tests.support.programs import Program, free_port
from tests.support.real import RealPrograms, find_programs, run_postgres

from cadenza.identity import IdentityConfig, IdentityServer
from cadenza.identity.environment import read_environment
from cadenza.protocol.auth import pkce

_REAL = find_programs({**os.environ, "CENTRIFUGO_BIN": os.environ.get("CENTRIFUGO_BIN", "not needed here")})

pytestmark = [pytest.mark.real, pytest.mark.skipif(isinstance(_REAL, str), reason=str(_REAL))]

END = "http://127.0.0.1:3000/cb"
PASSWORD = "Password-123"
VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def programs() -> RealPrograms:
    assert not isinstance(_REAL, str)
    return _REAL


@pytest.fixture(scope="module")
def database_url(programs: RealPrograms) -> Iterator[str]:
    with run_postgres(programs.postgres) as cluster:
        url = cluster.make_auth_database()
        environ = {"PATH": os.defpath, **recorded("G1"), "DATABASE_URL": url}
        command = [str(programs.supabase_auth), "migrate"]
        subprocess.run(command, env=environ, cwd="/", check=True, capture_output=True, timeout=60)
        yield url


@pytest.fixture
async def issuer(tmp_path: Path, config: IdentityConfig) -> AsyncIterator[str]:
    settings = dataclasses.replace(config, data_dir=tmp_path / "upstream", port=0, test_provider=True)
    async with IdentityServer(settings) as server:
        yield f"{server.url}/test-provider"


class Service:
    """One of the two, and how it is spoken to."""

    def __init__(self, url: str, issuer: str, http: httpx.AsyncClient, run: str) -> None:
        self.url = url
        self.issuer = issuer
        self.http = http
        #: Users of one story are strangers to another's.
        self.run = run

    def email(self, name: str) -> str:
        return f"{name}.{self.run}@example.com"

    async def call(self, method: str, path: str, token: str = "", **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers["x-supabase-api-version"] = "2024-01-01"
        return await self.http.request(method, self.url + path, json=body or None, headers=headers)

    async def browse(self, query: str = "", *, end: str = END, **who: Any) -> str:
        """Where a browser ends that is sent to ``/authorize``."""
        url = f"{self.url}/authorize?provider=keycloak&redirect_to={end}&{query}"
        return await walk(url, until="http://127.0.0.1:3000", **who)

    async def code(self, **who: Any) -> str:
        query = f"code_challenge={pkce.challenge_of(VERIFIER)}&code_challenge_method=s256"
        return fields(await self.browse(query, **who))["code"]

    async def sign_in(self, **who: Any) -> dict[str, Any]:
        body = {"auth_code": await self.code(**who), "code_verifier": VERIFIER}
        answer = await self.call("POST", "/token?grant_type=pkce", **body)
        session: dict[str, Any] = answer.json()
        return session

    async def sign_up(self, name: str) -> dict[str, Any]:
        answer = await self.call("POST", "/signup", email=self.email(name), password=PASSWORD)
        session: dict[str, Any] = answer.json()
        return session

    async def link(self, token: str, **who: Any) -> str:
        path = f"/user/identities/authorize?provider=keycloak&redirect_to={END}&skip_http_redirect=true"
        begun = await self.call("GET", path, token)
        return await walk(begun.json()["url"], until="http://127.0.0.1:3000", **who)

    async def user(self, token: str) -> dict[str, Any]:
        user: dict[str, Any] = (await self.call("GET", "/user", token)).json()
        return user

    async def id_token(self, **who: Any) -> str:
        at = f"{self.issuer}/protocol/openid-connect"
        back = await walk(f"{at}/auth?client_id=kc-client&response_type=code&redirect_uri={END}", until=END, **who)
        form = {"grant_type": "authorization_code", "code": fields(back)["code"], "redirect_uri": END}
        answer = await self.http.post(f"{at}/token", data={**form, "client_id": "kc-client"})
        token: str = answer.json()["id_token"]
        return token


@pytest.fixture
def compare(
    programs: RealPrograms, database_url: str, issuer: str, tmp_path: Path
) -> Callable[..., Awaitable[tuple[Any, Any]]]:
    """Tell a story to both; what they make of it."""

    async def compare(story: Callable[[Service], Awaitable[Any]], **changes: str) -> tuple[Any, Any]:
        port = free_port()
        environ = {
            **recorded("G1"),
            **changes,
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "API_EXTERNAL_URL": f"http://127.0.0.1:{port}",
            "GOTRUE_EXTERNAL_KEYCLOAK_URL": issuer,
            "GOTRUE_EXTERNAL_KEYCLOAK_REDIRECT_URI": f"http://127.0.0.1:{port}/callback",
        }
        bare = {"PATH": os.defpath, "HOME": str(tmp_path), **environ}
        run = os.urandom(4).hex()
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            log = tmp_path / "auth.log"
            real = Program([str(programs.supabase_auth), "serve"], environment=bare, log=log, cwd="/")
            try:
                real.wait_for_http(f"http://127.0.0.1:{port}/health")
                theirs = await story(Service(f"http://127.0.0.1:{port}", issuer, http, run))
            finally:
                real.stop()
            # On the same port, so that addresses are the same to the letter.
            config = read_environment(environ).config(data_dir=tmp_path / f"data-{run}")
            async with IdentityServer(dataclasses.replace(config, hashing=CHEAP)):
                ours = await story(Service(f"http://127.0.0.1:{port}", issuer, http, run))
        return theirs, ours

    return compare


def shown(user: dict[str, Any]) -> Any:
    """A user without what differs from run to run."""
    identities = [
        {name: value for name, value in each.items() if name in {"id", "provider", "identity_data", "email"}}
        for each in user["identities"]
        if each["provider"] != "email"
    ]
    metadata = {name: value for name, value in user["user_metadata"].items() if value != user["id"]}
    kept = ("email", "app_metadata", "is_anonymous", "role", "aud")
    return {**{name: user[name] for name in kept}, "user_metadata": metadata, "identities": identities}


def said(url: str) -> Any:
    """Where a browser ended, without secrets. What stands in both places is read in the query.

    Theirs escapes an error in the fragment twice (Go's ``url.URL`` once more what is escaped already); ours does not.
    """
    opaque = {"code", "access_token", "refresh_token", "provider_token", "expires_at"}
    whole = {**fields(url), **fields(url.partition("#")[0])}
    values = {name: "..." if name in opaque else re.sub(r"[0-9]+ seconds", "N seconds", whole[name]) for name in whole}
    return url.partition("?")[0].partition("#")[0], values


def refused(answer: httpx.Response) -> Any:
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "error_id"}


async def test_somebody_comes_in_and_again(compare: Any) -> None:
    async def story(service: Service) -> Any:
        who = service.email("ann")
        first, second = await service.sign_in(email=who), await service.sign_in(email=who)
        claims = payload_of(first["access_token"])
        return [
            sorted(first),
            shown(first["user"]),
            [each["method"] for each in claims["amr"]],
            claims["app_metadata"],
            first["user"]["id"] == second["user"]["id"],
            said(await service.browse(email=who)),
            said(await service.browse(email=who, decision="deny")),
            said(await service.browse(f"code_challenge={pkce.challenge_of(VERIFIER)}&code_challenge_method=S256")),
        ]

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_codes_and_states_are_good_once(compare: Any) -> None:
    async def story(service: Service) -> Any:
        code = await service.code(email=service.email("ann"))
        grant = "/token?grant_type=pkce"
        wrong = await service.call("POST", grant, auth_code=code, code_verifier="w" * 43)
        good = await service.call("POST", grant, auth_code=code, code_verifier=VERIFIER)
        again = await service.call("POST", grant, auth_code=code, code_verifier=VERIFIER)
        left = await service.http.get(f"{service.url}/authorize?provider=keycloak&redirect_to={END}")
        state = fields(left.headers["location"])["state"]
        bad = await service.http.get(f"{service.url}/callback?state={state}&code=bad!")
        return [refused(wrong), good.status_code, refused(again), said(bad.headers["location"])]

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_an_address_both_vouch_for_links(compare: Any) -> None:
    async def story(service: Service) -> Any:
        signed_up = await service.sign_up("bob")
        session = await service.sign_in(email=service.email("bob"))
        return session["user"]["id"] == signed_up["user"]["id"], shown(session["user"])

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_ways_in_are_added_and_removed_by_hand(compare: Any) -> None:
    async def story(service: Service) -> Any:
        token = (await service.sign_up("cleo"))["access_token"]
        work = service.email("cleo.work")
        told = [said(await service.link(token, email=work)), said(await service.link(token, email=work))]
        linked = await service.user(token)
        other = (await service.sign_up("dan"))["access_token"]
        told.append(said(await service.link(other, email=work)))
        added = next(each for each in linked["identities"] if each["provider"] == "keycloak")
        path = f"/user/identities/{added['identity_id']}"
        removed = [await service.call("DELETE", path, each) for each in (other, token, token)]
        missing = await service.call("DELETE", "/user/identities/none", token)
        left = await service.user(token)
        return told, shown(linked), [refused(each) for each in removed], refused(missing), shown(left)

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_an_anonymous_user_becomes_a_lasting_one(compare: Any) -> None:
    async def story(service: Service) -> Any:
        token = (await service.call("POST", "/signup", data={"a": 1})).json()["access_token"]
        told = said(await service.link(token, email=service.email("eve")))
        return told, shown(await service.user(token))

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_id_tokens_are_taken_and_refused(compare: Any) -> None:
    async def story(service: Service) -> Any:
        grant = "/token?grant_type=id_token"
        token = await service.id_token(email=service.email("finn"))
        good = await service.call("POST", grant, provider="keycloak", id_token=token)
        user = shown(good.json()["user"])
        for data in (user["user_metadata"], user["identities"][0]["identity_data"]):
            data.update(dict.fromkeys(("iat", "exp"), "..."))
        forged = f"{token.rpartition('.')[0]}.{'A' * 86}"
        bodies: list[dict[str, Any]] = [
            {"provider": "keycloak", "id_token": forged},
            {"provider": "keycloak", "id_token": token, "nonce": "mine"},
            {"provider": "keycloak"},
            {"id_token": token},
            {"provider": "google", "id_token": token},
            {"provider": "azure", "id_token": token},
            {"provider": "nobody", "id_token": token},
            {"provider": "keycloak", "id_token": token, "link_identity": True},
        ]
        return user, [refused(await service.call("POST", grant, **body)) for body in bodies]

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_takeover_what_was_never_confirmed_is_removed(compare: Any) -> None:
    async def story(service: Service) -> Any:
        await service.sign_up("gail")
        session = await service.sign_in(email=service.email("gail"))
        password = await service.call(
            "POST", "/token?grant_type=password", email=service.email("gail"), password=PASSWORD
        )
        unverified = said(await service.browse(email=service.email("hal"), verified=False))
        return shown(session["user"]), refused(password), unverified

    theirs, ours = await compare(story, GOTRUE_MAILER_AUTOCONFIRM="false")

    assert ours == theirs


async def test_an_invitation_is_accepted_by_a_provider(compare: Any) -> None:
    key = key_of(recorded("G1")["GOTRUE_JWT_SECRET"])

    async def story(service: Service) -> Any:
        async def invitation(name: str) -> tuple[str, str]:
            body = {"type": "invite", "email": service.email(name), "data": {"team": "blue"}}
            made = (await service.call("POST", "/admin/generate_link", key, **body)).json()
            return made["id"], made["hashed_token"]

        kim, token = await invitation("kim")
        authorize = f"{service.url}/authorize?provider=keycloak&redirect_to={END}"
        unknown = await service.http.get(f"{authorize}&invite_token=none", headers=DATED)
        another = said(await service.browse(f"invite_token={token}", email=service.email("lou")))
        accepted = said(await service.browse(f"invite_token={token}", email=service.email("kim")))
        user = (await service.call("GET", f"/admin/users/{kim}", key)).json()
        used = await service.http.get(f"{authorize}&invite_token={token}", headers=DATED)
        again = await service.sign_in(email=service.email("kim"))
        return refused(unknown), another, accepted, shown(user), refused(used), again["user"]["id"] == kim

    theirs, ours = await compare(story, GOTRUE_MAILER_AUTOCONFIRM="false")

    assert ours == theirs


@pytest.mark.parametrize("autoconfirm", ["true", "false"])
async def test_addresses_nobody_vouches_for_lead_where_they_lead_there(compare: Any, autoconfirm: str) -> None:
    async def story(service: Service) -> Any:
        await service.sign_up("ida")
        who = [service.email(name) for name in ("ida", "jon", "jon")]
        told = [said(await service.browse(email=email, verified=False)) for email in who]
        guest = (await service.call("POST", "/signup", data={"a": 1})).json()["access_token"]
        told.append(said(await service.link(guest, email=service.email("jon.2"), verified=False)))
        other = (await service.call("POST", "/signup", data={"a": 1})).json()["access_token"]
        told.append(said(await service.link(other, email=service.email("ida"))))
        return told, shown(await service.user(other))

    theirs, ours = await compare(story, GOTRUE_MAILER_AUTOCONFIRM=autoconfirm, GOTRUE_SMTP_HOST="")

    assert ours == theirs


async def test_what_is_handed_on_to_the_provider_is_what_theirs_hands_on(compare: Any) -> None:
    queries = [
        "provider=keycloak",
        "provider=KeyCloak&scopes=a,b",
        "provider=keycloak&scopes=a%20b&prompt=login&login_hint=x%40y.test&access_type=offline",
        "provider=keycloak&redirect_uri=https%3A%2F%2Fevil.test&Client_Id=x&STATE=x&response_type=token&nonce=n",
        "provider=keycloak&code_challenge=short&code_challenge_method=s256",
        f"provider=keycloak&code_challenge={'a' * 43}",
        "provider=github",
        "provider=",
        "provider=keycloak&skip_http_redirect=true&flow_type=pkce",
    ]
    #: Ours proves itself to the provider by PKCE, too.
    extra = {"code_challenge", "code_challenge_method"}

    async def story(service: Service) -> Any:
        answers = [await service.http.get(f"{service.url}/authorize?{query}") for query in queries]
        sent = [fields(answer.headers.get("location", "")) for answer in answers]
        told = [{name: value for name, value in each.items() if name not in {"state", *extra}} for each in sent]
        return [answer.status_code for answer in answers], told

    theirs, ours = await compare(story)

    assert ours == theirs


async def test_a_browser_ends_where_supabase_auth_would_end_it_or_at_the_site(compare: Any) -> None:
    patterns = "http://127.0.0.1:3000/**,https://*.example.com/**,https://app.test/?,com.app://*"
    both = [
        *("http://127.0.0.1:3000/a/b", "http://127.0.0.1:9/x", "http://localhost:3000/", "https://one.example.com/a/b"),
        *("https://one.two.example.com/", "https://evil.test/.example.com/", "https://app.test/a", "https://app.test/"),
        *("https://app.test/ab", "com.app://cb", "com.app://c/d", "/x", ""),
        *("http://2130706433/", "http://8.8.8.8/", "https://[::1]/", "//evil.test/", "https://one.example.com?x=1"),
        *("https://evil.test?.example.com/", "https://evil.test%23.example.com/", "https://a.example.com:99999/"),
    ]
    #: Theirs leads there; with ours the browser ends at the site.
    ours_alone = ["http://user:pw@127.0.0.1:3000/", "https://a@b.example.com/"]

    async def story(service: Service) -> Any:
        led = {}
        for url in (*both, *ours_alone):
            left = await service.http.get(
                f"{service.url}/authorize", params={"provider": "keycloak", "redirect_to": url}
            )
            state = fields(left.headers["location"])["state"]
            back = await service.http.get(f"{service.url}/callback", params={"state": state, "error": "x"})
            led[url] = back.headers["location"].partition("?error")[0].partition("#")[0]
        return led

    theirs, ours = await compare(story, GOTRUE_URI_ALLOW_LIST=patterns)

    assert {url: ours[url] for url in both} == {url: theirs[url] for url in both}
    for url in ours_alone:
        assert ours[url] == "http://127.0.0.1:3000"
        assert theirs[url] != ours[url]
