"""Links and codes asked for without being signed in: who gets one, who is told what, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.mailing import (
    ANN,
    BOB,
    CALLBACK,
    PASSWORD,
    code_of,
    follow,
    mails,
    newest,
    post,
    token_of,
    verified,
)

from cadenza.identity.config import MailConfig, RateLimits
from cadenza.identity.records import TokenKind
from cadenza.protocol.auth import pkce, requests

VERIFIER = "v" * 43
CHALLENGE = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "s256"}
ASKS = ("/otp", "/magiclink", "/recover")


async def signed_up_unconfirmed(provider: Any, email: str = ANN, **query: str) -> Any:
    answer = await post(provider, "/signup", {"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_link_confirms_a_sign_up_and_signs_in(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False) as provider:
        user = await signed_up_unconfirmed(provider)
        assert newest(provider).subject == "Confirm your email address"

        where, query, fragment = await follow(provider, newest(provider).link)

        assert (where, query) == ("http://127.0.0.1:3000", {})
        assert list(fragment) == sorted(fragment)
        assert fragment["type"] == "signup"
        session = await provider.signed_in()
        assert session.user.id == user["id"]
        assert session.user.identities is not None
        assert session.user.identities[0].identity_data["email_verified"] is True


async def test_a_code_signs_in_once(provider: Any) -> None:
    await provider.signed_up()
    assert (await post(provider, "/otp", {"email": "ANN@example.com"})).json() == {}
    code = newest(provider).code

    session = await verified(provider, type="email", email=ANN, token=code)

    assert session["user"]["email"] == ANN
    again = await post(provider, "/verify", {"type": "email", "email": ANN, "token": code})
    assert code_of(again) == (403, "otp_expired")
    link = await follow(provider, newest(provider).link)
    assert link[2]["error_code"] == "otp_expired"


@pytest.mark.parametrize("autoconfirm", [True, False])
async def test_whoever_is_new_becomes_a_user_by_a_link(make_provider: Any, *, autoconfirm: bool) -> None:
    async with make_provider(autoconfirm=autoconfirm) as provider:
        await post(provider, "/magiclink", {"email": ANN, "data": {"name": "Ann"}})
        assert newest(provider).kind == ("magic_link" if autoconfirm else "confirmation")

        _, _, fragment = await follow(provider, newest(provider).link)
        user = await provider.send(requests.get_user(fragment["access_token"]))

        assert user.json()["user_metadata"]["name"] == "Ann"
        assert user.json()["email_confirmed_at"]
        assert code_of(await provider.send(requests.password_grant(ANN, ""))) == (400, "invalid_credentials")


async def test_a_link_asked_for_with_a_challenge_yields_a_code_for_whoever_has_the_verifier(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, f"/otp?redirect_to={CALLBACK}", {"email": ANN, **CHALLENGE})
    assert token_of(newest(provider)).startswith("pkce_")

    where, query, fragment = await follow(provider, newest(provider).link)

    assert (where, set(query), fragment) == (CALLBACK, {"code"}, {})
    wrong = await provider.send(requests.pkce_grant(query["code"], "w" * 43))
    assert code_of(wrong) == (400, "bad_code_verifier")
    traded = await provider.send(requests.pkce_grant(query["code"], VERIFIER))
    assert traded.status_code == 200
    assert code_of(await provider.send(requests.pkce_grant(query["code"], VERIFIER))) == (404, "flow_state_not_found")


async def test_the_code_of_a_mail_works_whatever_its_link_was_asked_for_with(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, "/otp", {"email": ANN, **CHALLENGE})

    await verified(provider, type="magiclink", email=ANN, token=newest(provider).code)


async def test_a_link_counts_with_the_prefix_it_was_sent_with_only(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, "/otp", {"email": ANN, **CHALLENGE})
    token = token_of(newest(provider))
    stripped = await post(provider, "/verify", {"type": "magiclink", "token_hash": token.removeprefix("pkce_")})
    assert code_of(stripped) == (403, "otp_expired")

    await verified(provider, type="magiclink", token_hash=token)


async def test_a_recovery_lets_a_new_password_be_set(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, f"/recover?redirect_to={CALLBACK}", {"email": ANN})

    where, _, fragment = await follow(provider, newest(provider).link)

    assert (where, fragment["type"]) == (CALLBACK, "recovery")
    changed = await provider.send(requests.update_user(fragment["access_token"], password="quite another 2"))
    assert changed.status_code == 200
    await provider.signed_in(password="quite another 2")


async def test_codes_and_links_live_for_their_time(make_provider: Any) -> None:
    async with make_provider(mail=MailConfig(code_lifetime_seconds=100, interval_seconds=0)) as provider:
        await provider.signed_up()
        for kind in ("code", "link"):
            await post(provider, "/otp", {"email": ANN})
            provider.clock.advance(100.001)
            if kind == "code":
                body = {"type": "email", "email": ANN, "token": newest(provider).code}
                assert code_of(await post(provider, "/verify", body)) == (403, "otp_expired")
            else:
                assert (await follow(provider, newest(provider).link))[2]["error_code"] == "otp_expired"
        await post(provider, "/otp", {"email": ANN})
        provider.clock.advance(100)
        await verified(provider, type="email", email=ANN, token=newest(provider).code)


async def test_a_newer_code_voids_the_older_one(make_provider: Any) -> None:
    async with make_provider(mail=MailConfig(interval_seconds=0, code_digits=10)) as provider:
        await provider.signed_up()
        await post(provider, "/otp", {"email": ANN})
        older = newest(provider)
        await post(provider, "/otp", {"email": ANN})
        body = {"type": "email", "email": ANN, "token": older.code}
        assert code_of(await post(provider, "/verify", body)) == (403, "otp_expired")
        assert len(newest(provider).code) == 10
        await verified(provider, type="email", email=ANN, token=newest(provider).code)


async def test_one_users_code_is_not_anothers(provider: Any) -> None:
    await provider.signed_up(ANN)
    await provider.signed_up(BOB)
    await post(provider, "/otp", {"email": ANN})

    body = {"type": "email", "email": BOB, "token": newest(provider, ANN).code}
    assert code_of(await post(provider, "/verify", body)) == (403, "otp_expired")


async def test_a_code_is_good_for_what_it_was_asked_for(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, "/recover", {"email": ANN})
    for kind in ("signup", "invite", "email_change", "sms", "phone_change", "zzz"):
        body = {"type": kind, "email": ANN, "token": newest(provider).code}
        assert code_of(await post(provider, "/verify", body)) == (403, "otp_expired"), kind
    for kind in ("sms", "phone_change", "zzz"):
        body = {"type": kind, "token_hash": token_of(newest(provider))}
        assert code_of(await post(provider, "/verify", body)) == (400, "validation_failed"), kind

    await verified(provider, type="recovery", email=ANN, token=newest(provider).code)


@pytest.mark.parametrize("path", ASKS)
async def test_a_second_mail_waits_and_nobody_learns_whose_address_it_is(make_provider: Any, path: str) -> None:
    async with make_provider(mail=MailConfig(interval_seconds=60)) as provider:
        await provider.signed_up(ANN)
        answers = {}
        for email in (ANN, "nobody@example.com"):
            body = {"email": email} if path == "/recover" else {"email": email, "create_user": True}
            answers[email] = [await post(provider, path, body) for _ in range(2)]
        provider.clock.advance(59.5)
        for email, got in answers.items():
            got.append(await post(provider, path, {"email": email}))

    statuses = {email: [answer.status_code for answer in got] for email, got in answers.items()}
    assert statuses[ANN] == statuses["nobody@example.com"] == [200, 429, 429]
    for pair in zip(*answers.values(), strict=True):
        assert pair[0].content == pair[1].content
        assert dict(pair[0].headers) == dict(pair[1].headers)
    assert answers[ANN][2].json()["message"].endswith("after 0 seconds.")
    assert answers[ANN][1].headers["Retry-After"] == "60"


async def test_sign_ups_for_a_strangers_address_wait_as_those_for_ones_own(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False, mail=MailConfig(interval_seconds=60)) as provider:
        await signed_up_unconfirmed(provider, BOB)
        await provider.parts.users.confirm(BOB)
        statuses = {}
        for email in (ANN, BOB):
            body = {"email": email, "password": PASSWORD}
            statuses[email] = [(await post(provider, "/signup", body)).status_code for _ in range(2)]
        assert statuses[ANN] == statuses[BOB] == [200, 429]
        assert mails(provider, BOB) == 1


async def test_whoever_wants_no_new_user_is_told_that_there_is_none(provider: Any) -> None:
    answer = await post(provider, "/otp", {"email": ANN, "create_user": False})

    assert code_of(answer) == (422, "otp_disabled")
    assert mails(provider) == 0
    await provider.signed_up()
    assert (await post(provider, "/otp", {"email": ANN, "create_user": False})).status_code == 200


async def test_closed_doors_are_named(make_provider: Any) -> None:
    async with make_provider(disable_sign_up=True) as provider:
        assert code_of(await post(provider, "/otp", {"email": ANN})) == (422, "signup_disabled")
        assert code_of(await post(provider, "/magiclink", {"email": ANN})) == (422, "signup_disabled")
    async with make_provider(email_sign_in=False) as provider:
        for path in ASKS:
            assert code_of(await post(provider, path, {"email": ANN})) == (422, "email_provider_disabled"), path
        signup = await post(provider, "/signup", {"email": ANN, "password": PASSWORD})
        assert code_of(signup) == (400, "email_provider_disabled")
        resend = await post(provider, "/resend", {"type": "signup", "email": ANN})
        assert code_of(resend) == (400, "email_provider_disabled")
        password = await provider.send(requests.password_grant(ANN, PASSWORD))
        assert code_of(password) == (422, "email_provider_disabled")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/otp", {}, 400),
        ("/otp", {"email": ANN, "phone": "15555550100"}, 400),
        ("/otp", {"email": ANN, "channel": "sms"}, 400),
        ("/otp", {"email": "nobody"}, 400),
        ("/otp", {"email": ANN, "code_challenge": "x" * 43}, 400),
        ("/otp", {"email": ANN, "code_challenge": "x", "code_challenge_method": "s256"}, 400),
        ("/otp", {"email": ANN, "code_challenge": "x" * 43, "code_challenge_method": "plain"}, 400),
        ("/magiclink", {}, 422),
        ("/magiclink", {"email": "x@y@z"}, 400),
        ("/recover", {}, 400),
        ("/recover", {"email": "x\r\nBcc: y@example.com"}, 400),
        ("/resend", {"type": "signup"}, 400),
        ("/resend", {"type": "sms"}, 400),
        ("/resend", {"type": "email_change"}, 400),
        ("/resend", {"type": "recovery", "email": ANN}, 400),
        ("/resend", {"type": "signup", "email": ANN, "phone": "15555550100"}, 400),
        ("/verify", {"type": "email", "token": "1"}, 400),
        ("/verify", {"type": "email", "token": "1", "token_hash": "1"}, 400),
        ("/verify", {"type": "email", "token": "1", "email": ANN, "phone": "15555550100"}, 400),
        ("/verify", {"type": "email", "token": "1", "email": "nobody"}, 422),
        ("/verify", {"type": "email", "token_hash": "1", "email": ANN}, 400),
        ("/verify", {"type": "email", "token_hash": "1", "redirect_to": CALLBACK}, 400),
        ("/verify", {"type": "sms", "token": "1", "phone": "abc"}, 400),
    ],
)
async def test_what_cannot_be_read_is_refused_and_sends_nothing(
    provider: Any, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await post(provider, path, body)

    assert code_of(answer) == (status, "validation_failed")
    assert mails(provider) == 0


async def test_a_confirmation_is_sent_again_and_confirms(make_provider: Any) -> None:
    async with make_provider(autoconfirm=False, mail=MailConfig(interval_seconds=10)) as provider:
        await signed_up_unconfirmed(provider)
        first = newest(provider)
        provider.clock.advance(11)
        assert (await post(provider, "/resend", {"type": "signup", "email": ANN})).json() == {}
        assert (await follow(provider, first.link))[2]["error_code"] == "otp_expired"
        await verified(provider, type="signup", email=ANN, token=newest(provider).code)

        for email in (ANN, "nobody@example.com"):  # confirmed by now, and nobody
            assert (await post(provider, "/resend", {"type": "signup", "email": email})).json() == {}
        assert mails(provider) == 2


async def test_nobody_is_led_where_the_list_does_not_allow(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, "/otp?redirect_to=https://evil.example/", {"email": ANN})
    assert "evil" not in newest(provider).link
    token = token_of(newest(provider))

    for evil in (
        "https://evil.example/",
        "//evil.example",
        "http://127.0.0.1:3000@evil.example/",
        "javascript:alert(1)",
    ):
        answer = await provider.http.get("/verify", params={"token": "x", "type": "signup", "redirect_to": evil})
        assert answer.headers["location"].startswith("http://127.0.0.1:3000#"), evil
    answer = await provider.http.get(
        "/verify", params={"token": token, "type": "magiclink"}, headers={"Referer": "https://evil.example/"}
    )
    assert answer.headers["location"].startswith("http://127.0.0.1:3000#access_token=")


async def test_wrong_codes_are_counted_by_account_and_address(make_provider: Any) -> None:
    limits = RateLimits(verifications_per_five_minutes=None, emails_per_hour=None, otp_requests_per_five_minutes=None)
    async with make_provider(limits=limits) as provider:
        await provider.signed_up()
        for email in (ANN, "nobody@example.com"):
            await post(provider, "/otp", {"email": email})
            good = newest(provider, email).code
            wrong = {"type": "email", "email": email, "token": "x"}
            statuses = [(await post(provider, "/verify", wrong)).status_code for _ in range(7)]
            assert statuses == [403] * 6 + [429], email
            blocked = await post(provider, "/verify", {**wrong, "token": good})
            assert blocked.status_code == 429
            provider.clock.advance(2)
            await verified(provider, type="email", email=email, token=good)


async def test_requests_are_limited_by_address_each_endpoint_on_its_own(make_provider: Any) -> None:
    limits = RateLimits(otp_requests_per_five_minutes=30, verifications_per_five_minutes=30, burst=1)
    async with make_provider(limits=limits) as provider:
        for path in ("/otp", "/magiclink", "/recover", "/resend", "/verify"):
            statuses = [(await post(provider, path, {})).status_code for _ in range(2)]
            assert statuses[0] in {400, 422}, path
            assert statuses[1] == 429, path
        followed = await provider.http.get("/verify?token=x&type=signup")
        assert followed.status_code == 429


async def test_mails_are_counted_for_the_whole_provider_before_they_are_sent(make_provider: Any) -> None:
    limits = RateLimits(emails_per_hour=60, emails_burst=1, sign_ups_per_five_minutes=None)
    async with make_provider(autoconfirm=False, limits=limits) as provider:
        await signed_up_unconfirmed(provider)
        answer = await post(provider, "/signup", {"email": BOB, "password": PASSWORD})
        assert code_of(answer) == (429, "over_email_send_rate_limit")
        assert answer.headers["Retry-After"] == "60"
        assert not await provider.parts.users.exists(BOB)
        provider.clock.advance(60)
        await signed_up_unconfirmed(provider, BOB)


async def test_the_database_holds_neither_code_nor_link(provider: Any) -> None:
    await provider.signed_up()
    await post(provider, "/otp", {"email": ANN})
    mail = newest(provider)

    def everything(records: Any) -> bytes:
        connection = records.one_time_tokens._connection
        return repr([tuple(row) for row in connection.execute("SELECT * FROM one_time_tokens")]).encode()

    stored = await provider.parts.store.read(everything)

    assert ANN.encode() in stored
    assert mail.code.encode() not in stored
    assert token_of(mail).encode() not in stored
    assert b"<OneTimeTokenRow" in repr(await row_of(provider)).encode()


async def row_of(provider: Any) -> Any:
    return await provider.parts.store.read(
        lambda records: records.one_time_tokens.of(records.users.by_email(ANN).id, TokenKind.RECOVERY)
    )
