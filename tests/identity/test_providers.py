"""Each preset asks what its provider serves and keeps what Supabase Auth keeps; nothing leads us elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from cadenza.errors import ConfigurationError
from cadenza.identity.config import IdentityConfig, OAuthProvider
from cadenza.identity.flows import FlowSecrets
from cadenza.identity.providers import CodeFlow, OidcProvider, Profile, ProviderError, Providers, Tokens
from cadenza.identity.providers.web import Web, require_safe
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


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[CodeFlow, Internet]]:
    def make(name: str, answers: Answers, **settings: Any) -> tuple[CodeFlow, Internet]:
        internet = Internet(answers)
        settings = {"client_id": "ours", "client_secret": "secret", **settings}
        return found(tmp_path, internet, OAuthProvider(name=name, **settings)), internet

    return make


async def profile_of(provider: CodeFlow, *, token: str = "") -> Profile:
    return await provider.profile(Tokens(access_token="at", id_token=token), nonce="n1")


async def leads_to(provider: CodeFlow, **extra: str) -> tuple[str, dict[str, str]]:
    url = await provider.authorization_url(state="s", scopes="more", extra=extra, secrets=SECRETS)
    where, _, query = url.partition("?")
    return where, dict(parse_qsl(query))


async def test_github_is_who_it_says_by_its_verified_addresses(make: Any) -> None:
    user = {"id": 7, "login": "ann", "name": "Ann", "avatar_url": "https://avatars.test/7"}
    emails = [
        {"email": "old@example.com", "verified": False, "primary": False},
        {"email": "ann@example.com", "verified": True, "primary": True},
    ]
    github, internet = make(
        "github", {"https://api.github.com/user": user, "https://api.github.com/user/emails": emails}
    )

    where, query = await leads_to(github)
    profile = await profile_of(github)

    assert (where, query["scope"]) == ("https://github.com/login/oauth/authorize", "user:email more")
    assert internet.asked[0].headers["authorization"] == "Bearer at"
    assert [(each.address, each.verified) for each in profile.emails] == [
        ("old@example.com", False),
        ("ann@example.com", True),
    ]
    assert profile.data == {
        "iss": "https://api.github.com",
        "sub": "7",
        "name": "Ann",
        "preferred_username": "ann",
        "avatar_url": "https://avatars.test/7",
        "full_name": "Ann",
        "provider_id": "7",
        "user_name": "ann",
        "email": "ann@example.com",
        "email_verified": True,
        "phone_verified": False,
    }


async def test_gitlab_vouches_for_the_confirmed_address_alone(make: Any) -> None:
    user = {"id": 7, "email": "ann@example.com", "confirmed_at": "2020-01-01", "name": "Ann", "avatar_url": ""}
    gitlab, _ = make(
        "gitlab",
        {
            "https://git.example/api/v4/user": user,
            "https://git.example/api/v4/user/emails": [{"id": 1, "email": "other@example.com"}],
        },
        url="https://git.example/",
    )

    profile = await profile_of(gitlab)

    assert [(each.address, each.verified) for each in profile.emails] == [
        ("other@example.com", False),
        ("ann@example.com", True),
    ]
    assert profile.email is not None
    assert profile.email.address == "ann@example.com"


@pytest.mark.parametrize(
    ("avatar", "discriminator", "picture"),
    [
        ("", "7", "https://cdn.discordapp.com/embed/avatars/2.png"),
        ("abc", "0", "https://cdn.discordapp.com/avatars/42/abc.png"),
        ("a_bc", "0", "https://cdn.discordapp.com/avatars/42/a_bc.gif"),
    ],
)
async def test_discord_shows_its_picture(make: Any, avatar: str, discriminator: str, picture: str) -> None:
    user = {
        "id": "42",
        "username": "ann",
        "global_name": "Ann",
        "discriminator": discriminator,
        "avatar": avatar,
        "email": "ann@example.com",
        "verified": True,
    }
    discord, _ = make("discord", {"https://discord.com/api/users/@me": user})

    profile = await profile_of(discord)

    assert profile.data["picture"] == picture
    assert profile.data["custom_claims"] == {"global_name": "Ann"}
    assert profile.data["name"] == f"ann#{discriminator}"


async def test_google_is_believed_by_its_id_token(make: Any) -> None:
    issuer = "https://accounts.google.com"
    google, _ = make("google", discovery(issuer))
    token = id_token(issuer, email="ann@example.com", email_verified=True, name="Ann", picture="https://p.test", hd="x")

    profile = await profile_of(google, token=token)

    assert profile.emails[0].verified
    assert profile.data["custom_claims"] == {"hd": "x"}
    assert (profile.data["full_name"], profile.data["avatar_url"]) == ("Ann", "https://p.test")


async def test_apple_sends_a_form_and_the_name_beside_the_code(make: Any) -> None:
    issuer = "https://appleid.apple.com"
    apple, _ = make("apple", discovery(issuer))

    _, query = await leads_to(apple)
    token = id_token("https://account.apple.com", email="ann@privaterelay.example", is_private_email="true")
    profile = await profile_of(apple, token=token)
    named = apple.with_answer(profile, {"user": json.dumps({"name": {"firstName": "Ann", "lastName": "Lee"}})})

    assert query["response_mode"] == "form_post"
    assert "code_challenge" not in query
    assert profile.emails[0].verified
    assert profile.data["custom_claims"] == {"is_private_email": True}
    assert named.data["full_name"] == "Ann Lee"
    assert apple.with_answer(profile, {"user": "[]"}) == profile


@pytest.mark.parametrize(("owned", "verified"), [({}, True), ({"xms_edov": "1"}, True), ({"xms_edov": False}, False)])
async def test_azure_vouches_as_its_claim_says(make: Any, owned: dict[str, Any], verified: bool) -> None:  # noqa: FBT001 - a table's column
    azure, _ = make("azure", discovery(AZURE))

    profile = await profile_of(azure, token=id_token(AZURE, email="ann@example.com", name="Ann", tid=TENANT, **owned))

    assert profile.emails[0].verified is verified
    assert profile.data["custom_claims"] == {"email": "ann@example.com", "tid": TENANT, **owned}


async def test_azure_of_one_tenant_believes_no_other(make: Any) -> None:
    other = "https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555/v2.0"
    azure, internet = make("azure", {**discovery(AZURE), **discovery(other)}, url=AZURE.removesuffix("/v2.0"))

    with pytest.raises(ProviderError):
        await profile_of(azure, token=id_token(other, email="ann@example.com"))
    assert internet.asked == []


async def test_azure_fetches_nothing_from_where_a_token_says(make: Any) -> None:
    azure, internet = make("azure", {})

    for issuer in ("https://evil.test", "https://login.microsoftonline.com/../evil/v2.0", "http://127.0.0.1:1"):
        with pytest.raises(ProviderError):
            await profile_of(azure, token=id_token(issuer))
    assert internet.asked == []


# Any issuer

ISSUER = "https://sso.example"


async def test_any_issuer_is_asked_with_pkce_and_a_nonce(make: Any) -> None:
    sso, _ = make("sso", discovery(ISSUER), url=ISSUER, scopes=("groups",))

    where, query = await leads_to(sso, prompt="login", STATE="forged", redirect_uri="https://evil.test")

    assert where == f"{ISSUER}/authorize"
    assert query == {
        "client_id": "ours",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "nonce": "n1",
        "prompt": "login",
        "redirect_uri": "http://127.0.0.1:54321/auth/v1/callback",
        "response_type": "code",
        "scope": "openid email profile groups more",
        "state": "s",
    }


@pytest.mark.parametrize("methods", [None, ["client_secret_post"], ["client_secret_basic"]])
async def test_the_client_proves_itself_as_the_issuer_wants_it(make: Any, methods: list[str] | None) -> None:
    changes = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    answers = {**discovery(ISSUER, **changes), f"{ISSUER}/token": {"access_token": "at", "id_token": "x"}}
    sso, internet = make("sso", answers, url=ISSUER, client_secret="s+/:")

    await sso.redeem("code", SECRETS)

    sent = internet.asked[-1]
    form = {name: values[0] for name, values in parse_qs(sent.content.decode()).items()}
    assert form["code_verifier"] == SECRETS.verifier
    if methods == ["client_secret_post"]:
        assert (form["client_id"], form["client_secret"]) == ("ours", "s+/:")
    else:  # what an issuer that says nothing wants
        assert base64.b64decode(sent.headers["authorization"].removeprefix("Basic ")) == b"ours:s%2B%2F%3A"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.test"}, "issuer"),
        ({"aud": "another"}, "another client"),
        ({"nonce": "theirs"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": int(NOW) - 60}, "expired"),
        ({"at_hash": "AAAA"}, "another access token"),
    ],
)
async def test_an_id_token_that_is_not_of_this_flow_is_not_believed(
    make: Any, claims: dict[str, Any], why: str
) -> None:
    sso, _ = make("sso", discovery(ISSUER), url=ISSUER)

    with pytest.raises(ProviderError, match=why):
        await profile_of(sso, token=id_token(ISSUER, email="ann@example.com", **claims))


async def test_userinfo_is_asked_where_the_token_has_no_address_and_must_be_about_the_same(make: Any) -> None:
    answers = {**discovery(ISSUER), f"{ISSUER}/userinfo": {"sub": "s1", "email": "a@b.test", "email_verified": True}}
    sso, internet = make("sso", answers, url=ISSUER)

    assert (await profile_of(sso, token=id_token(ISSUER))).emails[0].address == "a@b.test"

    internet.answers[f"{ISSUER}/userinfo"] = {"sub": "s2", "email": "a@b.test"}
    with pytest.raises(ProviderError, match="somebody else"):
        await profile_of(sso, token=id_token(ISSUER))


async def test_mix_up_an_issuer_that_says_its_name_must_say_it(make: Any) -> None:
    sso, _ = make("sso", discovery(ISSUER, authorization_response_iss_parameter_supported=True), url=ISSUER)

    await sso.check_issuer({"iss": ISSUER})
    for answer in ({}, {"iss": "https://evil.test"}):
        with pytest.raises(ProviderError):
            await sso.check_issuer(answer)


async def test_one_discovery_serves_many_sign_ins(make: Any) -> None:
    sso, internet = make("sso", discovery(ISSUER), url=ISSUER)

    for _ in range(3):
        await leads_to(sso)

    assert len(internet.asked) == 1


# Nothing leads us elsewhere


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.test"},
        {"jwks_uri": "http://sso.example/keys"},
        {"jwks_uri": "https://127.0.0.1/keys"},
        {"token_endpoint": "http://127.0.0.1:22/"},
        {"token_endpoint": "https://10.0.0.1/token"},
        {"userinfo_endpoint": "https://[::1]/"},
        {"userinfo_endpoint": "https://169.254.169.254/latest/meta-data"},
        {"authorization_endpoint": "https://u:p@sso.example/authorize"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": 7},
    ],
)
async def test_ssrf_a_discovery_document_leads_to_no_private_place(make: Any, changes: dict[str, Any]) -> None:
    sso, _ = make("sso", discovery(ISSUER, **changes), url=ISSUER)

    with pytest.raises(ProviderError):
        await leads_to(sso)


def test_an_issuer_on_this_machine_may_name_this_machine() -> None:
    require_safe("http://127.0.0.1:8080/keys", named_by="http://localhost:8080")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"location": "http://127.0.0.1:1/"}),
        httpx.Response(500),
        httpx.Response(200, content=b"x" * 300_000),
        httpx.Response(200, content=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, json=["no object"]),
    ],
)
async def test_an_answer_that_is_none_is_an_error_and_no_redirect_is_followed(answer: httpx.Response) -> None:
    internet = Internet({"https://sso.example/": answer})

    with pytest.raises(ProviderError):
        await Web(internet.client).get_object("https://sso.example/")
    assert len(internet.asked) == 1


async def test_errors_hold_no_code_and_no_token() -> None:
    internet = Internet({})

    with pytest.raises(ProviderError) as caught:
        await Web(internet.client).get_object("https://sso.example/?code=secret", bearer="secret")
    assert "secret" not in str(caught.value)


# Configured


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"name": "sso"}, "no url"),
        ({"name": "keycloak"}, "no url"),
        ({"name": "sso", "url": "http://sso.example"}, "not https"),
        ({"name": "SSO", "url": ISSUER}, "name"),
        ({"name": "email", "url": ISSUER}, "name"),
        ({"name": "github", "client_id": " "}, "client_id"),
        ({"name": "twitter"}, "served"),
    ],
)
def test_a_provider_that_cannot_work_is_refused_at_the_start(
    tmp_path: Path, settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        found(tmp_path, Internet({}), OAuthProvider(**{"client_id": "x", **settings}))


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    github = OAuthProvider(name="github", client_id="x")
    config = IdentityConfig(data_dir=tmp_path, providers=(github, github))

    with pytest.raises(ConfigurationError, match="twice"):
        Providers(config, make_client=Internet({}).client, clock=lambda: NOW)


def test_no_secret_shows(make: Any) -> None:
    sso, _ = make("sso", {}, url=ISSUER)

    shown = f"{sso!r} {sso.config!r} {SECRETS!r} {Tokens(access_token='at')!r}"
    assert isinstance(sso, OidcProvider)
    assert "secret" not in shown.replace("Secrets", "")
    assert urlsplit(ISSUER).netloc not in shown
    assert "at'" not in shown
