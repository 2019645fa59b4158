"""Hostile bodies, queries and headers are refused in Supabase Auth's words, and never cause a fault of ours."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DOORS = [
    ("POST", "/signup"),
    ("POST", "/token?grant_type=password"),
    ("POST", "/token?grant_type=refresh_token"),
    ("PUT", "/user"),
]
DATED = {"X-Supabase-Api-Version": "2024-01-01"}


async def send(provider: Any, door: tuple[str, str], body: bytes, bearer: str = "") -> Any:
    headers = {**DATED, "Authorization": f"Bearer {bearer}"} if bearer else DATED
    return await provider.http.request(*door, content=body, headers=headers)


BROKEN = [
    b"",
    b"   ",
    b"{",
    b"{bad",
    b'{"email":"ann@example.com"',
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"[]",
    b"42",
    b'"text"',
    b"{}{}",
    b'{"email":1,"refresh_token":1}',
    b'{"email":["a"],"refresh_token":{}}',
    b'{"password":{"$ne":null},"refresh_token":true}',
    b'{"data":"x","password":1,"refresh_token":1}',
    b'{"email":"\\ud800","refresh_token":"\\ud800"}',
    b'{"data":{"n":1e999},"password":1e999,"refresh_token":1e999}',
    b"[" * 50_000,
    b'{"data":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b',"refresh_token":1,"email":1}',
]


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
@pytest.mark.parametrize("body", BROKEN, ids=lambda body: repr(body[:24]))
async def test_a_body_that_cannot_be_read_is_bad_json(door: tuple[str, str], body: bytes, provider: Any) -> None:
    bearer = (await provider.signed_up()).access_token if door[0] == "PUT" else ""

    answer = await send(provider, door, body, bearer)

    if answer.json()["code"] != "validation_failed":  # some bodies are wrong for other doors only
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
        assert answer.json()["message"].startswith("Could not parse request body as JSON: ")
    assert len(answer.content) < 400


@pytest.mark.parametrize("body", [b"null", b" null\n"])
async def test_null_is_an_object_without_members(body: bytes, provider: Any) -> None:
    bearer = (await provider.signed_up()).access_token
    answers = [await send(provider, door, body, bearer if door[0] == "PUT" else "") for door in DOORS]

    assert [(answer.status_code, answer.json().get("code")) for answer in answers] == [
        (200, None),
        (400, "validation_failed"),
        (400, "validation_failed"),
        (200, None),
    ]


EMAILS = [
    "notanemail",
    "@example.com",
    "ann@",
    "ann@@example.com",
    "ann@example..com",
    "ann@-example.com",
    "ann @example.com",
    "ann@exam ple.com",
    "ann@example.com\x00",
    "ann\x00@example.com",
    "ann@example.com\r\nBcc: everyone@example.com",
    "ann@example.com\n",
    "änn@example.com",
    "ann@exämple.com",
    '"ann"@example.com',
    "<script>@example.com",
    "a" * 250 + "@example.com",
    "ann@" + "a" * 64 + ".com",
]


@pytest.mark.parametrize("email", EMAILS, ids=ascii)
async def test_an_address_without_the_form_of_one_registers_nobody(email: str, provider: Any) -> None:
    body = json.dumps({"email": email, "password": "correct horse 1"}).encode()

    answer = await send(provider, DOORS[0], body)

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert "email address" in answer.json()["message"]
    users = await provider.parts.store.read(lambda records: records.users.by_email(email.lower()))
    assert users is None


@pytest.mark.parametrize("email", ["ann@example.com' OR '1'='1", "%", "_", "ann@example.com\x00x", "İ@example.com"])
async def test_a_sign_in_with_a_strange_address_is_only_a_wrong_one(email: str, provider: Any) -> None:
    await provider.signed_up()

    body = json.dumps({"email": email, "password": "correct horse 1"}).encode()
    answer = await send(provider, DOORS[1], body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_credentials")


@pytest.mark.parametrize(
    "password", ["pass\x00word long", "пароль-пароль", "🐎🐎🐎🐎", " leading and trailing ", "a\tb\nc\rd\x7fe"]
)
async def test_any_characters_make_a_password_and_all_of_them_count(password: str, provider: Any) -> None:
    await provider.signed_up("ann@example.com", password)

    assert (await provider.signed_in("ann@example.com", password)).user.email == "ann@example.com"
    for other in (
        password[:-1],
        password + "\x00",
        password.strip() + "x",
        password.split("\x00", maxsplit=1)[0] + "!",
    ):
        body = json.dumps({"email": "ann@example.com", "password": other}).encode()
        assert (await send(provider, DOORS[1], body)).status_code == 400


@pytest.mark.parametrize(
    "token",
    [
        "",
        "short",
        "UPPERCASE234",
        "aaaaaaaaaaaa ",
        "aaaaaaaaaaa\n",
        "aaaaaaaaaaaaa",
        "\uff41" * 12,
        "aaaaaaaaaaa\x00",
        "x" * 5000,
    ],
    ids=ascii,
)
async def test_what_has_not_the_form_of_a_refresh_token_is_not_looked_up(token: str, provider: Any) -> None:
    answer = await send(provider, DOORS[2], json.dumps({"refresh_token": token}).encode())

    assert (answer.status_code, answer.json()["message"]) == (400, "Refresh token is not valid")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  a.b.c",
        "Bearer a.b.c d",
        "Basic YTpi",
        "bearer\ta.b.c",
        "Token a.b.c",
    ],
)
async def test_what_is_no_bearer_is_no_authorization(authorization: str, provider: Any) -> None:
    for method, path in (("GET", "/user"), ("PUT", "/user"), ("POST", "/logout")):
        answer = await provider.http.request(method, path, headers={**DATED, "Authorization": authorization})
        assert (answer.status_code, answer.json()["code"]) == (401, "no_authorization")


@pytest.mark.parametrize(
    "token",
    ["a", "a.b", "a.b.c", "a.b.c.d", "....", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "x" * 20_000, "é.é.é"],
    ids=lambda token: ascii(token[:20]),
)
async def test_a_bearer_that_is_no_token_is_a_bad_jwt_and_not_quoted(token: str, provider: Any) -> None:
    answer = await provider.http.get("/user", headers={**DATED, "Authorization": f"Bearer {token}".encode()})

    assert (answer.status_code, answer.json()["code"]) == (403, "bad_jwt")
    assert len(token) < 10 or token not in answer.text


async def test_a_strange_scope_is_named_harmlessly(provider: Any) -> None:
    session = await provider.signed_up()
    for scope in ("foo", "Global", 'a"b\r\nX-Evil: 1', "é" * 500, "\x00"):
        answer = await provider.http.post(
            "/logout", params={"scope": scope}, headers={**DATED, "Authorization": f"Bearer {session.access_token}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
        assert "X-Evil" not in answer.headers
        assert len(answer.content) < 1200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
NAMES = ["email", "phone", "password", "data", "app_metadata", "refresh_token", "gotrue_meta_security", "other"]
NUMBERS = itertools.count()
bodies = st.binary(max_size=60) | st.dictionaries(st.sampled_from(NAMES), json_values, max_size=5).map(
    lambda body: json.dumps(body).encode()
)


@pytest.fixture(scope="module")
def one_folder(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil

    folder = tmp_path_factory.mktemp("any") / "data"
    shutil.copytree(migrated_folder, folder)
    return folder


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_body_and_no_query_is_ever_a_fault_of_ours(
    data: st.DataObject, one_folder: Path, open_provider: Any
) -> None:
    import asyncio

    from cadenza.identity.config import IdentityConfig, PasswordHashing, RateLimits

    config = IdentityConfig(
        data_dir=one_folder,
        hashing=PasswordHashing(passes=1, memory_kib=8, lanes=1),
        limits=RateLimits.off(),
    )
    requests = data.draw(
        st.lists(st.tuples(st.sampled_from(DOORS), bodies, st.text("a=&%+;/?", max_size=12)), min_size=5, max_size=10)
    )

    async def attack() -> None:
        async with asyncio.timeout(20), open_provider(config) as provider:
            # A user of this example's own: an attack may well change its password.
            bearer = (await provider.signed_up(f"user{next(NUMBERS)}@example.com")).access_token
            for (method, path), body, query in requests:
                joined = f"{path}{'&' if '?' in path else '?'}{query}"
                answer = await send(provider, (method, joined), body, bearer)
                assert answer.status_code < 500
                assert answer.status_code in {200, 204} or answer.json()["code"]

    asyncio.run(attack())
