"""Signing in over the WebSocket: forwarded, limited, checked against the connection, and never logged."""

import json
import logging
from typing import Any

import pytest

from cadenza.errors import (
    KeysUnavailableError,
    RpcError,
    TokenExpiredError,
    TokenFormatError,
    TokenInvalidError,
    TokenNotYetValidError,
)
from cadenza.schema.auth import LogoutScope, OtpType
from cadenza.schema.codes import Code

LOGIN = {"email": "ann@example.com", "password": "right-password"}
WRONG = {"email": "ann@example.com", "password": "wrong-password"}
HERE, THERE = "203.0.113.9", "203.0.113.10"


async def test_login_is_forwarded_with_the_address_and_answers_a_session(rpc: Any, provider: Any) -> None:
    answer = await rpc("command.auth.login", LOGIN, user="", address=HERE)
    assert answer["data"]["accessToken"] == "at"
    assert provider.calls == [("login", "ann@example.com", "right-password", HERE)]


async def test_signup_and_refresh_are_forwarded(rpc: Any, provider: Any) -> None:
    params = {"email": "new@example.com", "password": "long-enough", "metadata": {"name": "New"}}
    answer = await rpc("command.auth.signup", params, user="", address=HERE)
    assert answer == {"data": {"user": {"id": "new", "email": "new@example.com"}}}
    answer = await rpc("command.auth.refresh", {"refreshToken": "old"}, user="", address=HERE)
    assert answer["data"]["refreshToken"] == "rt2"
    assert provider.calls == [
        ("signup", "new@example.com", "long-enough", {"name": "New"}, HERE),
        ("refresh", "old", HERE),
    ]


async def test_a_refused_login_is_26002(rpc: Any) -> None:
    answer = await rpc("command.auth.login", WRONG, user="")
    assert answer["error"]["code"] == 26002


async def test_wrong_passwords_for_one_account_end_in_26008_with_the_time_to_wait(
    rpc: Any, provider: Any, time: Any
) -> None:
    for n in range(5):
        answer = await rpc("command.auth.login", WRONG, user="", address=f"203.0.113.{n}")
        assert answer["error"]["code"] == 26002
    asked = len(provider.calls)
    answer = await rpc("command.auth.login", LOGIN | {"email": " ANN@Example.com "}, user="", address=HERE)
    assert answer["error"] == {
        "code": 26008,
        "message": "Too many attempts; wait before the next.",
        "temporary": True,
        "retryAfter": 30.0,
    }
    assert len(provider.calls) == asked
    time.now += 30.0
    assert "data" in await rpc("command.auth.login", LOGIN, user="", address=HERE)


async def test_one_address_may_not_try_many_accounts(rpc: Any) -> None:
    codes = []
    for n in range(31):
        answer = await rpc("command.auth.login", WRONG | {"email": f"u{n}@example.com"}, user="", address=HERE)
        codes.append(answer["error"]["code"])
    assert codes == [26002] * 30 + [26008]
    answer = await rpc("command.auth.login", WRONG | {"email": "u99@example.com"}, user="", address=THERE)
    assert answer["error"]["code"] == 26002


async def test_whoever_has_a_network_has_one_share_whatever_address_of_it_is_used(rpc: Any) -> None:
    codes = []
    for n in range(31):
        address = f"2001:db8:0:1::{n:x}"
        answer = await rpc("command.auth.login", WRONG | {"email": f"u{n}@example.com"}, user="", address=address)
        codes.append(answer["error"]["code"])
    assert codes == [26002] * 30 + [26008]
    answer = await rpc("command.auth.login", LOGIN, user="", address="2001:db8:0:2::1")
    assert "data" in answer


async def test_refused_refreshes_count_against_their_address_and_good_ones_do_not(rpc: Any, provider: Any) -> None:
    for _ in range(40):
        assert "data" in await rpc("command.auth.refresh", {"refreshToken": "old"}, user="", address=HERE)
    provider.broken = RpcError("no such token", code=Code.SESSION_REVOKED)
    codes = []
    for _ in range(31):
        answer = await rpc("command.auth.refresh", {"refreshToken": "old"}, user="", address=HERE)
        codes.append(answer["error"]["code"])
    assert codes == [26007] * 30 + [26008]
    provider.broken = None
    assert "data" in await rpc("command.auth.refresh", {"refreshToken": "old"}, user="", address=THERE)


async def test_an_account_is_not_counted_against_when_its_address_is_refused(rpc: Any) -> None:
    for n in range(30):
        await rpc("command.auth.login", WRONG | {"email": f"u{n}@example.com"}, user="", address=HERE)
    for _ in range(20):
        assert (await rpc("command.auth.login", WRONG, user="", address=HERE))["error"]["code"] == 26008
    assert "data" in await rpc("command.auth.login", LOGIN, user="", address=THERE)


async def test_logins_that_succeed_do_not_count(rpc: Any) -> None:
    for _ in range(100):
        assert "data" in await rpc("command.auth.login", LOGIN, user="", address=HERE)


