"""Whatever is sent to the OAuth endpoints: no fault of ours, and no browser is led to a stranger with a secret."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity import keycloak_stub

from cadenza.identity.config import IdentityConfig, OAuthProvider, PasswordHashing, RateLimits

AT = "/test-provider/protocol/openid-connect"
DOORS = [
    ("GET", "/authorize"),
    ("GET", "/callback"),
    ("POST", "/callback"),
    ("GET", "/user/identities/authorize"),
    ("DELETE", "/user/identities/x"),
    ("POST", "/token?grant_type=id_token"),
    ("POST", "/token?grant_type=pkce"),
    ("GET", f"{AT}/auth"),
    ("POST", f"{AT}/auth"),
    ("POST", f"{AT}/token"),
    ("GET", f"{AT}/userinfo"),
]
UUID = "00000000-0000-4000-8000-000000000000"
NAMES = st.sampled_from(
    [
        *("provider", "redirect_to", "scopes", "code_challenge", "code_challenge_method", "state", "code", "error"),
        *("error_description", "iss", "user", "redirect_uri", "client_id", "response_type", "skip_http_redirect"),
        *("nonce", "prompt", "ticket", "decision", "email", "grant_type", "code_verifier", "login_hint", "id_token"),
    ]
)
VALUES = st.sampled_from(
    [
        *(
            "keycloak",
            "test",
            "apple",
            "\u0130",
            "",
            "true",
            "s256",
            "plain",
            "v" * 43,
            UUID,
            UUID.upper(),
            "code",
            "none",
        ),
        *("https://evil.test/", "http://127.0.0.1:1/x?code=1#y", "http://127.0.0.1:1@evil.test", "http://[::1", "//x"),
        *(
            "http://127.0.0.1:99999/",
            "a.b.c",
            "\x00",
            "\r\nX: y",
            "\ud83d\ude00",
            "%ff",
            "9" * 400,
            '{"name":1}',
            "null",
        ),
    ]
) | st.text(max_size=20)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "referer": st.sampled_from(["https://evil.test/", "http://127.0.0.1:3000/x", "::"]),
        "cookie": st.sampled_from([f"cadenza-flow-{UUID}=x", '"', "a=b; ;;=", "cadenza-flow-=\\"]),
        "sec-fetch-mode": st.just("navigate"),
        "authorization": st.sampled_from(["Basic !!!", "Basic YTpi", "Bearer x", "Basic /w=="]),
    },
)
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def one_folder(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "data"
    shutil.copytree(migrated_folder, folder)
    return folder


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests=st.lists(st.tuples(st.sampled_from(DOORS), FIELDS, FIELDS, HEADERS), min_size=5, max_size=12))
def test_nothing_that_is_sent_is_a_fault_of_ours_or_leads_to_a_stranger(
    requests: list[Any], one_folder: Path, open_provider: Any
) -> None:
    config = IdentityConfig(
        data_dir=one_folder,
        hashing=PasswordHashing(passes=1, memory_kib=8, lanes=1),
        limits=RateLimits.off(),
        test_provider=True,
        providers=(OAuthProvider(name="keycloak", client_id="kc", client_secret="s", url=keycloak_stub.URL),),
    )

    async def attack() -> None:
        async with (
            asyncio.timeout(30),
            open_provider(config, make_client=keycloak_stub.make_client) as provider,
        ):
            bearer = (await provider.signed_up(f"user{next(NUMBERS)}@example.com")).access_token
            for (method, path), query, form, headers in requests:
                own = {"authorization": f"Bearer {bearer}"} if path.startswith("/user") else {}
                answer = await provider.http.request(
                    method,
                    f"{path}{'&' if '?' in path else '?'}{encoded(query)}",
                    content=encoded(form) if method == "POST" and "/token?" not in path else as_json(form),
                    headers={**headers, **own},
                )
                judge(answer)

    asyncio.run(attack())


def encoded(fields: list[tuple[str, str]]) -> str:
    return urlencode(fields, errors="replace")


def as_json(fields: list[tuple[str, str]]) -> bytes:
    return msgspec.json.encode({name: value.encode(errors="replace").decode() for name, value in fields})


def judge(answer: Any) -> None:
    # 500 with its own words: the stub does not stand where the test provider's issuer would.
    assert answer.status_code < 500 or "external provider cannot be reached" in answer.text
    assert "<script" not in answer.text.lower()
    location = answer.headers.get("location")
    if location is not None:
        assert urlsplit(location).hostname in {"127.0.0.1", "::1", "localhost"}
        assert "@" not in urlsplit(location).netloc
