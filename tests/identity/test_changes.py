"""What users change of themselves: the address with both halves confirmed, the password with a proof, the number."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.identity.mailing import (
    ANN,
    BOB,
    CALLBACK,
    DATED,
    PASSWORD,
    code_of,
    follow,
    get,
    mails,
    newest,
    post,
    put_user,
    token_of,
    verified,
)

from cadenza.identity.config import MailConfig, RateLimits
from cadenza.protocol.auth import pkce, requests

NEW = "new@example.com"
VERIFIER = "v" * 43
DAY_SECONDS = 24 * 3600


async def confirmed_session(provider: Any, email: str = ANN) -> str:
    """The access token of a user whose address is confirmed, whatever the settings."""
    assert await provider.parts.users.ensure(email, PASSWORD)
    return str((await provider.signed_in(email)).access_token)


async def test_a_change_of_address_is_confirmed_from_both(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        token = await confirmed_session(provider)
        pending = (await put_user(provider, token, {"email": "New@Example.com"}, redirect_to=CALLBACK)).json()
        assert (pending["email"], pending["new_email"]) == (ANN, NEW)
        assert {mail.to for mail in provider.parts.inbox.newest()} == {ANN, NEW}
        assert newest(provider, ANN).code != newest(provider, NEW).code

        where, query, fragment = await follow(provider, newest(provider, NEW).link)
        assert (where, query) == (CALLBACK, {})
        assert "confirm link sent to the other email" in fragment["message"]
        assert (await get(provider, "/user", token)).json()["email"] == ANN
        again = await follow(provider, newest(provider, NEW).link)
        assert again[2]["error_code"] == "otp_expired"

        session = await verified(provider, type="email_change", email=ANN, token=newest(provider, ANN).code)
        user = session["user"]
        assert user["email"] == NEW
        assert "new_email" not in user
        assert user["identities"][0]["identity_data"]["email"] == NEW
        assert user["identities"][0]["email"] == NEW
        await provider.signed_in(NEW)
        assert code_of(await provider.send(requests.password_grant(ANN, PASSWORD))) == (400, "invalid_credentials")


async def test_the_first_half_by_code_says_that_the_other_is_to_come(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        token = await confirmed_session(provider)
        await put_user(provider, token, {"email": NEW})
        half = await verified(provider, type="email_change", email=ANN, token=newest(provider, ANN).code)
        assert half["code"] == "200"
        session = await verified(provider, type="email_change", token_hash=token_of(newest(provider, NEW)))
        assert session["user"]["email"] == NEW


async def test_no_halfs_code_counts_twice_whatever_the_change_was_asked_for_with(make_provider: Any) -> None:
    # The real one keeps the first code where a challenge came with the request: one mailbox then confirms for both.
    challenge = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "s256"}
    async with make_provider(autoconfirm=False) as provider:
        token = await confirmed_session(provider)
        await put_user(provider, token, {"email": NEW, **challenge})
        half = {"type": "email_change", "email": ANN, "token": newest(provider, ANN).code}
        assert (await verified(provider, **half))["code"] == "200"
        assert code_of(await post(provider, "/verify", half)) == (403, "otp_expired")
        assert (await get(provider, "/user", token)).json()["email"] == ANN


async def test_one_half_is_enough_where_it_is_configured_so(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False, mail=MailConfig(secure_email_change=False)) as provider:
        token = await confirmed_session(provider)
        await put_user(provider, token, {"email": NEW})
        assert mails(provider) == 1
        session = await verified(provider, type="email_change", email=NEW, token=newest(provider, NEW).code)
        assert session["user"]["email"] == NEW


async def test_a_change_asked_for_with_a_challenge_ends_with_a_code(make_provider: Any) -> None:
    challenge = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "s256"}
    async with make_provider(autoconfirm=False) as provider:
        token = await confirmed_session(provider)
        await put_user(provider, token, {"email": NEW, **challenge})
        _, query, _ = await follow(provider, newest(provider, ANN).link)
        assert "message" in query
        _, query, _ = await follow(provider, newest(provider, NEW).link)
        traded = await provider.send(requests.pkce_grant(query["code"], VERIFIER))
        assert traded.json()["user"]["email"] == NEW


async def test_a_confirmed_users_change_waits_even_where_sign_ups_do_not(provider: Any) -> None:
    token = await confirmed_session(provider)
    pending = (await put_user(provider, token, {"email": NEW})).json()

    assert (pending["email"], pending["new_email"]) == (ANN, NEW)
    session = await verified(provider, type="email_change", email=NEW, token=newest(provider, NEW).code)
    assert session["user"]["email"] == NEW


async def test_an_address_that_is_anothers_is_refused_now_and_when_it_is_confirmed(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False, mail=MailConfig(secure_email_change=False)) as provider:
        token = await confirmed_session(provider)
        await confirmed_session(provider, BOB)
        assert code_of(await put_user(provider, token, {"email": BOB})) == (422, "email_exists")
        assert (await put_user(provider, token, {"email": NEW})).status_code == 200
        await confirmed_session(provider, NEW)
        answer = await post(
            provider, "/verify", {"type": "email_change", "email": NEW, "token": newest(provider, NEW).code}
        )
        assert code_of(answer) == (422, "email_exists")
        assert (await get(provider, "/user", token)).json()["email"] == ANN


async def test_a_change_is_asked_for_again_after_its_interval_and_sent_again(make_provider: Any) -> None:
    mail = MailConfig(interval_seconds=60, secure_email_change=False)
    async with make_provider(autoconfirm=False, mail=mail) as provider:
        token = await confirmed_session(provider)
        await put_user(provider, token, {"email": NEW})
        answer = await put_user(provider, token, {"email": "other@example.com"})
        assert code_of(answer) == (429, "over_email_send_rate_limit")
        first = newest(provider, NEW).code
        provider.clock.advance(60)
        assert (await post(provider, "/resend", {"type": "email_change", "email": ANN})).json() == {}
        old = await post(provider, "/verify", {"type": "email_change", "email": NEW, "token": first})
        assert code_of(old) == (403, "otp_expired")
        await verified(provider, type="email_change", email=NEW, token=newest(provider, NEW).code)


async def test_the_same_address_and_nothing_at_all_change_nothing(provider: Any) -> None:
    token = await confirmed_session(provider)
    for body in ({"email": "ANN@example.com"}, {}, {"email": "", "phone": ""}):
        answer = await put_user(provider, token, body)
        assert answer.status_code == 200
        assert "new_email" not in answer.json()
    assert mails(provider) == 0


async def test_a_new_password_ends_other_sessions_and_codes_under_way(provider: Any) -> None:
    token = await confirmed_session(provider)
    other = (await provider.signed_in()).access_token
    await post(provider, "/recover", {"email": ANN})

    assert (await put_user(provider, token, {"password": "quite another 2"})).status_code == 200

    assert (await get(provider, "/user", token)).status_code == 200
    assert code_of(await get(provider, "/user", other)) == (403, "session_not_found")
    assert (await follow(provider, newest(provider).link))[2]["error_code"] == "otp_expired"


async def test_an_old_session_proves_itself_with_a_code_once(make_provider: Any) -> None:
    async with make_provider(
        password_change_needs_reauthentication=True, access_token_lifetime_seconds=30 * DAY_SECONDS
    ) as provider:
        token = await confirmed_session(provider)
        assert (await put_user(provider, token, {"password": "young enough 1"})).status_code == 200
        provider.clock.advance(DAY_SECONDS + 1)
        assert code_of(await put_user(provider, token, {"password": "another 22"})) == (400, "reauthentication_needed")
        wrong = {"password": "another 22", "nonce": "000000"}
        assert code_of(await put_user(provider, token, wrong)) == (422, "reauthentication_not_valid")

        assert (await get(provider, "/reauthenticate", token)).json() == {}
        mail = newest(provider)
        assert (mail.kind, mail.link) == ("reauthentication", "")
        assert mail.code in mail.subject
        assert (await put_user(provider, token, {**wrong, "nonce": mail.code})).status_code == 200
        again = {"password": "yet another 3", "nonce": mail.code}
        assert code_of(await put_user(provider, token, again)) == (422, "reauthentication_not_valid")
        assert (await put_user(provider, token, {"data": {"x": 1}})).status_code == 200


async def test_the_code_of_a_proof_is_no_way_in(provider: Any) -> None:
    token = await confirmed_session(provider)
    await get(provider, "/reauthenticate", token)
    for kind in ("email", "signup", "recovery", "magiclink", "email_change"):
        answer = await post(provider, "/verify", {"type": kind, "email": ANN, "token": newest(provider).code})
        assert code_of(answer) == (403, "otp_expired"), kind


async def test_wrong_proofs_are_counted(make_provider: Any) -> None:
    limits = RateLimits(otp_requests_per_five_minutes=None)
    async with make_provider(
        limits=limits,
        password_change_needs_reauthentication=True,
        access_token_lifetime_seconds=30 * DAY_SECONDS,
    ) as provider:
        token = await confirmed_session(provider)
        provider.clock.advance(DAY_SECONDS + 1)
        body = {"password": "another 22", "nonce": "x"}
        statuses = [(await put_user(provider, token, body)).status_code for _ in range(7)]
        assert statuses == [422] * 6 + [429]


async def test_whoever_has_no_confirmed_address_cannot_be_sent_a_proof(provider: Any) -> None:
    token = await confirmed_session(provider)

    def forget(records: Any) -> None:
        user = records.users.by_email(ANN)
        records.users.update(msgspec.structs.replace(user, email_confirmed_at=None))

    await provider.parts.store.write(forget)
    assert code_of(await get(provider, "/reauthenticate", token)) == (422, "email_not_confirmed")
    answer = await provider.http.get("/reauthenticate", headers=DATED)
    assert code_of(answer) == (401, "no_authorization")


# Telephone numbers: test numbers alone

NUMBERS = {"15555550100": "123456", "15555550101": "654321"}


@pytest.mark.parametrize("autoconfirm", [True, False])
async def test_a_test_number_signs_up_and_in(make_provider: Any, *, autoconfirm: bool) -> None:
    async with make_provider(test_otps=NUMBERS, phone_autoconfirm=autoconfirm, autoconfirm=autoconfirm) as provider:
        body = {"phone": "+1 555 555 0100", "password": PASSWORD}
        signed_up = (await post(provider, "/signup", body)).json()
        assert ("access_token" in signed_up) is autoconfirm
        if not autoconfirm:
            early = await post(provider, "/token?grant_type=password", body)
            assert code_of(early) == (400, "phone_not_confirmed")
            await verified(provider, type="sms", phone="15555550100", token="123456")
        session = await post(provider, "/token?grant_type=password", body)
        assert session.json()["user"]["phone"] == "15555550100"
        taken = await post(provider, "/signup", body)
        assert taken.status_code == (422 if autoconfirm else 200)


async def test_a_test_numbers_code_signs_in_once_it_was_asked_for(make_provider: Any) -> None:
    async with make_provider(test_otps=NUMBERS, phone_autoconfirm=True) as provider:
        code = {"type": "sms", "phone": "15555550100", "token": "123456"}
        assert code_of(await post(provider, "/verify", code)) == (403, "otp_expired")
        sent = await post(provider, "/otp", {"phone": "15555550100"})
        assert sent.json() == {"message_id": "test-otp"}
        soon = await post(provider, "/otp", {"phone": "15555550100"})
        assert code_of(soon) == (429, "over_sms_send_rate_limit")
        await verified(provider, **code)
        assert code_of(await post(provider, "/verify", code)) == (403, "otp_expired")


async def test_a_number_is_changed_with_its_code(make_provider: Any) -> None:
    async with make_provider(test_otps=NUMBERS) as provider:
        token = await confirmed_session(provider)
        pending = (await put_user(provider, token, {"phone": "15555550101"})).json()
        assert (pending["phone"], pending["new_phone"]) == ("", "15555550101")
        session = await verified(provider, type="phone_change", phone="15555550101", token="654321")
        assert session["user"]["phone"] == "15555550101"
        assert set(session["user"]["app_metadata"]["providers"]) == {"email", "phone"}
        other = await confirmed_session(provider, BOB)
        assert code_of(await put_user(provider, other, {"phone": "15555550101"})) == (422, "phone_exists")


async def test_other_numbers_get_no_message(make_provider: Any) -> None:
    async with make_provider(test_otps=NUMBERS) as provider:
        assert code_of(await post(provider, "/otp", {"phone": "15559990001"})) == (422, "sms_send_failed")
        token = await confirmed_session(provider)
        assert code_of(await put_user(provider, token, {"phone": "15559990001"})) == (422, "sms_send_failed")
        bad = await post(provider, "/otp", {"phone": "15555550100", "channel": "pigeon"})
        assert code_of(bad) == (400, "validation_failed")


async def test_no_number_is_taken_where_there_are_no_test_numbers(provider: Any) -> None:
    token = await confirmed_session(provider)
    number = {"phone": "15555550100"}

    assert code_of(await post(provider, "/otp", number)) == (400, "phone_provider_disabled")
    assert code_of(await put_user(provider, token, number)) == (422, "phone_provider_disabled")
    resend = await post(provider, "/resend", {"type": "sms", **number})
    assert code_of(resend) == (400, "phone_provider_disabled")
