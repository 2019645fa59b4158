"""Sessions through the front door: rotation at its edges, races, sign-out, and what a token says."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import pytest

from cadenza.errors import IdentityError
from cadenza.identity.keys import load_key_ring
from cadenza.protocol.auth import LogoutScope, Session, requests, responses


async def refresh(provider: Any, token: str) -> Session:
    answer = await provider.send(requests.refresh_token_grant(token))
    return responses.parse_session(answer.status_code, answer.headers, answer.content)


async def refused(provider: Any, token: str) -> str:
    with pytest.raises(IdentityError) as caught:
        await refresh(provider, token)
    return caught.value.error_code


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


async def test_the_reuse_interval_ends_after_its_last_microsecond(make_provider: Any) -> None:
    for late, expected in ((0.0, ""), (0.001, "refresh_token_already_used")):
        async with make_provider(refresh_token_reuse_interval_seconds=10) as provider:
            first = (await provider.signed_up(f"ann{late}@example.com")).refresh_token
            second = (await refresh(provider, first)).refresh_token
            await refresh(provider, second)
            provider.clock.advance(10 + late)
            if expected:
                assert await refused(provider, first) == expected
            else:
                assert (await refresh(provider, first)).refresh_token != second


async def test_a_lost_answer_is_given_again_a_year_later(provider: Any) -> None:
    lost = await provider.signed_up()
    issued = await refresh(provider, lost.refresh_token)
    provider.clock.advance(365 * 24 * 3600)

    again = await refresh(provider, lost.refresh_token)

    assert again.refresh_token == issued.refresh_token
    assert again.access_token != issued.access_token


async def test_the_same_active_token_is_said_again_after_a_restart(make_provider: Any) -> None:
    async with make_provider() as provider:
        lost = await provider.signed_up()
        issued = await refresh(provider, lost.refresh_token)
    async with make_provider() as restarted:
        assert (await refresh(restarted, lost.refresh_token)).refresh_token == issued.refresh_token


async def test_clients_that_refresh_at_once_all_stay_signed_in(provider: Any) -> None:
    session = await provider.signed_up()

    async with asyncio.timeout(20):
        refreshed = await asyncio.gather(*(refresh(provider, session.refresh_token) for _ in range(20)))

    assert len({each.refresh_token for each in refreshed}) == 1
    assert (await refresh(provider, refreshed[0].refresh_token)).user.id == session.user.id


async def test_a_stolen_token_ends_the_family_but_not_the_access_token(make_provider: Any) -> None:
    async with make_provider(refresh_token_reuse_interval_seconds=0) as provider:
        stolen = await provider.signed_up()
        second = await refresh(provider, stolen.refresh_token)
        third = await refresh(provider, second.refresh_token)
        provider.clock.advance(1)

        assert await refused(provider, stolen.refresh_token) == "refresh_token_already_used"
        provider.clock.advance(1)
        assert await refused(provider, third.refresh_token) == "refresh_token_already_used"
        assert (await provider.send(requests.get_user(third.access_token))).status_code == 200


async def test_without_the_key_file_no_refresh_token_is_known(make_provider: Any, data_dir: Any) -> None:
    async with make_provider() as provider:
        session = await provider.signed_up()
    data_dir.joinpath("refresh-token.key").unlink()

    async with make_provider() as provider:
        assert await refused(provider, session.refresh_token) == "refresh_token_not_found"


async def test_a_session_past_its_lifetime_cannot_be_refreshed(make_provider: Any) -> None:
    async with make_provider(session_lifetime_seconds=100) as provider:
        session = await provider.signed_up()
        provider.clock.advance(100)
        session = await refresh(provider, session.refresh_token)
        provider.clock.advance(0.001)

        assert await refused(provider, session.refresh_token) == "session_expired"


@pytest.mark.parametrize(
    ("scope", "alive"),
    [(LogoutScope.GLOBAL, set[int]()), (LogoutScope.LOCAL, {1, 2}), (LogoutScope.OTHERS, {0})],
)
async def test_a_sign_out_ends_the_sessions_of_its_scope(scope: LogoutScope, alive: set[int], provider: Any) -> None:
    """E8: access tokens that have an hour to live yet are good for nothing here, from that moment on."""
    await provider.signed_up("bob@example.com")
    bystander = await provider.signed_in("bob@example.com")
    await provider.signed_up()
    sessions = [await provider.signed_in() for _ in range(3)]

    answer = await provider.send(requests.log_out(sessions[0].access_token, scope=scope))

    assert (answer.status_code, answer.content) == (204, b"")
    for index, session in enumerate(sessions):
        user = await provider.send(requests.get_user(session.access_token))
        assert user.status_code == (200 if index in alive else 403)
        if index not in alive:
            assert user.json()["code"] == "session_not_found"
            assert await refused(provider, session.refresh_token) == "refresh_token_not_found"
    assert (await provider.send(requests.get_user(bystander.access_token))).status_code == 200


async def test_an_access_token_claims_what_supabase_auth_does_and_meta(provider: Any) -> None:
    session = await provider.signed_up()

    claims = claims_of(session.access_token)

    assert list(claims) == [
        *("iss", "sub", "aud", "exp", "iat", "email", "phone", "app_metadata", "user_metadata", "role", "aal", "amr"),
        *("session_id", "is_anonymous", "meta", "channels"),
    ]
    assert claims["iss"] == "http://127.0.0.1:54321/auth/v1"
    assert claims["exp"] - claims["iat"] == session.expires_in == 3600
    assert claims["exp"] == session.expires_at
    assert claims["amr"] == [{"method": "password", "timestamp": int(provider.clock.now)}]
    assert claims["meta"] == {"session_id": claims["session_id"], "aal": "aal1", "role": "authenticated"}
    assert claims["channels"] == [f"session:{claims['session_id']}"]


async def test_a_refresh_keeps_session_and_method_and_moves_the_times(provider: Any) -> None:
    before = await provider.signed_up()
    provider.clock.advance(1800)

    after = await refresh(provider, before.refresh_token)

    old, new = claims_of(before.access_token), claims_of(after.access_token)
    assert (new["session_id"], new["amr"]) == (old["session_id"], old["amr"])
    assert (new["iat"] - old["iat"], new["exp"] - old["exp"]) == (1800, 1800)


async def test_the_session_channel_can_be_left_out_for_a_gateway_without_its_namespace(make_provider: Any) -> None:
    async with make_provider(session_channel_claim=False) as provider:
        assert "channels" not in claims_of((await provider.signed_up()).access_token)


async def test_rights_in_meta_come_from_app_metadata_never_from_the_users_own(provider: Any) -> None:
    import msgspec

    session = await provider.signed_up()
    await provider.send(requests.update_user(session.access_token, metadata={"role": "admin"}))
    assert claims_of((await provider.signed_in()).access_token)["meta"]["role"] == "authenticated"

    def promote(records: Any) -> None:
        user = records.users.by_id(session.user.id)
        records.users.update(msgspec.structs.replace(user, app_metadata='{"role":"service"}'))

    await provider.parts.store.write(promote)

    claims = claims_of((await provider.signed_in()).access_token)
    assert (claims["meta"]["role"], claims["role"]) == ("service", "authenticated")


async def test_a_token_of_any_lifetime_can_be_issued_for_an_open_session(provider: Any) -> None:
    session_id = claims_of((await provider.signed_up()).access_token)["session_id"]

    short = await provider.parts.sessions.issue_access_token(session_id, lifetime_seconds=5)
    expired = await provider.parts.sessions.issue_access_token(session_id, lifetime_seconds=-60)

    now = int(provider.clock.now)
    assert claims_of(short)["exp"] == now + 5
    assert claims_of(expired)["exp"] == now - 60 > claims_of(expired)["iat"]
    assert (await provider.send(requests.get_user(short))).status_code == 200
    answer = await provider.send(requests.get_user(expired))
    assert answer.json()["message"].endswith("token is expired")


async def test_a_token_of_another_issuer_or_audience_is_not_believed(make_provider: Any) -> None:
    for other in ({"issuer": "http://elsewhere"}, {"audience": "somebody"}):
        async with make_provider(**other) as elsewhere:
            token = (await elsewhere.signed_up(f"{next(iter(other))}@example.com")).access_token
        async with make_provider() as provider:
            answer = await provider.send(requests.get_user(token))
            assert (answer.status_code, answer.json()["code"]) == (403, "bad_jwt")


async def test_a_token_with_another_users_session_is_not_believed(provider: Any) -> None:
    ann = await provider.signed_up("ann@example.com")
    ben = await provider.signed_up("ben@example.com")
    claims = {**claims_of(ann.access_token), "session_id": claims_of(ben.access_token)["session_id"]}
    forged = load_key_ring(provider.config, random_bytes=os.urandom).signer.sign(claims)

    answer = await provider.send(requests.log_out(forged, scope=LogoutScope.LOCAL))

    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_found")
    assert (await provider.send(requests.get_user(ben.access_token))).status_code == 200
