"""Every way in over the WebSocket, without an SDK: the ``*.auth.*`` methods over an anonymous connection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time
from typing import Any

import httpx
import pytest
from tests.contract.conftest import Account
from tests.contract.stacks import System
from tests.contract.wire import connected, rpc
from tests.identity.browsing import walk

from cadenza.tokens.claims import check_form

requirement = pytest.mark.requirement
REDIRECT = "http://127.0.0.1:3000/cb"
# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def new_address() -> str:
    return f"user-{secrets.token_hex(6)}@example.com"


async def call(system: System, method: str, params: Any = None, *, token: str | None = None) -> dict[str, Any]:
    """Call once, over a connection of its own."""
    async with connected(system, token) as wire:
        return await rpc(wire, method, params)


def data_of(answer: dict[str, Any]) -> Any:
    assert "error" not in answer, answer
    return answer["data"]


def totp(secret: str) -> str:
    """RFC 6238: six digits, SHA-1, thirty seconds."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 1_000_000:06}"


@requirement("RPC-SIGNUP")
async def test_a_sign_up_over_the_socket_gives_a_session_that_connects(system: System) -> None:
    params = {"email": new_address(), "password": secrets.token_urlsafe(12), "metadata": {"name": "Ann"}}
    session = data_of(await call(system, "command.auth.signup", params))
    user = data_of(
        await call(system, "query.auth.user", {"accessToken": session["accessToken"]}, token=session["accessToken"])
    )
    assert (user["email"], user["userMetadata"]["name"]) == (params["email"], "Ann")
    again = await call(system, "command.auth.signup", params)
    assert (again["error"]["code"], again["error"]["field"]) == (26011, "email")


@requirement("RPC-REFRESH")
async def test_a_refresh_over_the_socket_rotates_and_a_dead_token_is_26007(system: System, account: Account) -> None:
    token = account.session["refresh_token"]
    fresh = data_of(await call(system, "command.auth.refresh", {"refreshToken": token}))
    assert fresh["refreshToken"] != token
    assert fresh["user"]["id"] == account.id
    dead = await call(system, "command.auth.refresh", {"refreshToken": "abcdefghijkl"})
    assert (dead["error"]["code"], dead["error"]["temporary"]) == (26007, False)


@requirement("RPC-OTP")
async def test_a_mailed_code_signs_in_once(system: System, account: Account) -> None:
    sent = await call(system, "command.auth.otp.send", {"email": account.email, "redirectTo": REDIRECT})
    assert data_of(sent) == "ok"
    letter = await system.mail_to(account.email)
    params = {"email": account.email, "token": letter.code}
    session = data_of(await call(system, "command.auth.otp.verify", params))
    assert session["user"]["id"] == account.id
    again = await call(system, "command.auth.otp.verify", params)
    assert (again["error"]["code"], again["error"]["field"]) == (26012, "token")


@requirement("RPC-LINK")
async def test_what_a_mailed_link_carries_signs_in_without_following_it(system: System, account: Account) -> None:
    assert data_of(await call(system, "command.auth.otp.send", {"email": account.email})) == "ok"
    letter = await system.mail_to(account.email)
    params = {"tokenHash": httpx.URL(letter.link).params["token"], "type": "magiclink"}
    session = data_of(await call(system, "command.auth.otp.verify", params))
    assert session["user"]["id"] == account.id
    assert (await call(system, "command.auth.otp.verify", params))["error"]["code"] == 26012


@requirement("RPC-LINK-FOLLOWED")
async def test_a_link_that_is_followed_comes_back_with_a_code_that_signs_in(system: System, account: Account) -> None:
    asked = {"email": account.email, "redirectTo": REDIRECT, "codeChallenge": CHALLENGE}
    assert data_of(await call(system, "command.auth.otp.send", asked)) == "ok"
    async with system.http() as http:
        followed = await http.get((await system.mail_to(account.email)).link)
    back = httpx.URL(followed.headers["location"])
    assert str(back).startswith(REDIRECT)
    exchange = {"code": back.params["code"], "codeVerifier": VERIFIER}
    assert data_of(await call(system, "command.auth.oauth.exchange", exchange))["user"]["id"] == account.id


@requirement("RPC-RECOVER")
async def test_a_recovery_is_answered_alike_whoever_asks(system: System, account: Account) -> None:
    known = await call(system, "command.auth.recover", {"email": account.email})
    unknown = await call(system, "command.auth.recover", {"email": new_address()})
    assert known == unknown == {"data": "ok"}