async def test_attempts_that_the_provider_could_not_judge_do_not_count(rpc: Any, provider: Any) -> None:
    provider.broken = RpcError("Away.", code=Code.SERVICE_UNAVAILABLE, temporary=True)
    for _ in range(40):
        assert (await rpc("command.auth.login", LOGIN, user="", address=HERE))["error"]["code"] == 19006
    provider.broken = None
    assert "data" in await rpc("command.auth.login", LOGIN, user="", address=HERE)


async def test_an_unknown_address_limits_nobody_else(rpc: Any) -> None:
    for n in range(60):
        answer = await rpc("command.auth.login", WRONG | {"email": f"u{n}@example.com"}, user="")
        assert answer["error"]["code"] == 26002


async def test_signups_from_one_address_are_limited(rpc: Any) -> None:
    params = {"email": "new@example.com", "password": "long-enough"}
    codes = [
        (await rpc("command.auth.signup", params, user="", address=HERE)).get("error", {}).get("code")
        for _ in range(31)
    ]
    assert codes == [None] * 30 + [26008]


@pytest.mark.parametrize("user", ["", "ann"])
async def test_logout_and_user_act_for_the_tokens_own_user(rpc: Any, provider: Any, user: str) -> None:
    token = {"accessToken": "token-of-ann"}
    assert (await rpc("query.auth.user", token, user=user))["data"]["email"] == "ann@example.com"
    assert await rpc("command.auth.logout", token | {"scope": "others"}, user=user) == {"data": "ok"}
    assert await rpc("command.auth.logout", token, user=user) == {"data": "ok"}
    assert provider.calls == [
        ("user", "token-of-ann"),
        ("logout", "token-of-ann", LogoutScope.OTHERS),
        ("logout", "token-of-ann", LogoutScope.LOCAL),
    ]


@pytest.mark.parametrize("method", ["command.auth.logout", "query.auth.user"])
async def test_another_users_token_is_denied_on_a_signed_in_connection(rpc: Any, provider: Any, method: str) -> None:
    answer = await rpc(method, {"accessToken": "token-of-bob"}, user="ann")
    assert (answer["error"]["code"], answer["error"]["field"]) == (26005, "accessToken")
    assert provider.calls == []


@pytest.mark.parametrize("method", ["command.auth.logout", "query.auth.user"])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TokenExpiredError("It expired."), 26003),
        (TokenFormatError("It is no token."), 26004),
        (TokenInvalidError("It is not from us."), 26004),
        (TokenNotYetValidError("It is of tomorrow."), 26004),
        (KeysUnavailableError("No keys."), 19006),
    ],
)
async def test_a_token_that_cannot_be_believed_is_refused_by_its_own_code(
    rpc: Any, verifier: Any, method: str, error: Exception, code: int
) -> None:
    verifier.errors["bad"] = error
    answer = await rpc(method, {"accessToken": "bad"}, user="")
    assert answer["error"]["code"] == code
    assert answer["error"]["temporary"] is isinstance(error, KeysUnavailableError)


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("command.auth.login", {"email": "a@b.c"}, "password"),
        ("command.auth.login", {"email": "a@b.c", "password": None}, "password"),
        ("command.auth.signup", {"email": "a@b.c", "password": "short"}, "password"),
        ("command.auth.signup", {"email": "a@b.c", "password": "long-enough", "metadata": "x"}, "metadata"),
        ("command.auth.refresh", {}, "refreshToken"),
        ("command.auth.logout", {"accessToken": "t", "scope": "everywhere"}, "scope"),
        ("query.auth.user", None, "accessToken"),
    ],
)
async def test_bad_params_are_named_and_reach_nobody(
    rpc: Any, provider: Any, method: str, params: object, field: str
) -> None:
    answer = await rpc(method, params, user="")
    assert (answer["error"]["code"], answer["error"]["field"]) == (22015, field)
    assert provider.calls == []


async def test_neither_passwords_nor_tokens_are_logged_or_answered_even_when_the_provider_breaks(
    rpc: Any, provider: Any, caplog: pytest.LogCaptureFixture
) -> None:
    provider.broken = RuntimeError("broken")
    with caplog.at_level(logging.DEBUG):
        answers = [
            await rpc("command.auth.login", {"email": "a@b.c", "password": "S3CRET-password"}, user=""),
            await rpc("command.auth.signup", {"email": "a@b.c", "password": "S3CRET-password"}, user=""),
            await rpc("command.auth.refresh", {"refreshToken": "S3CRET-token"}, user=""),
            await rpc("command.auth.logout", {"accessToken": "S3CRET-token"}, user=""),
        ]
    assert [answer["error"]["code"] for answer in answers] == [22000] * 4
    assert "S3CRET" not in json.dumps(answers)
    assert "S3CRET" not in caplog.text
    assert len(caplog.records) == 4


CODE = {"email": "ann@example.com", "token": "123456"}
CHALLENGE = "E93AD9M0dEA5zPKJI8pcTnZuo1nKFnkftOdAow_M8i8"


