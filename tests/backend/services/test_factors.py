"""Second factors over the WebSocket, and the connection they raise."""

from typing import Any

import pytest

from cadenza.backend import Backend
from cadenza.errors import TokenExpiredError

TOKEN = {"accessToken": "token-of-ann"}
META = {"session_id": "s1", "aal": "aal1"}


@pytest.fixture
def strong(verifier: Any, time: Any) -> dict[str, str]:
    """A token of ann's session s1 that proves a second factor."""
    verifier.knows("strong", "ann", exp=time.now + 300, session_id="s1", aal="aal2")
    return {"accessToken": "strong"}


async def test_a_factor_is_enrolled_listed_challenged_proved_and_removed(rpc: Any, provider: Any) -> None:
    enrolled = await rpc("command.auth.mfa.enroll", TOKEN | {"friendlyName": "phone"}, user="", address="203.0.113.9")
    assert enrolled["data"] == {"factorId": "f1", "type": "totp", "secret": "S3", "uri": "otpauth://totp/x"}
    assert (await rpc("query.auth.mfa.list", TOKEN))["data"][0]["status"] == "verified"
    challenge = await rpc("command.auth.mfa.challenge", TOKEN | {"factorId": "f1"})
    assert challenge["data"]["challengeId"] == "c1"
    session = await rpc("command.auth.mfa.verify", TOKEN | {"factorId": "f1", "challengeId": "c1", "code": "123456"})
    assert session["data"]["accessToken"] == "at2"
    assert await rpc("command.auth.mfa.unenroll", TOKEN | {"factorId": "f1"}) == {"data": "ok"}
    assert [call[0] for call in provider.calls] == ["enroll", "factors", "challenge", "verify_factor", "unenroll"]
    assert provider.calls[0] == ("enroll", "token-of-ann", "phone", "203.0.113.9")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("command.auth.mfa.enroll", {}),
        ("query.auth.mfa.list", {}),
        ("command.auth.mfa.challenge", {"factorId": "f1"}),
        ("command.auth.mfa.verify", {"factorId": "f1", "challengeId": "c1", "code": "123456"}),
        ("command.auth.mfa.unenroll", {"factorId": "f1"}),
        ("command.auth.stepup", {}),
        ("command.auth.user.update", {}),
        ("command.auth.reauthenticate", {}),
    ],
)
async def test_another_users_token_reaches_nobody(rpc: Any, provider: Any, method: str, params: dict[str, str]) -> None:
    answer = await rpc(method, {"accessToken": "token-of-bob", **params}, user="ann", meta=META)
    assert (answer["error"]["code"], answer["error"]["field"]) == (26005, "accessToken")
    assert provider.calls == []


async def test_wrong_codes_of_one_user_end_in_26008_from_whatever_address(rpc: Any, provider: Any, time: Any) -> None:
    params = TOKEN | {"factorId": "f1", "challengeId": "c1", "code": "000000"}
    for n in range(5):
        answer = await rpc("command.auth.mfa.verify", params, user="", address=f"203.0.113.{n}")
        assert answer["error"]["code"] == 26012
    asked = len(provider.calls)
    answer = await rpc("command.auth.mfa.verify", params, user="", address="203.0.113.99")
    assert (answer["error"]["code"], answer["error"]["retryAfter"]) == (26008, 30.0)
    assert len(provider.calls) == asked
    time.now += 30
    good = params | {"code": "123456"}
    assert "data" in await rpc("command.auth.mfa.verify", good, user="", address="203.0.113.99")


async def test_a_stepup_raises_this_connection_until_the_token_expires(
    rpc: Any, backend: Backend, strong: dict[str, str], time: Any
) -> None:
    answer = await rpc("command.auth.stepup", strong, meta=META, client="c1")
    assert answer == {"data": {"aal": "aal2", "expiresAt": int(time.now + 300)}}
    levels = backend.levels
    assert levels.of("c1", "ann") == "aal2"
    assert levels.of("c2", "ann") == ""
    time.now += 300
    assert levels.of("c1", "ann") == ""


@pytest.mark.parametrize(
    ("aal", "session_id", "meta", "code"),
    [
        ("aal1", "s1", META, 26006),
        (None, "s1", META, 26006),
        ("aal2", "s2", META, 26005),
        ("aal2", None, META, 26005),
        ("aal2", "s1", {}, 26005),
        ("aal2", None, {}, 26005),
        ("aal2", "s1", {"session_id": 1}, 26005),
    ],
    ids=["aal1", "no level", "another session", "no session", "unknown session", "none at all", "odd meta"],
)
async def test_a_token_of_another_session_or_level_raises_nothing(
    rpc: Any,
    backend: Backend,
    *,
    verifier: Any,
    time: Any,
    aal: str | None,
    session_id: str | None,
    meta: Any,
    code: int,
) -> None:
    verifier.knows("t", "ann", exp=time.now + 300, session_id=session_id, aal=aal)
    answer = await rpc("command.auth.stepup", {"accessToken": "t"}, meta=meta, client="c1")
    assert (answer["error"]["code"], answer["error"]["field"]) == (code, "accessToken")
    assert backend.levels.of("c1", "ann") == ""


async def test_an_expired_token_or_a_connection_without_user_is_not_raised(
    rpc: Any, backend: Backend, strong: dict[str, str], verifier: Any
) -> None:
    assert (await rpc("command.auth.stepup", strong, user="", meta=META))["error"]["code"] == 26001
    verifier.errors["strong"] = TokenExpiredError("It expired.")
    assert (await rpc("command.auth.stepup", strong, meta=META))["error"]["code"] == 26003
    assert len(backend.levels) == 0


async def test_a_token_without_end_raises_nothing(rpc: Any, verifier: Any) -> None:
    verifier.knows("endless", "ann", exp=None, session_id="s1", aal="aal2")
    assert (await rpc("command.auth.stepup", {"accessToken": "endless"}, meta=META))["error"]["code"] == 26006