@requirement("RPC-OAUTH")
async def test_a_browser_comes_back_from_the_provider_with_a_code_that_signs_in_once(system: System) -> None:
    start = {"provider": system.oauth_provider, "redirectTo": REDIRECT, "codeChallenge": CHALLENGE}
    url = data_of(await call(system, "command.auth.oauth.start", start))["url"]
    assert url.startswith(f"{system.auth_url}/authorize?")
    ended = httpx.URL(await walk(url, email=new_address(), until=REDIRECT))
    exchange = {"code": ended.params["code"], "codeVerifier": "v" * 43}
    stolen = await call(system, "command.auth.oauth.exchange", exchange)
    assert (stolen["error"]["code"], stolen["error"]["field"]) == (26012, "codeVerifier")
    session = data_of(await call(system, "command.auth.oauth.exchange", exchange | {"codeVerifier": VERIFIER}))
    token = session["accessToken"]
    user = data_of(await call(system, "query.auth.user", {"accessToken": token}, token=token))
    assert user["id"] == session["user"]["id"]
    again = await call(system, "command.auth.oauth.exchange", exchange | {"codeVerifier": VERIFIER})
    assert (again["error"]["code"], again["error"]["field"]) == (26012, "code")


@requirement("RPC-USER-UPDATE")
async def test_a_user_is_changed_by_its_own_token_alone(
    system: System, account: Account, other_account: Account
) -> None:
    changes = {"accessToken": account.token, "metadata": {"colour": "blue"}}
    user = data_of(await call(system, "command.auth.user.update", changes, token=account.token))
    assert user["userMetadata"]["colour"] == "blue"
    refused = await call(system, "command.auth.user.update", changes, token=other_account.token)
    assert (refused["error"]["code"], refused["error"]["field"]) == (26005, "accessToken")


@requirement("RPC-ANONYMOUS-USER")
async def test_an_anonymous_user_signs_in_and_becomes_a_lasting_one(system: System) -> None:
    session = data_of(await call(system, "command.auth.anonymous"))
    token, email = session["accessToken"], new_address()
    user = data_of(await call(system, "command.auth.user.update", {"accessToken": token, "email": email}, token=token))
    assert (user["id"], user["email"]) == (session["user"]["id"], email)


@requirement("RPC-MFA")
async def test_a_second_factor_is_enrolled_and_proved_over_the_socket(system: System, account: Account) -> None:
    token = {"accessToken": account.token}
    enrolled = data_of(await call(system, "command.auth.mfa.enroll", token | {"friendlyName": "phone"}))
    factor = token | {"factorId": enrolled["factorId"]}
    challenge = data_of(await call(system, "command.auth.mfa.challenge", factor))
    answer = factor | {"challengeId": challenge["challengeId"]}
    wrong = await call(system, "command.auth.mfa.verify", answer | {"code": _wrong(enrolled["secret"])})
    assert (wrong["error"]["code"], wrong["error"]["field"]) == (26012, "code")
    strong = data_of(await call(system, "command.auth.mfa.verify", answer | {"code": totp(enrolled["secret"])}))
    listed = data_of(await call(system, "query.auth.mfa.list", {"accessToken": strong["accessToken"]}))
    assert [(one["id"], one["type"], one["status"]) for one in listed] == [(enrolled["factorId"], "totp", "verified")]
    weak = {"email": account.email, "password": account.password}
    session = data_of(await call(system, "command.auth.login", weak))
    removal = {"accessToken": session["accessToken"], "factorId": enrolled["factorId"]}
    assert (await call(system, "command.auth.mfa.unenroll", removal))["error"]["code"] == 26006
    raised = await call(system, "command.auth.stepup", {"accessToken": strong["accessToken"]}, token=account.token)
    assert data_of(raised) == {"aal": "aal2", "expiresAt": strong["expiresAt"]}


def _wrong(secret: str) -> str:
    return f"{(int(totp(secret)) + 500_000) % 1_000_000:06}"


@requirement("RPC-STEPUP")
async def test_a_connection_is_raised_by_its_own_sessions_token_alone(
    system: System, account: Account, other_account: Account
) -> None:
    session_id, ends = check_form(account.token).claims.session_id, int(time.time()) + 300

    def mint(**claims: Any) -> dict[str, str]:
        known = {"sub": account.id, "session_id": session_id, "aal": "aal2", "exp": ends}
        return {"accessToken": system.mint(**(known | claims))}

    async with connected(system, account.token) as wire:
        assert data_of(await rpc(wire, "command.auth.stepup", mint())) == {"aal": "aal2", "expiresAt": ends}
        refused = {
            "aal1": mint(aal="aal1"),
            "another session": mint(session_id="00000000-0000-4000-8000-000000000009"),
            "another user": mint(sub=other_account.id),
            "expired": mint(exp=int(time.time()) - 60),
            "forged": {"accessToken": mint()["accessToken"][:-4] + "AAAA"},
        }
        codes = {
            name: (await rpc(wire, "command.auth.stepup", params))["error"]["code"] for name, params in refused.items()
        }
    assert codes == {"aal1": 26006, "another session": 26005, "another user": 26005, "expired": 26003, "forged": 26004}
    assert (await call(system, "command.auth.stepup", mint()))["error"]["code"] == 26001
