"""Each preset asks what its provider serves and keeps what Supabase Auth keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.identity.internet import (
    AZURE,
    TENANT,
    Answers,
    Internet,
    discovery,
    found,
    id_token,
    leads_to,
    profile_of,
)

from cadenza.identity.config import OAuthProvider
from cadenza.identity.providers import CodeFlow, ProviderError


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[CodeFlow, Internet]]:
    def make(name: str, answers: Answers, **settings: Any) -> tuple[CodeFlow, Internet]:
        internet = Internet(answers)
        settings = {"client_id": "ours", "client_secret": "secret", **settings}
        return found(tmp_path, internet, OAuthProvider(name=name, **settings)), internet

    return make


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