async def test_a_mailed_code_signs_in(rpc: Any, provider: Any) -> None:
    assert await rpc("command.auth.otp.send", {"email": "ann@example.com"}, user="", address=HERE) == {"data": "ok"}
    answer = await rpc("command.auth.otp.verify", CODE, user="", address=HERE)
    assert answer["data"]["accessToken"] == "at"
    assert provider.calls == [
        ("send_code", "ann@example.com", OtpType.EMAIL, HERE),
        ("verify_code", OtpType.EMAIL, "ann@example.com", "123456", HERE),
    ]


async def test_a_links_hash_signs_in_without_the_address(rpc: Any, provider: Any) -> None:
    answer = await rpc("command.auth.otp.verify", {"tokenHash": "ab12", "type": "magiclink"}, user="", address=HERE)
    assert answer["data"]["accessToken"] == "at"
    assert provider.calls == [("verify_link", OtpType.MAGICLINK, "ab12", HERE)]


@pytest.mark.parametrize(
    ("params", "field"), [({}, "email"), ({"token": "123456"}, "email"), ({"email": "ann@example.com"}, "token")]
)
async def test_half_a_code_is_refused_by_name(rpc: Any, provider: Any, params: dict[str, str], field: str) -> None:
    answer = await rpc("command.auth.otp.verify", params, user="")
    assert (answer["error"]["code"], answer["error"]["field"]) == (22015, field)
    assert provider.calls == []


async def test_codes_are_not_guessed_and_guessing_them_locks_no_password_out(rpc: Any) -> None:
    wrong = CODE | {"token": "000000"}
    for n in range(5):
        answer = await rpc("command.auth.otp.verify", wrong, user="", address=f"203.0.113.{n}")
        assert (answer["error"]["code"], answer["error"]["field"]) == (26012, "token")
    assert (await rpc("command.auth.otp.verify", CODE, user="", address=HERE))["error"]["code"] == 26008
    assert "data" in await rpc("command.auth.login", LOGIN, user="", address=HERE)


@pytest.mark.parametrize("method", ["command.auth.otp.send", "command.auth.recover"])
async def test_one_account_is_not_flooded_with_mails(rpc: Any, provider: Any, method: str, time: Any) -> None:
    for n in range(5):
        assert "data" in await rpc(method, {"email": "ann@example.com"}, user="", address=f"203.0.113.{n}")
    answer = await rpc(method, {"email": "Ann@Example.com"}, user="", address=HERE)
    assert (answer["error"]["code"], answer["error"]["retryAfter"]) == (26008, 30.0)
    assert len(provider.calls) == 5
    time.now += 30
    assert "data" in await rpc(method, {"email": "ann@example.com"}, user="", address=HERE)


async def test_an_anonymous_user_costs_its_address_an_attempt(rpc: Any) -> None:
    codes = [
        (await rpc("command.auth.anonymous", user="", address=HERE)).get("error", {}).get("code") for _ in range(31)
    ]
    assert codes == [None] * 30 + [26008]


async def test_a_browser_begins_and_its_code_is_exchanged(rpc: Any, provider: Any) -> None:
    start = {"provider": "github", "redirectTo": "http://127.0.0.1:3000/cb", "codeChallenge": CHALLENGE}
    answer = await rpc("command.auth.oauth.start", start, user="")
    assert answer["data"]["url"].startswith("http://idp.example/authorize?")
    exchange = {"code": "c", "codeVerifier": "v"}
    assert "data" in await rpc("command.auth.oauth.exchange", exchange, user="", address=HERE)
    assert provider.calls[-1] == ("exchange", "c", "v", HERE)


async def test_an_id_token_is_handed_on(rpc: Any, provider: Any) -> None:
    params = {"provider": "google", "idToken": "a.b.c", "nonce": "n"}
    assert "data" in await rpc("command.auth.idtoken", params, user="", address=HERE)
    assert provider.calls[-1] == ("id_token", "google", "a.b.c", "n", HERE)


async def test_a_user_is_changed_by_its_own_token(rpc: Any, provider: Any) -> None:
    token = {"accessToken": "token-of-ann"}
    answer = await rpc("command.auth.user.update", token | {"metadata": {"a": None}}, user="ann", address=HERE)
    assert answer["data"]["id"] == "ann"
    assert await rpc("command.auth.reauthenticate", token, user="ann", address=HERE) == {"data": "ok"}
    assert provider.calls == [
        ("update_user", "token-of-ann", {"a": None}, HERE),
        ("reauthenticate", "token-of-ann", HERE),
    ]


@pytest.mark.parametrize("method", ["query.auth.user", "command.auth.logout", "command.auth.mfa.enroll"])
async def test_a_token_that_a_third_partys_app_was_given_is_no_good_in_params_either(
    rpc: Any, provider: Any, verifier: Any, method: str
) -> None:
    """Row A6: it is the user's own but for ``client_id``, and must not change their password or factors."""
    verifier.knows("theirs", "ann", client_id="app-1")
    for user in ("", "ann"):
        answer = await rpc(method, {"accessToken": "theirs"}, user=user)
        assert (answer["error"]["code"], answer["error"]["field"]) == (26005, "accessToken")
    assert provider.calls == []
