from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from tests.contract.conftest import Account, sign_up
from tests.contract.stacks import System

requirement = pytest.mark.requirement
API_VERSION = {"X-Supabase-Api-Version": "2024-01-01"}


@pytest_asyncio.fixture(loop_scope="session")
async def auth(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with system.http(system.auth_url, headers=API_VERSION) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def grant(auth: httpx.AsyncClient, kind: str, **body: str) -> httpx.Response:
    return await auth.post("/token", params={"grant_type": kind}, json=body)


@requirement("AUTH-SIGNUP")
async def test_sign_up_gives_a_session_of_the_new_user(system: System, auth: httpx.AsyncClient) -> None:
    made = await sign_up(system)
    user = (await auth.get("/user", headers=bearer(made.token))).json()
    assert user["id"] == made.id
    assert user["email"] == made.email
    assert made.session["token_type"] == "bearer"
    assert made.session["expires_in"] == 3600


@requirement("AUTH-SIGNUP-EXISTS")
async def test_a_second_sign_up_is_refused(auth: httpx.AsyncClient, account: Account) -> None:
    reply = await auth.post("/signup", json={"email": account.email, "password": account.password})
    assert (reply.status_code, reply.json()["code"]) == (422, "user_already_exists")


@requirement("AUTH-SIGNUP-WEAK")
async def test_a_short_password_is_refused_with_its_reasons(auth: httpx.AsyncClient) -> None:
    reply = await auth.post("/signup", json={"email": f"{secrets.token_hex(6)}@example.com", "password": "short"})
    assert (reply.status_code, reply.json()["code"]) == (422, "weak_password")
    assert reply.json()["weak_password"]["reasons"] == ["length"]


@requirement("AUTH-PASSWORD")
async def test_the_password_grant_ignores_the_addresss_case(auth: httpx.AsyncClient, account: Account) -> None:
    reply = await grant(auth, "password", email=account.email.upper(), password=account.password)
    assert reply.status_code == 200
    assert reply.json()["user"]["id"] == account.id
    assert reply.json()["refresh_token"] != account.session["refresh_token"]


@requirement("AUTH-PASSWORD-WRONG")
async def test_a_wrong_password_and_an_unknown_address_are_the_same(auth: httpx.AsyncClient, account: Account) -> None:
    wrong = await grant(auth, "password", email=account.email, password="not the password")
    unknown = await grant(auth, "password", email="nobody-" + account.email, password="not the password")
    assert wrong.status_code == unknown.status_code == 400
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "invalid_credentials"


@requirement("AUTH-REFRESH")
async def test_a_refresh_rotates_the_refresh_token(auth: httpx.AsyncClient, account: Account) -> None:
    reply = await grant(auth, "refresh_token", refresh_token=account.session["refresh_token"])
    assert reply.status_code == 200
    fresh = reply.json()
    assert fresh["refresh_token"] != account.session["refresh_token"]
    assert fresh["user"]["id"] == account.id


@requirement("AUTH-REFRESH-PARENT")
async def test_the_parent_gives_the_same_active_token_again(auth: httpx.AsyncClient, account: Account) -> None:
    parent = account.session["refresh_token"]
    first = (await grant(auth, "refresh_token", refresh_token=parent)).json()
    again = await grant(auth, "refresh_token", refresh_token=parent)
    assert again.status_code == 200
    assert again.json()["refresh_token"] == first["refresh_token"]


@requirement("AUTH-REFRESH-UNKNOWN")
async def test_an_unknown_refresh_token_is_refused(auth: httpx.AsyncClient) -> None:
    reply = await grant(auth, "refresh_token", refresh_token="abcdefghijkl")
    assert (reply.status_code, reply.json()["code"]) == (400, "refresh_token_not_found")


@requirement("AUTH-USER")
async def test_the_user_is_given_to_the_bearer_alone(auth: httpx.AsyncClient, account: Account) -> None:
    assert (await auth.get("/user", headers=bearer(account.token))).json()["id"] == account.id
    nobody = await auth.get("/user")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "no_authorization")
    forged = await auth.get("/user", headers=bearer(account.token[:-4] + "AAAA"))
    assert (forged.status_code, forged.json()["code"]) == (403, "bad_jwt")


@requirement("AUTH-LOGOUT")
async def test_sign_out_ends_the_session_at_once(auth: httpx.AsyncClient, account: Account) -> None:
    assert (await auth.post("/logout", headers=bearer(account.token))).status_code == 204
    user = await auth.get("/user", headers=bearer(account.token))
    assert (user.status_code, user.json()["code"]) == (403, "session_not_found")
    refresh = await grant(auth, "refresh_token", refresh_token=account.session["refresh_token"])
    assert (refresh.status_code, refresh.json()["code"]) == (400, "refresh_token_not_found")


@requirement("AUTH-LOGOUT-LOCAL")
async def test_a_local_sign_out_leaves_other_sessions(auth: httpx.AsyncClient, account: Account) -> None:
    other = (await grant(auth, "password", email=account.email, password=account.password)).json()
    done = await auth.post("/logout", params={"scope": "local"}, headers=bearer(account.token))
    assert done.status_code == 204
    assert (await auth.get("/user", headers=bearer(other["access_token"]))).status_code == 200
    assert (await auth.get("/user", headers=bearer(account.token))).status_code == 403


@requirement("AUTH-JWKS")
async def test_the_key_set_has_the_tokens_key_and_no_private_part(
    system: System, auth: httpx.AsyncClient, account: Account
) -> None:
    reply = await auth.get("/.well-known/jwks.json")
    assert reply.headers["cache-control"] == "public, max-age=600"
    keys = {key["kid"]: key for key in reply.json()["keys"]}
    assert system.key.kid in keys
    assert keys[system.key.kid]["kty"] == "EC"
    assert all("d" not in key and key["kty"] != "oct" for key in keys.values())


@requirement("AUTH-ERRORS")
async def test_the_form_of_an_error_follows_the_version_header(system: System) -> None:
    body = {"email": "nobody@example.com", "password": "not the password"}
    async with system.http(system.auth_url) as plain:
        old = await plain.post("/token?grant_type=password", json=body)
        new = await plain.post("/token?grant_type=password", json=body, headers=API_VERSION)
    assert old.json() == {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    assert new.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert new.headers["x-supabase-api-version"] == "2024-01-01"
    assert old.headers["x-sb-error-code"] == new.headers["x-sb-error-code"] == "invalid_credentials"
